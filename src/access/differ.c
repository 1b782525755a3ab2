/* SPDX-License-Identifier: MIT */
#include <ward/arith.h>
#include <ward/differ.h>

static struct ward_differ *differ_of(struct ward_space *space)
{
    return (struct ward_differ *)space;
}

/* --- Comparing -------------------------------------------------------------------------------- */

static bool may_be_denied(unsigned kind)
{
    return kind == WARD_FAULT_RANGE || kind == WARD_FAULT_UNMAPPED || kind == WARD_FAULT_PROT ||
           kind == WARD_FAULT_BUS || kind == WARD_FAULT_MEMORY;
}

static bool is_same_kind(unsigned one, unsigned other)
{
    return one == other || (one == WARD_FAULT_DENIED && may_be_denied(other)) ||
           (other == WARD_FAULT_DENIED && may_be_denied(one));
}

/* What differs of two faults, either of which may be none; 0: nothing. */
static unsigned compare(const struct ward_differ *differ, const struct ward_fault *one,
                        const struct ward_fault *other)
{
    if (ward_fault_error(one->kind) != ward_fault_error(other->kind))
        return WARD_DIFFER_RESULT;
    if (one->kind == 0)
        return 0;
    if (one->done != other->done || one->addr + differ->distance != other->addr)
        return WARD_DIFFER_COUNT;
    return is_same_kind(one->kind, other->kind) ? 0 : (unsigned)WARD_DIFFER_KIND;
}

/* The place of the first byte that differs; n: none does. */
static size_t first_difference(const unsigned char *a, const unsigned char *b, size_t n)
{
    size_t i = 0;

    while (i < n && a[i] == b[i])
        i++;
    return i;
}

static void tell(struct ward_differ *differ, struct ward_difference *difference, unsigned what)
{
    difference->what = what;
    differ->differences++;
    differ->report(differ->arg, difference);
}

/* Compares the results, and if they agree the first `n` bytes. */
static void judge(struct ward_differ *differ, struct ward_difference *difference,
                  const unsigned char *bytes, size_t n)
{
    unsigned what = compare(differ, &difference->one, &difference->other);

    differ->compared++;
    if (!what && bytes) {
        difference->at = first_difference(bytes, differ->scratch, n);
        what = difference->at < n ? WARD_DIFFER_BYTES : 0;
    }
    if (what)
        tell(differ, difference, what);
}

/* --- Reading ---------------------------------------------------------------------------------- */

/* Bytes done. */
static size_t read_by(struct ward_space *space, uint64_t a, void *dst, size_t n,
                      struct ward_fault *fault)
{
    return ward_space_read(space, a, dst, n, fault) ? fault->done : n;
}

/* The operation ends as the one space ended it. */
static void answer(const struct ward_difference *difference, struct ward_fault *why)
{
    why->addr = difference->one.addr;
    why->kind = difference->one.kind;
}

/* Is there room to compare n bytes? */
static bool is_compared(struct ward_differ *differ, size_t n)
{
    if (n <= differ->scratch_bytes)
        return true;
    differ->not_compared++;
    return false;
}

static size_t differ_read(struct ward_space *space, uint64_t a, void *dst, size_t n,
                          struct ward_fault *why)
{
    struct ward_differ *differ = differ_of(space);
    struct ward_difference d = { .a = a, .n = n, .access = WARD_READ };
    size_t done = read_by(differ->one, a, dst, n, &d.one);

    if (is_compared(differ, n)) {
        (void)read_by(differ->other, a + differ->distance, differ->scratch, n, &d.other);
        judge(differ, &d, dst, done);
    }
    answer(&d, why);
    return done;
}

/* --- Writing ---------------------------------------------------------------------------------- */

static size_t write_by(struct ward_space *space, uint64_t a, const void *src, size_t n,
                       struct ward_fault *fault)
{
    return ward_space_write(space, a, src, n, fault) ? fault->done : n;
}

/* Does the space give back what was written through it? One that may not be read is believed. */
static bool gives_back(struct ward_differ *differ, struct ward_space *space, uint64_t a,
                       const unsigned char *src, size_t n, size_t *at)
{
    *at = n;
    if (ward_space_read(space, a, differ->scratch, n, NULL) == 0)
        *at = first_difference(src, differ->scratch, n);
    return *at == n;
}

/* Each is asked before the other writes: they may reach the same memory. */
static size_t differ_write(struct ward_space *space, uint64_t a, const void *src, size_t n,
                           struct ward_fault *why)
{
    struct ward_differ *differ = differ_of(space);
    struct ward_difference d = { .a = a, .n = n, .access = WARD_WRITE };
    size_t done = write_by(differ->one, a, src, n, &d.one), put;

    if (is_compared(differ, n)) {
        uint64_t there = a + differ->distance;
        bool kept = gives_back(differ, differ->one, a, src, done, &d.at);

        put = write_by(differ->other, there, src, n, &d.other);
        kept = kept && gives_back(differ, differ->other, there, src, put, &d.at);
        judge(differ, &d, NULL, 0);
        if (!kept)
            tell(differ, &d, WARD_DIFFER_BYTES);
    }
    answer(&d, why);
    return done;
}

/* --- Words, advice ---------------------------------------------------------------------------- */

/* What was there before is known of a load, and of what changes the word by what it was. */
static bool tells_before(const struct ward_atomic *op)
{
    return op->op != WARD_ATOMIC_STORE;
}

static bool differ_atomic(struct ward_space *space, uint64_t a, struct ward_atomic *op,
                          struct ward_fault *why)
{
    struct ward_differ *differ = differ_of(space);
    struct ward_difference d = { .a = a, .n = op->width, .access = WARD_RW };
    uint64_t before = 0; /* all machines that ward knows keep the low byte first */
    bool known =
        ward_space_read(differ->other, a + differ->distance, &before, op->width, NULL) == 0;
    bool done = ward_space_atomic(differ->one, a, op, &d.one) == 0;

    differ->compared += known && done;
    if (known && done && tells_before(op) && op->was != before) {
        d.at = first_difference((unsigned char *)&before, (unsigned char *)&op->was, op->width);
        tell(differ, &d, WARD_DIFFER_BYTES);
    }
    answer(&d, why);
    return done;
}

static bool differ_check(struct ward_space *space, uint64_t a, size_t n, unsigned access,
                         struct ward_fault *why)
{
    return ward_space_check(differ_of(space)->one, a, n, access, why) == 0;
}

static bool differ_populate(struct ward_space *space, uint64_t a, size_t n, unsigned access,
                            struct ward_fault *why)
{
    struct ward_differ *differ = differ_of(space);
    struct ward_difference d = { .a = a, .n = n, .access = access };
    bool done = ward_space_populate(differ->one, a, n, access, &d.one) == 0;
    bool same = (ward_space_populate(differ->other, a + differ->distance, n, access, &d.other) ==
                 0) == done;

    differ->compared++;
    if (!same)
        tell(differ, &d, WARD_DIFFER_RESULT);
    answer(&d, why);
    return done;
}

/* --- Making one ------------------------------------------------------------------------------- */

static const struct ward_space_ops differ_ops = {
    .name = "differential",
    .read = differ_read,
    .write = differ_write,
    .atomic = differ_atomic,
    .check = differ_check,
    .populate = differ_populate,
};

/* Every address is one: what is outside is for the two to say. */
int ward_differ_init(struct ward_differ *differ, struct ward_space *one, struct ward_space *other,
                     uint64_t distance, void *scratch, size_t scratch_bytes,
                     ward_differ_report *report, void *arg)
{
    if (!differ)
        return -EINVAL;
    *differ = (struct ward_differ){ 0 };
    if (!ward_space_ok(one) || !ward_space_ok(other) || !scratch || scratch_bytes < 8 || !report)
        return -EINVAL;
    differ->space = (struct ward_space){ .ops = &differ_ops, .last = UINT64_MAX };
    differ->one = one;
    differ->other = other;
    differ->distance = distance;
    differ->scratch = scratch;
    differ->scratch_bytes = scratch_bytes;
    differ->report = report;
    differ->arg = arg;
    return 0;
}
