/* SPDX-License-Identifier: MIT */
#include <ward/arith.h>
#include <ward/iov.h>

/* --- Importing -------------------------------------------------------------------------------- */

static int invalid(uint64_t a, unsigned kind, struct ward_fault *why)
{
    ward_fault_clear_(why);
    if (why && kind) {
        why->addr = a;
        why->access = WARD_READ;
        why->kind = kind;
    }
    return -EINVAL;
}

/* The lengths add up to a length, before anything is cut: a wrapped sum is an attack, not a wish.
 */
static bool add_up(const struct ward_iov *vec, size_t count)
{
    size_t total = 0;

    for (size_t i = 0; i < count; i++)
        if (!ward_add(total, vec[i].len, &total) || total > (size_t)PTRDIFF_MAX)
            return false;
    return true;
}

/* Cuts the copy, and sums what is left. */
static size_t clamp(struct ward_iov *vec, size_t count)
{
    size_t total = 0;

    for (size_t i = 0; i < count; i++) {
        if (vec[i].len > WARD_IOV_BYTES - total)
            vec[i].len = WARD_IOV_BYTES - total;
        total += vec[i].len;
    }
    return total;
}

static int check_all(struct ward_space *space, const struct ward_iov *vec, size_t count,
                     unsigned access, struct ward_fault *why)
{
    int error = 0;

    for (size_t i = 0; i < count && !error; i++)
        error = ward_space_check(space, vec[i].addr, vec[i].len, access, why);
    return error;
}

int ward_iov_import(struct ward_space *space, uint64_t a, size_t count, struct ward_iov *vec,
                    size_t cap, unsigned access, struct ward_iov_list *list, struct ward_fault *why)
{
    size_t total;
    int error;

    *list = (struct ward_iov_list){ 0 };
    if (count > cap || count > WARD_IOV_COUNT)
        return invalid(a, 0, why);
    if (count > 0 && a % WARD_ALIGNOF(struct ward_iov) != 0)
        return invalid(a, WARD_FAULT_ALIGN, why);
    error = ward_space_read(space, a, vec, count * sizeof *vec, why);
    if (error)
        return error;
    if (!add_up(vec, count))
        return invalid(a, 0, why);
    total = clamp(vec, count);
    error = check_all(space, vec, count, access, why);
    if (!error)
        *list = (struct ward_iov_list){ vec, count, total };
    return error;
}

/* --- Copying ---------------------------------------------------------------------------------- */

/* Where a copy stands: `off` bytes are still to be passed over. */
struct walk {
    struct ward_space *space;
    size_t off, done, n;
    char *dst;
    const char *src; /* one of the two */
};

static int copy_range(struct walk *walk, const struct ward_iov *range, struct ward_fault *why)
{
    size_t len = range->len - walk->off, left = walk->n - walk->done;
    uint64_t a = range->addr + walk->off;
    int error;

    len = len < left ? len : left;
    walk->off = 0;
    if (walk->dst)
        error = ward_space_read(walk->space, a, walk->dst + walk->done, len, why);
    else
        error = ward_space_write(walk->space, a, walk->src + walk->done, len, why);
    walk->done += error ? why->done : len;
    return error;
}

static int copy(struct walk *walk, const struct ward_iov_list *list, struct ward_fault *why)
{
    int error = 0;

    for (size_t i = 0; i < list->count && walk->done < walk->n && !error; i++) {
        if (walk->off >= list->vec[i].len)
            walk->off -= list->vec[i].len;
        else
            error = copy_range(walk, &list->vec[i], why);
    }
    return error;
}

static ptrdiff_t finish(const struct walk *walk, int error, struct ward_fault *fault,
                        struct ward_fault *why)
{
    ward_fault_clear_(why);
    if (!error)
        return (ptrdiff_t)walk->done;
    if (walk->dst)
        __builtin_memset(walk->dst + walk->done, 0, walk->n - walk->done);
    fault->done = walk->done;
    if (why)
        *why = *fault;
    return error;
}

ptrdiff_t ward_iov_read(struct ward_space *space, const struct ward_iov_list *list, size_t off,
                        void *dst, size_t n, struct ward_fault *why)
{
    struct walk walk = { .space = space, .off = off, .n = n, .dst = dst };
    struct ward_fault fault = { 0 };
    int error = copy(&walk, list, &fault);

    return finish(&walk, error, &fault, why);
}

ptrdiff_t ward_iov_write(struct ward_space *space, const struct ward_iov_list *list, size_t off,
                         const void *src, size_t n, struct ward_fault *why)
{
    struct walk walk = { .space = space, .off = off, .n = n, .src = src };
    struct ward_fault fault = { 0 };
    int error = copy(&walk, list, &fault);

    return finish(&walk, error, &fault, why);
}
