/* SPDX-License-Identifier: MIT */
/*
 * The type-erased handle itself: what it checks before it calls, and what it hands on. That every
 * allocator behaves behind it is for tests/conformance.
 */
#include "slabs.h"

#include <ward/mem.h>
#include <ward/static.h>

static struct ward_layout of(size_t size, size_t align)
{
    struct ward_layout layout = { size, align };

    return layout;
}

/* --- an allocator that notes what it is asked ------------------------------------------------- */

static struct {
    unsigned calls;
    const char *operation;
    void *self, *block;
    struct ward_layout was, now;
    bool zeroed;
} note;

static char given[16];

static void *note_alloc(void *self, struct ward_layout layout, bool zeroed)
{
    note.calls++;
    note.operation = "alloc";
    note.self = self;
    note.now = layout;
    note.zeroed = zeroed;
    return given;
}

static void note_free(void *self, void *block, struct ward_layout layout)
{
    note.calls++;
    note.operation = "free";
    note.self = self;
    note.block = block;
    note.now = layout;
}

static void *note_resize(void *self, void *block, struct ward_layout was, struct ward_layout now)
{
    note.calls++;
    note.operation = "resize";
    note.self = self;
    note.block = block;
    note.was = was;
    note.now = now;
    return given;
}

static int note_reset(void *self)
{
    note.calls++;
    note.self = self;
    return -ENOTSUP;
}

static size_t note_usable(void *self, const void *block, struct ward_layout layout)
{
    (void)block;
    note.calls++;
    note.self = self;
    return layout.size + 1;
}

static size_t note_capacity(void *self)
{
    note.calls++;
    note.self = self;
    return 77;
}

static uint64_t note_bugs(void *self)
{
    note.calls++;
    note.self = self;
    return 78;
}

static const struct ward_mem_ops note_ops = { "note",     note_alloc,  note_free,     note_resize,
                                              note_reset, note_usable, note_capacity, note_bugs };
static const struct ward_mem noting = { &note_ops, &note };

static void assert_called(const char *operation, struct ward_layout now)
{
    assert_int_equal(note.calls, 1);
    assert_string_equal(note.operation, operation);
    assert_ptr_equal(note.self, &note);
    assert_int_equal(note.now.size, now.size);
    assert_int_equal(note.now.align, now.align);
    memset(&note, 0, sizeof note);
}

static void every_call_is_handed_on_with_its_arguments(void **state)
{
    char block;

    (void)state;
    memset(&note, 0, sizeof note);
    assert_ptr_equal(ward_mem_alloc(noting, of(10, 2)), given);
    assert_false(note.zeroed);
    assert_called("alloc", of(10, 2));
    assert_ptr_equal(ward_mem_alloc_zeroed(noting, of(11, 4)), given);
    assert_true(note.zeroed);
    assert_called("alloc", of(11, 4));
    ward_mem_free(noting, &block, of(12, 8));
    assert_ptr_equal(note.block, &block);
    assert_called("free", of(12, 8));
    assert_ptr_equal(ward_mem_resize(noting, &block, of(1, 1), of(2, 2)), given);
    assert_int_equal(note.was.size, 1);
    assert_called("resize", of(2, 2));
    assert_ptr_equal(ward_mem_resize(noting, NULL, of(0, 0), of(2, 2)), given);
    assert_called("alloc", of(2, 2));
    assert_int_equal(ward_mem_reset(noting), -ENOTSUP);
    assert_int_equal(ward_mem_usable(noting, &block, of(5, 1)), 6);
    assert_int_equal(ward_mem_capacity(noting), 77);
    assert_int_equal(ward_mem_bugs(noting), 78);
    assert_int_equal(note.calls, 4);
    assert_ptr_equal(note.self, &note);
}

static void what_is_no_layout_or_no_block_never_arrives(void **state)
{
    const struct ward_layout wrong[] = {
        { 0, 1 }, { 1, 0 }, { 1, 3 }, { SIZE_MAX, 1 }, { 1, (size_t)1 << 63 },
    };
    char block;

    (void)state;
    memset(&note, 0, sizeof note);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_null(ward_mem_alloc(noting, wrong[i]));
        assert_null(ward_mem_alloc_zeroed(noting, wrong[i]));
        assert_null(ward_mem_resize(noting, &block, of(1, 1), wrong[i]));
        assert_null(ward_mem_resize(noting, &block, wrong[i], of(1, 1)));
        assert_null(ward_mem_resize(noting, NULL, of(1, 1), wrong[i]));
    }
    ward_mem_free(noting, NULL, of(1, 1));
    assert_int_equal(ward_mem_usable(noting, NULL, of(1, 1)), 0);
    assert_int_equal(note.calls, 0);
}

static void a_null_handle_does_nothing(void **state)
{
    const struct ward_mem handles[] = {
        { NULL, NULL }, { NULL, &note }, ward_mem_of_slab(NULL), ward_mem_of_bump(NULL)
    };
    char block;

    (void)state;
    for (size_t i = 0; i < sizeof handles / sizeof handles[0]; i++) {
        assert_null(ward_mem_alloc(handles[i], of(1, 1)));
        assert_null(ward_mem_alloc_zeroed(handles[i], of(1, 1)));
        assert_null(ward_mem_resize(handles[i], &block, of(1, 1), of(1, 1)));
        assert_null(ward_mem_resize(handles[i], NULL, of(1, 1), of(1, 1)));
        ward_mem_free(handles[i], &block, of(1, 1));
        assert_int_equal(ward_mem_reset(handles[i]), -EINVAL);
        assert_int_equal(ward_mem_usable(handles[i], &block, of(1, 1)), 0);
        assert_int_equal(ward_mem_capacity(handles[i]), 0);
        assert_int_equal(ward_mem_bugs(handles[i]), 0);
    }
}

/* --- ward's own ------------------------------------------------------------------------------- */

static void a_slab_that_was_not_initialised_serves_nothing(void **state)
{
    struct ward_slab none = { 0 };
    struct ward_mem mem = ward_mem_of_slab(&none);

    (void)state;
    assert_null(ward_mem_alloc(mem, of(1, 1)));
    assert_int_equal(ward_mem_capacity(mem), 0);
    assert_int_equal(ward_mem_bugs(mem), 0);
    assert_int_equal(ward_mem_reset(mem), -EINVAL);
}

static void a_slab_zeroes_on_request_whatever_its_policy(void **state)
{
    const unsigned policies[] = { WARD_PLAIN, WARD_POISON, WARD_CANARY, WARD_HARDENED };

    (void)state;
    for (size_t p = 0; p < sizeof policies / sizeof policies[0]; p++) {
        struct ward_slab slab;
        struct ward_mem mem = ward_mem_of_slab(&slab);

        make(&slab, 64, policies[p], 1);
        for (size_t size = 1; size <= 64; size++) {
            void *block = ward_mem_alloc_zeroed(mem, of(size, 8));

            assert_true(is_all(block, size, 0));
            memset(block, 0xff, size);
            ward_mem_free(mem, block, of(size, 8));
        }
        assert_true(is_whole(&slab));
        assert_int_equal(ward_slab_fini(&slab), 0);
    }
}

static void bugs_of_a_slab_are_counted_through_the_handle(void **state)
{
    struct ward_slab slab;
    struct ward_mem mem = ward_mem_of_slab(&slab);
    void *block;

    (void)state;
    contain_bugs();
    make(&slab, 64, WARD_HARDENED, 10);
    block = ward_mem_alloc(mem, of(64, 8));
    ward_mem_free(mem, block, of(63, 8));
    one_bug(WARD_BUG_WRONG_SIZE);
    assert_int_equal(ward_mem_bugs(mem), 1);
    ward_mem_free(mem, block, of(64, 8));
    ward_mem_free(mem, block, of(64, 8));
    assert_int_equal(ward_mem_bugs(mem), 2);
    assert_int_equal(ward_slab_fini(&slab), 0);
}

static void handles_say_what_they_are(void **state)
{
    struct ward_slab slab;
    struct ward_bump bump;

    (void)state;
    assert_string_equal(ward_mem_of_slab(&slab).ops->name, "slab");
    assert_string_equal(ward_mem_of_bump(&bump).ops->name, "bump");
    assert_string_equal(ward_mem_of_system().ops->name, "system");
    assert_int_equal(sizeof(struct ward_mem), 2 * sizeof(void *));
}

static void the_system_heap_serves_large_alignments_and_leaves_errno_alone(void **state)
{
    struct ward_mem mem = ward_mem_of_system();

    (void)state;
    errno = 4321;
    for (size_t align = 1; align <= 65536; align *= 2) {
        unsigned char *block = ward_mem_alloc_zeroed(mem, of(100, align)), *moved;

        assert_int_equal((uintptr_t)block % align, 0);
        assert_true(is_all(block, 100, 0));
        memset(block, 3, 100);
        moved = ward_mem_resize(mem, block, of(100, align), of(5000, align));
        assert_int_equal((uintptr_t)moved % align, 0);
        assert_true(is_all(moved, 100, 3));
        ward_mem_free(mem, moved, of(5000, align));
    }
    assert_null(ward_mem_alloc(mem, of(PTRDIFF_MAX - 4096, 8)));
    assert_null(ward_mem_alloc(mem, of(PTRDIFF_MAX - 8192, 4096)));
    assert_int_equal(errno, 4321);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        slab_test(every_call_is_handed_on_with_its_arguments),
        slab_test(what_is_no_layout_or_no_block_never_arrives),
        slab_test(a_null_handle_does_nothing),
        slab_test(a_slab_that_was_not_initialised_serves_nothing),
        slab_test(a_slab_zeroes_on_request_whatever_its_policy),
        slab_test(bugs_of_a_slab_are_counted_through_the_handle),
        slab_test(handles_say_what_they_are),
        slab_test(the_system_heap_serves_large_alignments_and_leaves_errno_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
