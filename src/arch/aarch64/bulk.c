/* SPDX-License-Identifier: MIT */
/* One form so far: words in general registers. */
#include "core/bulk.h"

const struct ward_bulk_form_ *const ward_bulk_forms_[] = { &ward_bulk_general_ };
const size_t ward_bulk_form_count_ = 1;

struct ward_bulk_ ward_bulk_try_in_(void *dst, uintptr_t from, size_t n)
{
    return ward_bulk_general_.in(dst, from, n);
}

struct ward_bulk_ ward_bulk_try_out_(uintptr_t to, const void *src, size_t n)
{
    return ward_bulk_general_.out(to, src, n);
}

int ward_bulk_in_(void *dst, uintptr_t from, size_t n, void *space, void *why,
                  ward_bulk_rest_ *rest)
{
    return ward_bulk_in_by_(&ward_bulk_general_, dst, from, n, space, why, rest);
}

int ward_bulk_out_(const void *src, uintptr_t to, size_t n, void *space, void *why,
                   ward_bulk_rest_ *rest)
{
    return ward_bulk_out_by_(&ward_bulk_general_, src, to, n, space, why, rest);
}

ptrdiff_t ward_bulk_str_(char *dst, uintptr_t from, size_t n, void *space, void *why,
                         ward_bulk_str_rest_ *rest)
{
    return ward_bulk_str_by_(&ward_bulk_general_, dst, from, n, space, why, rest);
}

struct ward_bulk_ ward_bulk_try_fill_(uintptr_t to, unsigned char value, size_t n)
{
    return ward_bulk_general_.fill(to, value, n);
}
