/* SPDX-License-Identifier: MIT */
#include "force.h"

/* The names are the linker's (ld --wrap): __real_X is the X that __wrap_X stands in front of. */
int __real_ward_bulk_in_(void *space, uintptr_t from, void *dst, size_t n, void *why,
                         ward_bulk_rest_ *rest);
int __real_ward_bulk_out_(void *space, uintptr_t to, const void *src, size_t n, void *why,
                          ward_bulk_rest_ *rest);
ptrdiff_t __real_ward_bulk_str_(void *space, uintptr_t from, char *dst, size_t n, void *why,
                                ward_bulk_str_rest_ *rest);
struct ward_bulk_ __real_ward_bulk_try_in_(void *dst, uintptr_t from, size_t n);
struct ward_bulk_ __real_ward_bulk_try_out_(uintptr_t to, const void *src, size_t n);
struct ward_bulk_ __real_ward_bulk_try_fill_(uintptr_t to, unsigned char value, size_t n);

int __wrap_ward_bulk_in_(void *space, uintptr_t from, void *dst, size_t n, void *why,
                         ward_bulk_rest_ *rest);
int __wrap_ward_bulk_out_(void *space, uintptr_t to, const void *src, size_t n, void *why,
                          ward_bulk_rest_ *rest);
ptrdiff_t __wrap_ward_bulk_str_(void *space, uintptr_t from, char *dst, size_t n, void *why,
                                ward_bulk_str_rest_ *rest);
struct ward_bulk_ __wrap_ward_bulk_try_in_(void *dst, uintptr_t from, size_t n);
struct ward_bulk_ __wrap_ward_bulk_try_out_(uintptr_t to, const void *src, size_t n);
struct ward_bulk_ __wrap_ward_bulk_try_fill_(uintptr_t to, unsigned char value, size_t n);

static const struct ward_bulk_form_ *forced;
static unsigned long count;

void force_form(const struct ward_bulk_form_ *form)
{
    forced = form;
}

unsigned long force_count(void)
{
    return count;
}

int __wrap_ward_bulk_in_(void *space, uintptr_t from, void *dst, size_t n, void *why,
                         ward_bulk_rest_ *rest)
{
    if (!forced)
        return __real_ward_bulk_in_(space, from, dst, n, why, rest);
    count++;
    return ward_bulk_in_by_(forced, space, from, dst, n, why, rest);
}

int __wrap_ward_bulk_out_(void *space, uintptr_t to, const void *src, size_t n, void *why,
                          ward_bulk_rest_ *rest)
{
    if (!forced)
        return __real_ward_bulk_out_(space, to, src, n, why, rest);
    count++;
    return ward_bulk_out_by_(forced, space, to, src, n, why, rest);
}

ptrdiff_t __wrap_ward_bulk_str_(void *space, uintptr_t from, char *dst, size_t n, void *why,
                                ward_bulk_str_rest_ *rest)
{
    if (!forced)
        return __real_ward_bulk_str_(space, from, dst, n, why, rest);
    count++;
    return ward_bulk_str_by_(forced, space, from, dst, n, why, rest);
}

struct ward_bulk_ __wrap_ward_bulk_try_in_(void *dst, uintptr_t from, size_t n)
{
    count += forced != NULL;
    return forced ? forced->in(dst, from, n) : __real_ward_bulk_try_in_(dst, from, n);
}

struct ward_bulk_ __wrap_ward_bulk_try_out_(uintptr_t to, const void *src, size_t n)
{
    count += forced != NULL;
    return forced ? forced->out(to, src, n) : __real_ward_bulk_try_out_(to, src, n);
}

struct ward_bulk_ __wrap_ward_bulk_try_fill_(uintptr_t to, unsigned char value, size_t n)
{
    count += forced != NULL;
    return forced ? forced->fill(to, value, n) : __real_ward_bulk_try_fill_(to, value, n);
}
