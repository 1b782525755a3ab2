/* survives */
/* SPDX-License-Identifier: MIT */
/* A guest hands its host addresses that lead to the host's own memory if one adds them to the start
 * of the guest's: page states, the guest object, a secret; directly, around the end of the address
 * space, and by a length that runs over. The host writes and reads wherever it is told. */
#include "attack.h"

static char secret[64] = "a secret of the host's";

struct system_call {
    uint64_t to, from;
    size_t length;
};

/* Both ends are the guest's word. */
static int move(struct ward_space *space, const struct system_call *call)
{
    unsigned char bytes[256];
    size_t piece = call->length < sizeof bytes ? call->length : sizeof bytes;
    struct ward_fault why;
    int error = ward_space_read(space, call->from, bytes, piece, &why);

    return error ? error : ward_space_write(space, call->to, bytes, call->length, &why);
}

static void attack(unsigned flags)
{
    const struct ward_guest_spec spec = { .size = 1 << 20, .flags = flags };
    struct ward_guest guest;
    uint64_t first, inside;

    REQUIRE(ward_guest_reserve(&guest, &spec) == 0);
    first = guest.space.first, inside = first + 65536;
    REQUIRE(ward_guest_map(&guest, inside, 65536, WARD_RW) == 0);
    REQUIRE(ward_space_fill(&guest.space, inside, 31, 65536, NULL) == 0);
    for (unsigned wrap = 0; wrap < 2; wrap++) {
        const void *const wanted[] = { guest.states, guest.pins, &guest, secret };

        for (size_t i = 0; i < 4; i++) {
            uint64_t base = wrap ? (uintptr_t)guest.region->base : 0;
            uint64_t a = (uintptr_t)wanted[i] - base + (wrap ? first : 0);
            struct system_call in = { inside, a, 16 }, out = { a, inside, 16 };
            struct system_call over = { inside, inside + 65536 - 16, a - inside };

            REQUIRE(move(&guest.space, &in) < 0);
            REQUIRE(move(&guest.space, &out) < 0);
            REQUIRE(move(&guest.space, &over) < 0);
        }
    }
    REQUIRE(strcmp(secret, "a secret of the host's") == 0);
    REQUIRE(guest.states[0] == 0 && guest.pins[0] == 0 && ward_guest_ok(&guest));
    REQUIRE(ward_guest_fini(&guest) == 0);
}

/* A host that adds and believes. */
static void attack_sum(void)
{
    static unsigned char memory[4096];
    uint64_t a = (uintptr_t)secret - (uintptr_t)memory;

    memcpy(launder(memory) + a, "owned", 6);
    REQUIRE(strcmp((char *)launder(secret), "owned") == 0);
}

int main(int argc, char **argv)
{
    if (attack_without(argc, argv)) {
        attack_sum();
        return 0;
    }
    REQUIRE(ward_recover_install() == 0);
    attack(0);
    attack(WARD_GUEST_IDENTITY);
    attack(WARD_GUEST_CLAMP);
    attack(WARD_GUEST_CHECKED);
    return 0;
}
