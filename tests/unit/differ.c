/* SPDX-License-Identifier: MIT */
/*
 * The differential space finds every kind of disagreement; and, put to use: random accesses through
 * the ways to self, a guest and a process, each against another of them and against a model that
 * goes byte by byte.
 */
#include "access.h"

#include "guests.h"

#include <ward/differ.h>
#include <ward/process.h>

enum { MODEL_PAGES = 6, LONGEST = 700, ROUNDS = 30000 };

static unsigned char scratch[1024];
static struct ward_difference last_difference;
static unsigned ignored; /* a ward_differ_what that is no disagreement here */
static size_t told;

static const char *const whats[] = { "nothing", "the result", "the count", "the kind",
                                     "the bytes" };

static void note(void *arg, const struct ward_difference *d)
{
    last_difference = *d;
    if (d->what == ignored)
        return;
    told++;
    if (arg)
        print_message("%s: %s of %zu bytes at 0x%llx (access %u): %s after %zu, and %s after %zu\n",
                      (const char *)arg, whats[d->what], d->n, (unsigned long long)d->a, d->access,
                      ward_fault_name(d->one.kind), d->one.done, ward_fault_name(d->other.kind),
                      d->other.done);
}

static void start(struct ward_differ *differ, struct ward_space *one, struct ward_space *other,
                  uint64_t distance, const char *name)
{
    union {
        const char *name;
        void *arg;
    } who = { name };

    use_ward();
    told = 0;
    ignored = 0;
    assert_int_equal(
        ward_differ_init(differ, one, other, distance, scratch, sizeof scratch, note, who.arg), 0);
    assert_true(ward_space_ok(&differ->space));
}

/* --- A model ---------------------------------------------------------------------------------- */

/* Pages with a protection each, and bytes of their own; everything one byte after the other. */
struct model {
    struct ward_space space;
    uint64_t base;    /* the address of the first page */
    unsigned outside; /* why there is nothing before the first page, and behind the last */
    unsigned prot[MODEL_PAGES];
    bool mapped[MODEL_PAGES];
    unsigned char bytes[MODEL_PAGES * 4096];
    unsigned lie; /* a ward_differ_what: about the byte at base + 100 */
};

static bool model_may(struct model *model, uint64_t a, unsigned access, struct ward_fault *why)
{
    uint64_t page = (a - model->base) / PAGE;

    why->addr = a;
    why->kind = model->outside;
    if (a < model->base || page >= MODEL_PAGES)
        return false;
    why->kind = WARD_FAULT_UNMAPPED;
    if (!model->mapped[page])
        return false;
    why->kind = model->lie == WARD_DIFFER_KIND ? WARD_FAULT_BUS : WARD_FAULT_PROT;
    return (model->prot[page] & access) == access;
}

static size_t model_read(struct ward_space *space, uint64_t a, void *dst, size_t n,
                         struct ward_fault *why)
{
    struct model *model = (struct model *)space;
    size_t done = 0;

    for (; done < n && model_may(model, a + done, WARD_READ, why); done++) {
        size_t at = (size_t)(a + done - model->base);

        if (at == 100 && model->lie == WARD_DIFFER_COUNT)
            break;
        ((unsigned char *)dst)[done] =
            (unsigned char)(model->bytes[at] ^ (at == 100 && model->lie == WARD_DIFFER_BYTES));
    }
    return done;
}

static size_t model_write(struct ward_space *space, uint64_t a, const void *src, size_t n,
                          struct ward_fault *why)
{
    struct model *model = (struct model *)space;
    size_t done = 0;

    for (; done < n && model_may(model, a + done, WARD_WRITE, why); done++)
        model->bytes[a + done - model->base] = ((const unsigned char *)src)[done];
    return done;
}

static const struct ward_space_ops model_ops = {
    .name = "model",
    .read = model_read,
    .write = model_write,
};

/* In the range of `like`, all mapped and accessible. */
static void make_model(struct model *model, const struct ward_space *like, uint64_t base,
                       unsigned outside)
{
    assert_int_equal(PAGE, 4096);
    memset(model, 0, sizeof *model);
    model->outside = outside;
    model->space =
        (struct ward_space){ .ops = &model_ops, .first = like->first, .last = like->last };
    model->base = base;
    for (size_t i = 0; i < MODEL_PAGES; i++) {
        model->prot[i] = WARD_RW;
        model->mapped[i] = true;
    }
}

/* --- What is found ---------------------------------------------------------------------------- */

/* Pages of the process and a model of them, that agree. */
static struct model model;
static unsigned char *pages;

static int set_up(void **state)
{
    (void)state;
    pages = map_edge(MODEL_PAGES);
    fill_pattern(pages, MODEL_PAGES * PAGE);
    make_model(&model, by(0), address(pages), WARD_FAULT_PROT);
    memcpy(model.bytes, pages, sizeof model.bytes);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    unmap_edge(pages, MODEL_PAGES);
    return 0;
}

static void what_agrees_is_not_told(void **state)
{
    struct ward_differ differ;
    unsigned char copy[200];
    struct ward_fault why;

    (void)state;
    start(&differ, by(0), &model.space, 0, "agreed");
    assert_int_equal(ward_space_read(&differ.space, address(pages), copy, 200, &why), 0);
    assert_memory_equal(copy, pages, 200);
    assert_int_equal(ward_space_write(&differ.space, address(pages + 300), copy, 200, &why), 0);
    assert_memory_equal(pages + 300, copy, 200);
    assert_memory_equal(model.bytes + 300, copy, 200);
    assert_int_equal(ward_space_read(&differ.space, 0, copy, 8, &why), -EFAULT);
    assert_int_equal(why.kind, WARD_FAULT_RANGE);
    assert_true(told == 0 && differ.compared == 3 && differ.differences == 0);
}

static void a_byte_that_differs_is_told(void **state)
{
    struct ward_differ differ;
    unsigned char copy[200];

    (void)state;
    start(&differ, by(0), &model.space, 0, NULL);
    model.lie = WARD_DIFFER_BYTES;
    assert_int_equal(ward_space_read(&differ.space, address(pages + 50), copy, 200, NULL), 0);
    assert_memory_equal(copy, pages + 50, 200);
    assert_true(told == 1 && last_difference.what == WARD_DIFFER_BYTES && last_difference.at == 50);
    assert_int_equal(ward_space_write(&differ.space, address(pages + 90), copy, 20, NULL), 0);
    assert_true(told == 2 && last_difference.what == WARD_DIFFER_BYTES && last_difference.at == 10);
}

static void a_count_that_differs_is_told(void **state)
{
    struct ward_differ differ;
    unsigned char copy[200];
    struct ward_fault why;

    (void)state;
    assert_int_equal(mprotect(pages + PAGE, PAGE, PROT_NONE), 0);
    model.prot[1] = 0;
    start(&differ, by(0), &model.space, 0, NULL);
    assert_int_equal(ward_space_read(&differ.space, address(pages + PAGE - 9), copy, 200, &why),
                     -EFAULT);
    assert_true(told == 0 && why.done == 9);
    model.base -= 3;
    memmove(model.bytes + 3, model.bytes, sizeof model.bytes - 3);
    assert_int_equal(ward_space_read(&differ.space, address(pages + PAGE - 9), copy, 200, &why),
                     -EFAULT);
    assert_true(why.done == 9 && why.addr == address(pages + PAGE));
    assert_true(told == 1 && last_difference.what == WARD_DIFFER_COUNT);
    assert_true(last_difference.one.done == 9 && last_difference.other.done == 6);
}

static void a_result_that_differs_is_told(void **state)
{
    struct ward_differ differ;
    unsigned char copy[200];

    (void)state;
    start(&differ, by(0), &model.space, 0, NULL);
    model.prot[0] = WARD_READ;
    assert_int_equal(ward_space_write(&differ.space, address(pages), pages + 500, 20, NULL), 0);
    assert_true(told == 1 && last_difference.what == WARD_DIFFER_RESULT);
    model.lie = WARD_DIFFER_COUNT;
    assert_int_equal(ward_space_read(&differ.space, address(pages), copy, 200, NULL), 0);
    assert_true(told == 2 && last_difference.what == WARD_DIFFER_RESULT);
}

static void a_kind_that_differs_is_told_unless_it_is_denied(void **state)
{
    struct ward_differ differ;
    uint64_t word;

    (void)state;
    assert_int_equal(mprotect(pages, PAGE, PROT_NONE), 0);
    model.prot[0] = 0;
    model.lie = WARD_DIFFER_KIND;
    start(&differ, by(0), &model.space, 0, NULL);
    assert_int_equal(ward_space_read_u64(&differ.space, address(pages), &word, NULL), -EFAULT);
    assert_true(told == 1 && last_difference.what == WARD_DIFFER_KIND);
    skip_unless(has_calls(), "nothing says DENIED here");
    start(&differ, by(1), &model.space, 0, NULL);
    assert_int_equal(ward_space_read_u64(&differ.space, address(pages), &word, NULL), -EFAULT);
    assert_int_equal(told, 0);
}

static void an_atomic_is_made_once_and_what_was_there_compared(void **state)
{
    struct ward_atomic op = { WARD_ATOMIC_ADD, 4, 5, 0, 0 };
    uint32_t word = 7;
    struct ward_differ differ;

    (void)state;
    memcpy(pages, &word, 4);
    memcpy(model.bytes, &word, 4);
    start(&differ, by(0), &model.space, 0, NULL);
    assert_int_equal(ward_space_atomic(&differ.space, address(pages), &op, NULL), 0);
    memcpy(&word, pages, 4);
    assert_true(op.was == 7 && word == 12 && told == 0);
    assert_int_equal(ward_space_atomic(&differ.space, address(pages), &op, NULL), 0);
    assert_true(op.was == 12 && told == 1 && last_difference.what == WARD_DIFFER_BYTES);
}

static void what_is_longer_than_the_scratch_memory_is_not_compared(void **state)
{
    static unsigned char copy[sizeof scratch + 1];
    struct ward_differ differ;

    (void)state;
    start(&differ, by(0), &model.space, 0, NULL);
    model.lie = WARD_DIFFER_BYTES;
    assert_int_equal(ward_space_read(&differ.space, address(pages), copy, sizeof copy, NULL), 0);
    assert_true(told == 0 && differ.not_compared == 1 && differ.compared == 0);
    assert_int_equal(ward_space_read(&differ.space, address(pages), copy, sizeof scratch, NULL), 0);
    assert_true(told == 1 && differ.not_compared == 1 && differ.compared == 1);
}

static void what_makes_no_differential_space_is_einval(void **state)
{
    struct ward_space none = { 0 };
    struct ward_differ differ;

    (void)state;
    dirty(differ);
    assert_int_equal(ward_differ_init(NULL, by(0), by(0), 0, scratch, 8, note, NULL), -EINVAL);
    assert_int_equal(ward_differ_init(&differ, &none, by(0), 0, scratch, 8, note, NULL), -EINVAL);
    assert_all_zero(differ);
    assert_int_equal(ward_differ_init(&differ, by(0), NULL, 0, scratch, 8, note, NULL), -EINVAL);
    assert_int_equal(ward_differ_init(&differ, by(0), by(0), 0, NULL, 8, note, NULL), -EINVAL);
    assert_int_equal(ward_differ_init(&differ, by(0), by(0), 0, scratch, 7, note, NULL), -EINVAL);
    assert_int_equal(ward_differ_init(&differ, by(0), by(0), 0, scratch, 8, NULL, NULL), -EINVAL);
    assert_int_equal(ward_differ_init(&differ, by(0), by(0), 0, scratch, 8, note, NULL), 0);
}

/* --- Random accesses -------------------------------------------------------------------------- */

static uint64_t seed = 20240301;

static size_t random_below(size_t n)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (size_t)((seed >> 33) % n);
}

static void copy_randomly(struct ward_space *space, uint64_t a, size_t n)
{
    static unsigned char bytes[LONGEST];
    const uint32_t stop = 0x05050505;
    ptrdiff_t result = 0;

    switch (random_below(5)) {
    case 0: result = ward_space_read(space, a, bytes, n, NULL); break;
    case 1:
        for (size_t i = 0; i < n; i++)
            bytes[i] = (unsigned char)random_below(7);
        result = ward_space_write(space, a, bytes, n, NULL);
        break;
    case 2: result = ward_space_fill(space, a, (unsigned char)n, n, NULL); break;
    case 3: result = ward_space_read_str(space, a, (char *)bytes, n + 1, NULL); break;
    default: result = ward_space_read_until(space, a, bytes, 4, n / 4 + 1, &stop, NULL); break;
    }
    assert_true(result >= 0 || result == -EFAULT || result == -ENAMETOOLONG);
}

static void touch_randomly(struct ward_space *space, uint64_t a)
{
    int error = 0;
    uint64_t u64;
    uint32_t u32;
    uint16_t u16;
    uint8_t u8;

    switch (random_below(6)) {
    case 0: error = ward_space_read_u8(space, a, &u8, NULL); break;
    case 1: error = ward_space_read_u16(space, a & ~UINT64_C(1), &u16, NULL); break;
    case 2: error = ward_space_read_u32(space, a & ~UINT64_C(3), &u32, NULL); break;
    case 3: error = ward_space_read_u64(space, a & ~UINT64_C(7), &u64, NULL); break;
    case 4: error = ward_space_write_u32(space, a & ~UINT64_C(3), (uint32_t)a, NULL); break;
    default: error = ward_space_write_u64(space, a & ~UINT64_C(7), a, NULL); break;
    }
    assert_true(error == 0 || error == -EFAULT);
}

/* Near the pages' ends more often than elsewhere. */
static uint64_t place_randomly(uint64_t base)
{
    uint64_t page = base + random_below(MODEL_PAGES + 1) * PAGE;

    return random_below(2) ? page - random_below(64) : page - random_below(PAGE);
}

static void access_randomly(struct ward_differ *differ, uint64_t base)
{
    for (size_t i = 0; i < ROUNDS / MODEL_PAGES && told == 0; i++) {
        uint64_t began = seed, a = place_randomly(base);

        if (random_below(2))
            copy_randomly(&differ->space, a, 1 + random_below(LONGEST - 4));
        else
            touch_randomly(&differ->space, a);
        if (told)
            print_message("seed %llu\n", (unsigned long long)began);
    }
    assert_int_equal(told, 0);
    assert_true(differ->compared > 0 && differ->not_compared == 0);
}

/* --- Self ------------------------------------------------------------------------------------- */

static void protect_randomly(void)
{
    static const int host[] = { PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE };
    static const unsigned prot[] = { WARD_NONE, WARD_READ, WARD_RW };

    for (size_t i = 0; i < MODEL_PAGES; i++) {
        size_t which = random_below(4);

        which = which == 3 ? 2 : which;
        model.prot[i] = prot[which];
        assert_int_equal(mprotect(pages + i * PAGE, PAGE, host[which]), 0);
    }
}

static void compare_randomly(struct ward_space *one, struct ward_space *other, const char *name)
{
    struct ward_differ differ;

    for (size_t turn = 0; turn < MODEL_PAGES; turn++) {
        start(&differ, one, other, 0, name);
        protect_randomly();
        access_randomly(&differ, address(pages));
    }
}

static void the_ways_to_self_agree_with_a_model(void **state)
{
    (void)state;
    for (size_t way = 0; way < ways(); way++)
        compare_randomly(by(way), &model.space, "self against a model");
}

static void the_ways_to_self_agree_with_each_other(void **state)
{
    (void)state;
    skip_unless(has_calls(), "there is but one way");
    compare_randomly(by(0), by(1), "by table against by calls");
    compare_randomly(by(1), by(0), "by calls against by table");
}

/* --- A process -------------------------------------------------------------------------------- */

static void ourselves_as_another_process_are_the_same_as_self(void **state)
{
    struct ward_process process;

    (void)state;
    skip_unless(has_calls(), "no process can be reached");
    assert_int_equal(ward_process_open(&process, getpid(), 0), 0);
    compare_randomly(&process.space, by(0), "a process against self");
    compare_randomly(by(0), &process.space, "self against a process");
    ward_process_close(&process);
}

/* --- A guest ---------------------------------------------------------------------------------- */

/* Maps, unmaps and protects; the model alike. A page that was unmapped comes back with zeroes. */
static void change_guest_randomly(struct ward_guest *guest)
{
    static const unsigned prots[] = { WARD_NONE, WARD_READ, WARD_RW };
    size_t i = random_below(MODEL_PAGES);
    unsigned prot = prots[random_below(3)];
    uint64_t a = model.base + i * PAGE;

    if (!model.mapped[i]) {
        assert_int_equal(ward_guest_map(guest, a, PAGE, prot), 0);
    } else if (random_below(2)) {
        assert_int_equal(ward_guest_unmap(guest, a, PAGE), 0);
        model.mapped[i] = false;
        memset(model.bytes + i * PAGE, 0, PAGE);
        return;
    } else {
        assert_int_equal(ward_guest_protect(guest, a, PAGE, prot), 0);
    }
    model.mapped[i] = true;
    model.prot[i] = prot;
}

static void model_guest(struct ward_guest *guest, unsigned flags)
{
    make(guest, flags);
    make_model(&model, &guest->space, page_at(guest, 4), WARD_FAULT_UNMAPPED);
    for (size_t i = 0; i < MODEL_PAGES; i++)
        model.mapped[i] = false;
}

static void guests_of_every_kind_agree_with_a_model(void **state)
{
    struct ward_differ differ;
    struct ward_guest guest;

    (void)state;
    for (size_t kind = 0; kind < KINDS; kind++) {
        model_guest(&guest, kinds[kind]);
        start(&differ, &guest.space, &model.space, 0, "a guest against a model");
        for (size_t turn = 0; turn < 30; turn++) {
            for (size_t i = 0; i < MODEL_PAGES; i++)
                change_guest_randomly(&guest);
            access_randomly(&differ, model.base);
        }
        end(&guest);
    }
}

/* The host's pages have the guest's protections; only why they are closed is another matter. */
static void a_guest_agrees_with_the_host_where_its_pages_lie(void **state)
{
    struct ward_differ differ;
    struct ward_guest guest;

    (void)state;
    model_guest(&guest, 0);
    start(&differ, &guest.space, by(0), address(guest.region->base) - guest.space.first,
          "a guest against its host");
    ignored = WARD_DIFFER_KIND;
    for (size_t turn = 0; turn < 30; turn++) {
        for (size_t i = 0; i < MODEL_PAGES; i++)
            change_guest_randomly(&guest);
        access_randomly(&differ, model.base);
    }
    end(&guest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_agrees_is_not_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_byte_that_differs_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_count_that_differs_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_result_that_differs_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_kind_that_differs_is_told_unless_it_is_denied, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(an_atomic_is_made_once_and_what_was_there_compared, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_is_longer_than_the_scratch_memory_is_not_compared,
                                        set_up, tear_down),
        cmocka_unit_test(what_makes_no_differential_space_is_einval),
        cmocka_unit_test_setup_teardown(the_ways_to_self_agree_with_a_model, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_ways_to_self_agree_with_each_other, set_up, tear_down),
        cmocka_unit_test_setup_teardown(ourselves_as_another_process_are_the_same_as_self, set_up,
                                        tear_down),
        cmocka_unit_test(guests_of_every_kind_agree_with_a_model),
        cmocka_unit_test(a_guest_agrees_with_the_host_where_its_pages_lie),
    };

    install_first();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
