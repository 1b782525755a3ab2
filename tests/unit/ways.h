/* SPDX-License-Identifier: MIT */
/*
 * Every way in which an access to the process's own memory can be made: by table as the machine
 * chooses, by table with one form of the bulk accesses forced, by calls.
 *
 * To be included after access.h and force.h.
 */
#ifndef WARD_TESTS_UNIT_WAYS_H
#define WARD_TESTS_UNIT_WAYS_H

#include "access.h"
#include "force.h"

struct way {
    const char *name;
    struct ward_space *space;
    const struct ward_bulk_form_ *form; /* NULL: as the machine chooses */
};

static inline bool is_by_calls(const struct way *way)
{
    return way->space == ward_space_self_by_calls();
}

/* What a fault of a page without access is called. */
static inline unsigned kind_by(const struct way *way)
{
    return is_by_calls(way) ? WARD_FAULT_DENIED : WARD_FAULT_PROT;
}

static inline void go_one_way(void (*work)(const struct way *), const struct way *way)
{
    unsigned long before = force_count();

    force_form(way->form);
    work(way);
    force_form(NULL);
    assert_int_equal(force_count() > before, way->form != NULL);
}

/* For programs that go every way: under valgrind there is one, by calls, and each takes longer. */
static inline void install_where_exact(void)
{
    if (!ward_trap_is_emulated_()) {
        install_first();
        return;
    }
    print_message("faults are not exact under valgrind: nothing goes by table\n");
    stride *= 101;
}

static inline void go_by_table(void (*work)(const struct way *))
{
    const struct way chosen = { "self by table", ward_space_self_by_table(), NULL };

    use_ward();
    go_one_way(work, &chosen);
    for (size_t i = 0; i < ward_bulk_form_count_; i++) {
        const struct ward_bulk_form_ *form = ward_bulk_forms_[i];
        const struct way way = { form->name, ward_space_self_by_table(), form };

        if (form->usable())
            go_one_way(work, &way);
        else
            print_message("no %s here\n", form->name);
    }
}

/* Does the work once for each. */
static inline void go_every_way(void (*work)(const struct way *))
{
    const struct way calls = { "self by calls", ward_space_self_by_calls(), NULL };

    if (!ward_trap_is_emulated_())
        go_by_table(work);
    if (has_calls())
        go_one_way(work, &calls);
}

#endif
