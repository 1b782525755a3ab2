/* SPDX-License-Identifier: MIT */
#include "backing.h"

#include <ward/status.h>

/* A process of one class of slots, one owner and one mapping, which a reader copies from here. */
enum { SLOTS = 5000, SPANS = 3, CLASS_BYTES = 48 };

struct record {
    uint64_t kept, size;
    uint32_t fresh, unused;
    uint16_t states[SLOTS];
};

struct owner {
    struct {
        uint64_t bits, next;
    } hands[1];
    uint64_t held[1];
    uint32_t taken, unused;
};

static struct {
    uint32_t made, owners_made;
    struct record records[SPANS];
    struct owner owners[3];
    struct {
        uint64_t at, size;
    } huge[2];
} memory;

static struct ward_status described(void)
{
    struct ward_status status = { .magic = WARD_STATUS_MAGIC, .version = WARD_STATUS_VERSION };

    memset(&memory, 0, sizeof memory);
    status.bytes = sizeof status;
    status.classes = status.hand_classes = 1;
    status.fresh = offsetof(struct record, fresh);
    status.size = offsetof(struct record, size);
    status.kept = offsetof(struct record, kept);
    status.hands = offsetof(struct owner, hands);
    status.hand_bytes = sizeof memory.owners[0].hands[0];
    status.hand_next = 8;
    status.held = offsetof(struct owner, held);
    status.taken = offsetof(struct owner, taken);
    status.owner_bytes = sizeof(struct owner);
    status.owners_most = 3;
    status.owners = (uintptr_t)memory.owners;
    status.owners_made = (uintptr_t)&memory.owners_made;
    status.huge = (uintptr_t)memory.huge;
    status.huge_count = 2;
    status.huge_bytes = sizeof memory.huge[0];
    status.huge_size = 8;
    status.class_of[0] = (struct ward_status_class){
        .records = (uintptr_t)memory.records,
        .made = (uintptr_t)&memory.made,
        .spans = SPANS,
        .record_bytes = sizeof(struct record),
        .states = offsetof(struct record, states),
        .slots = SLOTS,
        .bytes = CLASS_BYTES,
    };
    return status;
}

/* Copies what lies in `memory`, and fails at the n-th read. */
static int read_memory(void *arg, uint64_t at, void *to, size_t len)
{
    uintptr_t from = (uintptr_t)&memory;
    int *until_failure = arg;

    assert_true(at >= from && len <= sizeof memory && at - from <= sizeof memory - len);
    assert_true(len > 0 && len <= 4096);
    if (until_failure && (*until_failure)-- == 0)
        return -EIO;
    memcpy(to, (const void *)(uintptr_t)at, len);
    return 0;
}

static struct ward_status_totals sum_of(const struct ward_status *status)
{
    struct ward_status_totals sum;

    assert_int_equal(ward_status_sum(status, read_memory, NULL, &sum), 0);
    return sum;
}

static void every_state_of_a_slot_is_counted_as_what_it_is(void **state)
{
    const uint16_t states[] = { 0, 1, 2, 3, 4, 5, 6, 16, 16 + 8, 16 + 48, 16 + 49, 0xffff };
    struct ward_status status = described();
    struct ward_status_totals sum;

    (void)state;
    memory.made = 1;
    memcpy(memory.records[0].states, states, sizeof states);
    memory.records[0].fresh = sizeof states / sizeof *states;
    memory.records[0].size = 1000;
    sum = sum_of(&status);
    assert_int_equal(sum.free_slots, 2);
    assert_int_equal(sum.waiting, 2);
    assert_int_equal(sum.waiting_bytes, 2 * CLASS_BYTES);
    assert_int_equal(sum.blocks, 7);
    assert_int_equal(sum.bytes, 2 * 1000 + 48 + 40);
    assert_int_equal(sum.slot_bytes, 2 * 1000 + 5 * CLASS_BYTES);
}

static void all_spans_and_slots_are_counted_and_none_beyond(void **state)
{
    struct ward_status status = described();
    struct ward_status_totals sum;

    (void)state;
    memory.made = 2;
    for (int i = 0; i < SPANS; i++) {
        memory.records[i].kept = 4096;
        memory.records[i].fresh = i ? UINT32_MAX : SLOTS - 1;
        for (int slot = 0; slot < SLOTS; slot++)
            memory.records[i].states[slot] = 16;
    }
    sum = sum_of(&status);
    assert_int_equal(sum.spans, 2);
    assert_int_equal(sum.blocks, 2 * SLOTS - 1);
    assert_int_equal(sum.kept_bytes, 2 * 4096);
    memory.made = UINT32_MAX; /* it lies */
    assert_int_equal(sum_of(&status).spans, SPANS);
}

static void what_left_a_hand_was_allocated(void **state)
{
    struct ward_status status = described();
    struct ward_status_totals sum;

    (void)state;
    memory.owners_made = 3;
    memory.owners[0].held[0] = 1 << 20; /* nobody's */
    memory.owners[1].held[0] = 100;
    memory.owners[1].hands[0].bits = UINT64_C(0x8000000000000000);
    memory.owners[1].hands[0].next = 0x1000;
    memory.owners[1].taken = 1;
    memory.owners[2].held[0] = 7; /* of a thread that ended */
    memory.made = 1;
    memory.records[0].states[0] = memory.records[0].states[1] = 16;
    memory.records[0].fresh = 2;
    status.counters[WARD_STATUS_BIG_ALLOCS] = 3;
    sum = sum_of(&status);
    assert_int_equal(sum.allocations, 98 + 7 + 3);
    assert_int_equal(sum.allocated_bytes, (98 + 7) * CLASS_BYTES);
    assert_int_equal(sum.frees, 98 + 7 + 3 - 2);
    assert_int_equal(sum.threads, 1);
}

static void mappings_that_are_gone_are_not_counted(void **state)
{
    struct ward_status status = described();
    struct ward_status_totals sum;

    (void)state;
    memory.huge[0].at = 0x7000;
    memory.huge[0].size = 1 << 30;
    memory.huge[1].at = 0x9001;
    memory.huge[1].size = 1 << 20;
    sum = sum_of(&status);
    assert_int_equal(sum.blocks, 1);
    assert_int_equal(sum.bytes, 1 << 30);
}

static void a_read_that_fails_leaves_nothing_whichever_it_is(void **state)
{
    struct ward_status status = described();
    const struct ward_status_totals none = { 0 };
    struct ward_status_totals sum;
    int failed = 0;

    (void)state;
    memory.made = memory.owners_made = 2;
    memory.records[0].fresh = memory.records[1].fresh = SLOTS;
    for (;; failed++) {
        int until = failed;

        memset(&sum, 0x5a, sizeof sum);
        if (ward_status_sum(&status, read_memory, &until, &sum) == 0)
            break;
        assert_memory_equal(&sum, &none, sizeof sum);
    }
    assert_true(failed > 10);
}

/* Whatever 32-bit word of the status is changed to whatever: it is refused, or nothing outside of
 * what it describes is touched but through the reader, and that ends. */
static void a_status_that_makes_no_sense_is_refused(void **state)
{
    const uint32_t wild[] = { 0, 1, 7, 4095, 4097, 1 << 21, INT32_MAX, UINT32_MAX };
    unsigned refused = 0;

    (void)state;
    for (size_t at = 0; at < offsetof(struct ward_status, counters); at += 4)
        for (size_t i = 0; i < sizeof wild / sizeof *wild; i++) {
            struct ward_status status = described();
            struct ward_status_totals sum;
            int first = 0;

            memcpy((char *)&status + at, &wild[i], sizeof wild[i]);
            refused += !ward_status_ok(&status);
            assert_int_equal(ward_status_sum(&status, read_memory, &first, &sum),
                             ward_status_ok(&status) ? -EIO : -EINVAL);
        }
    assert_true(refused > 60);
}

static void the_offsets_of_a_class_stay_inside_its_record(void **state)
{
    struct ward_status status = described();

    (void)state;
    assert_true(ward_status_ok(&status));
    status.class_of[0].slots++;
    status.class_of[0].slots += 2; /* the record ends in padding */
    assert_false(ward_status_ok(&status));
    status = described();
    status.kept = 4096 - 7;
    assert_false(ward_status_ok(&status));
    status = described();
    status.class_of[0].states = status.class_of[0].record_bytes + 1;
    assert_false(ward_status_ok(&status));
    status = described();
    status.class_of[0].bytes = 0;
    assert_false(ward_status_ok(&status));
    status = described();
    status.magic = 0;
    assert_false(ward_status_ok(&status));
}

static void every_counter_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (unsigned i = 0; i < WARD_STATUS_COUNTERS; i++)
        for (unsigned j = 0; j < i; j++)
            assert_string_not_equal(ward_status_name((enum ward_status_counter)i),
                                    ward_status_name((enum ward_status_counter)j));
    assert_string_equal(ward_status_name(WARD_STATUS_COUNTERS), "unknown");
}

static void the_text_rounds_sizes_and_hides_what_is_not_printable(void **state)
{
    struct ward_status status = described();
    struct ward_status_totals sum = {
        .blocks = 1, .bytes = 1023, .slot_bytes = 1536, .counted = true
    };
    char text[2048];
    size_t len;

    (void)state;
    memset(status.profile, '\x1b', sizeof status.profile);
    status.range_bytes = UINT64_C(1) << 30;
    status.range_wanted = UINT64_C(64) << 30;
    status.segv = WARD_STATUS_SEGV_OURS;
    status.counters[WARD_STATUS_USED] = (UINT64_C(5) << 40) + (UINT64_C(1) << 39);
    len = ward_status_print(&status, &sum, "> ", text, sizeof text);
    assert_int_equal(len, strlen(text));
    assert_non_null(strstr(text, "> profile      ????????????????\n"));
    assert_non_null(
        strstr(text, "> live         1 block, 1023 bytes requested, 1.5 KiB in slots\n"));
    assert_non_null(strstr(text, "stepped down from 64 GiB\n"));
    assert_non_null(strstr(text, "memory       5.5 TiB set apart"));
    assert_non_null(strstr(text, "the handler of SIGSEGV is ward's"));
}

static void spans_without_numbers_are_not_counted(void **state)
{
    struct ward_status status = described();
    struct ward_status_totals sum;
    char text[2048];

    (void)state;
    status.class_of[0].spans = 0;
    status.counters[WARD_STATUS_GUARDED_LIVE] = 1;
    status.counters[WARD_STATUS_GUARDED] = 3;
    sum = sum_of(&status);
    assert_false(sum.counted);
    assert_int_equal(sum.blocks, 0);
    assert_int_equal(sum.frees, 0);
    assert_int_equal(sum.allocations, 3);
    (void)ward_status_print(&status, &sum, "", text, sizeof text);
    assert_non_null(strstr(text, "live         not counted"));
    assert_null(strstr(text, "quarantine"));
    assert_null(strstr(text, "kept for reuse"));
    assert_non_null(strstr(text, "checked      3 guarded allocations"));
    assert_non_null(strstr(text, "for all size classes together"));
}

static void the_text_is_cut_at_every_cap(void **state)
{
    struct ward_status status = described();
    struct ward_status_totals sum = { 0 };
    char whole[2048], text[2048];
    size_t len = ward_status_print(&status, &sum, "", whole, sizeof whole);

    (void)state;
    for (size_t cap = 0; cap <= len; cap++) {
        memset(text, '#', sizeof text);
        assert_int_equal(ward_status_print(&status, &sum, "", text, cap), cap ? cap - 1 : 0);
        assert_memory_equal(text, whole, cap ? cap - 1 : 0);
        assert_int_equal(text[cap], '#');
        assert_true(cap == 0 || text[cap - 1] == '\0');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_state_of_a_slot_is_counted_as_what_it_is),
        cmocka_unit_test(all_spans_and_slots_are_counted_and_none_beyond),
        cmocka_unit_test(what_left_a_hand_was_allocated),
        cmocka_unit_test(mappings_that_are_gone_are_not_counted),
        cmocka_unit_test(a_read_that_fails_leaves_nothing_whichever_it_is),
        cmocka_unit_test(a_status_that_makes_no_sense_is_refused),
        cmocka_unit_test(the_offsets_of_a_class_stay_inside_its_record),
        cmocka_unit_test(every_counter_has_a_name_of_its_own),
        cmocka_unit_test(the_text_rounds_sizes_and_hides_what_is_not_printable),
        cmocka_unit_test(spans_without_numbers_are_not_counted),
        cmocka_unit_test(the_text_is_cut_at_every_cap),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
