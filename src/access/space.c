/* SPDX-License-Identifier: MIT */
/*
 * The checked front of every space: what reaches an operation is aligned, in range and not empty.
 * Direct accesses are made here; what faults is put to the space's hook, outside of any handler.
 */
#include <ward/arith.h>
#include <ward/host.h>
#include <ward/recover.h>
#include <ward/space.h>

#include "access/range.h"
#include "core/bulk.h"

WARD_STATIC_ASSERT(WARD_FAULT_BUSY == 11, "touch.h knows it by its number");

/* --- Faults ----------------------------------------------------------------------------------- */

struct kind {
    int error;
    const char *name;
};

static const struct kind kinds[WARD_FAULT_KIND_END_] = {
    [0] = { 0, "none" },
    [WARD_FAULT_RANGE] = { -EFAULT, "outside the space" },
    [WARD_FAULT_ALIGN] = { -EINVAL, "misaligned" },
    [WARD_FAULT_UNMAPPED] = { -EFAULT, "unmapped" },
    [WARD_FAULT_PROT] = { -EFAULT, "protected" },
    [WARD_FAULT_BUS] = { -EFAULT, "nothing behind the mapping" },
    [WARD_FAULT_MEMORY] = { -EFAULT, "broken memory" },
    [WARD_FAULT_DENIED] = { -EFAULT, "denied" },
    [WARD_FAULT_GONE] = { -ESRCH, "gone" },
    [WARD_FAULT_FORBIDDEN] = { -EPERM, "forbidden" },
    [WARD_FAULT_CANNOT] = { -ENOTSUP, "not possible in this space" },
    [WARD_FAULT_BUSY] = { -EAGAIN, "changed again and again" },
    [WARD_FAULT_NO_MEMORY] = { -EFAULT, "no memory for the page" },
    [WARD_FAULT_PINS] = { -ENOSPC, "pinned too often" },
};

int ward_fault_error(unsigned kind)
{
    return kind < WARD_FAULT_KIND_END_ ? kinds[kind].error : -EFAULT;
}

const char *ward_fault_name(unsigned kind)
{
    return kind < WARD_FAULT_KIND_END_ ? kinds[kind].name : "unknown";
}

/* Ends a call: its fault goes to the caller, its kind decides the result. */
static int answer(const struct ward_fault *fault, struct ward_fault *why)
{
    if (why)
        *why = *fault;
    return ward_fault_error(fault->kind);
}

static int succeed(struct ward_fault *why)
{
    ward_fault_clear_(why);
    return 0;
}

bool ward_space_ok(const struct ward_space *space)
{
    const uint64_t grain = WARD_SPACE_GRAIN - 1;

    if (!space || !space->ops || !space->ops->name || space->first > space->last)
        return false;
    if (space->direct == 0)
        return true;
    return space->direct == space->last - space->first + 1 &&
           ((space->first | (space->last + 1) | space->base) & grain) == 0 &&
           (space->mask == UINT64_MAX ||
            (ward_is_pow2(space->direct) && space->mask == space->direct - 1));
}

/* --- Trying, and trying again ----------------------------------------------------------------- */

/* An access under way: where the caller's bytes are, and how much is done. */
struct access {
    struct ward_space *space;
    uint64_t a;
    size_t n;
    enum { READS, WRITES, FILLS } does;
    void *dst;       /* reading */
    const void *src; /* writing */
    unsigned char value;
    struct ward_fault fault;
};

static struct ward_bulk_ touch(const struct access *x)
{
    uintptr_t host = ward_space_host_(x->space, x->a + x->fault.done);
    size_t done = x->fault.done, left = x->n - done;
    struct ward_bulk_ got;

    ward_window_open_();
    if (x->does == READS)
        got = ward_bulk_try_in_((char *)x->dst + done, host, left);
    else if (x->does == WRITES)
        got = ward_bulk_try_out_(host, (const char *)x->src + done, left);
    else
        got = ward_bulk_try_fill_(host, x->value, left);
    ward_window_close_();
    return got;
}

/* A space that has no fill writes pieces of this. */
static size_t write_value(struct access *x)
{
    const struct ward_space_ops *ops = x->space->ops;
    unsigned char piece[256];
    size_t before = x->fault.done, done = before;

    __builtin_memset(piece, x->value, sizeof piece);
    while (done < x->n) {
        size_t want = x->n - done < sizeof piece ? x->n - done : sizeof piece;
        size_t put = ops->write(x->space, x->a + done, piece, want, &x->fault);

        done += put;
        if (put < want)
            break;
    }
    return done - before;
}

/* By the space's own operations. Bytes done; fewer than are left: the fault is filled. */
static size_t ask(struct access *x)
{
    const struct ward_space_ops *ops = x->space->ops;
    size_t done = x->fault.done, left = x->n - done;
    uint64_t at = x->a + done;

    x->fault.addr = at;
    x->fault.kind = WARD_FAULT_CANNOT;
    if (x->does == READS)
        return ops->read ? ops->read(x->space, at, (char *)x->dst + done, left, &x->fault) : 0;
    if (!ops->write)
        return 0;
    return x->does == FILLS
               ? write_value(x)
               : ops->write(x->space, at, (const char *)x->src + done, left, &x->fault);
}

/* The hook's answer to a fault. In no-fault mode, and without one, it is no. A hook that leaves no
 * kind behind does not make a success of it. */
static enum ward_answer ask_hook(struct ward_space *space, struct ward_fault *fault)
{
    struct ward_host_thread_state *thread = ward_host_thread();
    unsigned kind = fault->kind;
    enum ward_answer answer;

    if (!space->ops->fault || thread->nofault > 0)
        return WARD_FAIL;
    thread->accessing++;
    answer = space->ops->fault(space, fault);
    thread->accessing--;
    if (fault->kind == 0)
        fault->kind = kind;
    return answer;
}

/* The rest by the operations: what they cannot do is final. */
static void serve(struct access *x)
{
    struct ward_host_thread_state *thread = ward_host_thread();
    size_t done = x->fault.done;

    thread->accessing++;
    done += ask(x);
    thread->accessing--;
    x->fault.done = done;
    if (done == x->n)
        x->fault.kind = 0;
}

/* Directly, asking the hook about each fault as long as it mends them: so many in a row. `first` is
 * what the first attempt came to. False: the hook wants it done by the operations. */
static bool try_directly(struct access *x, struct ward_bulk_ got)
{
    for (unsigned tries = 0; tries < WARD_SPACE_RETRIES; tries++) {
        enum ward_answer said;

        if (tries > 0)
            got = touch(x);
        tries = got.done > 0 && tries > 1 ? 1 : tries;
        x->fault.done += got.done;
        x->fault.addr = x->a + x->fault.done;
        x->fault.kind = (unsigned)got.kind;
        if (got.kind == 0)
            break;
        said = ask_hook(x->space, &x->fault);
        if (said != WARD_RETRY)
            return said != WARD_SERVE;
    }
    return true;
}

/* Everything the fast way does not do: refuses what is outside, asks the hook, serves what is not
 * direct. got: what the fast way came to; kind 0: it made no access. True: all is done. */
static bool go(struct access *x, struct ward_bulk_ got)
{
    if (x->n == 0)
        return true;
    if (!ward_is_in_range_(x->space, x->a, x->n, &x->fault))
        return false;
    if (got.kind == 0 || !try_directly(x, got))
        serve(x);
    return x->fault.kind == 0;
}

/* All of the range is reached directly. */
WARD_INLINE bool is_direct(const struct ward_space *space, uint64_t a, size_t n)
{
    uint64_t direct = space->direct;

    return n <= direct && a - space->first <= direct - n;
}

/* --- Bytes ------------------------------------------------------------------------------------ */

/* What the fast way could not do, done anew from where it stopped. */
static WARD_COLD int read_slowly(struct ward_space *space, uint64_t a, void *dst, size_t n,
                                 struct ward_fault *why, struct ward_bulk_ got)
{
    struct access x = { .space = space, .a = a, .n = n, .does = READS, .dst = dst };

    x.fault.access = WARD_READ;
    if (go(&x, got))
        return succeed(why);
    __builtin_memset((char *)dst + x.fault.done, 0, n - x.fault.done);
    return answer(&x.fault, why);
}

static WARD_COLD int write_slowly(struct ward_space *space, uint64_t a, const void *src, size_t n,
                                  struct ward_fault *why, struct ward_bulk_ got)
{
    struct access x = { .space = space, .a = a, .n = n, .does = WRITES, .src = src };

    x.fault.access = WARD_WRITE;
    return go(&x, got) ? succeed(why) : answer(&x.fault, why);
}

static WARD_COLD int fill_slowly(struct ward_space *space, uint64_t a, unsigned char value,
                                 size_t n, struct ward_fault *why, struct ward_bulk_ got)
{
    struct access x = { .space = space, .a = a, .n = n, .does = FILLS, .value = value };

    x.fault.access = WARD_WRITE;
    return go(&x, got) ? succeed(why) : answer(&x.fault, why);
}

/* What was not tried at all. With the arguments where ward_space_read has them: its fast way is to
 * need no stack. */
static WARD_COLD int read_anew(struct ward_space *space, uint64_t a, void *dst, size_t n,
                               struct ward_fault *why)
{
    return read_slowly(space, a, dst, n, why, (struct ward_bulk_){ 0, 0 });
}

static WARD_COLD int write_anew(struct ward_space *space, uint64_t a, const void *src, size_t n,
                                struct ward_fault *why)
{
    return write_slowly(space, a, src, n, why, (struct ward_bulk_){ 0, 0 });
}

static WARD_COLD int rest_of_read(void *space, uintptr_t from, void *dst, size_t n, void *why,
                                  struct ward_bulk_ got)
{
    ward_window_close_(); /* the fast way is left with it open */
    return read_slowly(space, ward_space_of_host_(space, from), dst, n, why, got);
}

static WARD_COLD int rest_of_write(void *space, uintptr_t to, void *src, size_t n, void *why,
                                   struct ward_bulk_ got)
{
    ward_window_close_(); /* the fast way is left with it open */
    return write_slowly(space, ward_space_of_host_(space, to), src, n, why, got);
}

/* Host before why is cleared: for all the compiler knows, that is the space. Without a record all
 * is in one line: what this costs is the jumps that are taken. */
WARD_ALIGNED(64)
int ward_space_read(struct ward_space *space, uint64_t a, void *dst, size_t n,
                    struct ward_fault *why)
{
    uintptr_t host = ward_space_host_(space, a);
    int error;

    if (WARD_UNLIKELY(!is_direct(space, a, n)))
        return read_anew(space, a, dst, n, why);
    if (WARD_UNLIKELY(why))
        ward_fault_clear_(why);
    ward_window_open_();
    error = ward_bulk_in_(space, host, dst, n, why, rest_of_read);
    ward_window_close_();
    return error;
}

WARD_ALIGNED(64)
int ward_space_write(struct ward_space *space, uint64_t a, const void *src, size_t n,
                     struct ward_fault *why)
{
    uintptr_t host = ward_space_host_(space, a);
    int error;

    if (WARD_UNLIKELY(!is_direct(space, a, n)))
        return write_anew(space, a, src, n, why);
    if (WARD_UNLIKELY(why))
        ward_fault_clear_(why);
    ward_window_open_();
    error = ward_bulk_out_(space, host, src, n, why, rest_of_write);
    ward_window_close_();
    return error;
}

int ward_space_fill(struct ward_space *space, uint64_t a, unsigned char value, size_t n,
                    struct ward_fault *why)
{
    struct ward_bulk_ got;

    if (WARD_UNLIKELY(!is_direct(space, a, n)))
        return fill_slowly(space, a, value, n, why, (struct ward_bulk_){ 0, 0 });
    ward_fault_clear_(why);
    ward_window_open_();
    got = ward_bulk_try_fill_(ward_space_host_(space, a), value, n);
    ward_window_close_();
    if (WARD_UNLIKELY(got.kind))
        return fill_slowly(space, a, value, n, why, got);
    return 0;
}

/* --- Words ------------------------------------------------------------------------------------ */

/* What stands before a word's access, in order: misaligned, then outside. */
static bool may_touch(const struct ward_space *space, uint64_t a, unsigned width,
                      struct ward_fault *fault)
{
    if (a % width != 0) {
        fault->addr = a;
        fault->kind = WARD_FAULT_ALIGN;
        return false;
    }
    return ward_is_in_range_(space, a, width, fault);
}

/* One direct access of a word: by the fast way's own instruction, so that it is never torn. */
static uint64_t touch_word(uintptr_t host, unsigned width, bool write, uint64_t *value)
{
    switch (width << 1 | write) {
    case 2: return ward_touch_load_(host, 1, value) ? *value : 0;
    case 3: return ward_touch_store_(host, 1, value) ? *value : 0;
    case 4: return ward_touch_load_(host, 2, value) ? *value : 0;
    case 5: return ward_touch_store_(host, 2, value) ? *value : 0;
    case 8: return ward_touch_load_(host, 4, value) ? *value : 0;
    case 9: return ward_touch_store_(host, 4, value) ? *value : 0;
    case 16: return ward_touch_load_(host, 8, value) ? *value : 0;
    default: return ward_touch_store_(host, 8, value) ? *value : 0;
    }
}

/* Directly, as long as the hook mends it. kind: of the fault the fast way met, not 0. */
static enum ward_answer word_directly(struct ward_space *space, unsigned width, uint64_t kind,
                                      uint64_t *value, struct ward_fault *fault)
{
    uintptr_t host = ward_space_host_(space, fault->addr);
    enum ward_answer said = WARD_FAIL;

    for (unsigned tries = 0; tries < WARD_SPACE_RETRIES; tries++) {
        uint64_t word = *value;

        if (tries > 0) {
            ward_window_open_();
            kind = touch_word(host, width, fault->access == WARD_WRITE, &word);
            ward_window_close_();
        }
        fault->kind = (unsigned)kind;
        if (kind == 0)
            *value = word;
        said = kind == 0 ? WARD_FAIL : ask_hook(space, fault);
        if (said != WARD_RETRY)
            break;
    }
    return said;
}

/* By the operations: all machines that ward knows keep the low byte first. */
static void word_by_ops(struct ward_space *space, unsigned width, uint64_t *value,
                        struct ward_fault *fault)
{
    bool reads = fault->access == WARD_READ;
    struct access x = { .space = space, .a = fault->addr, .n = width, .fault = *fault };

    x.does = reads ? READS : WRITES;
    x.dst = value;
    x.src = value;
    serve(&x);
    *fault = x.fault;
}

static void word(struct ward_space *space, unsigned width, uint64_t kind, uint64_t *value,
                 struct ward_fault *fault)
{
    if (!may_touch(space, fault->addr, width, fault))
        return;
    if (kind == 0 || word_directly(space, width, kind, value, fault) == WARD_SERVE)
        word_by_ops(space, width, value, fault);
}

int ward_space_read_word_(struct ward_space *space, uint64_t a, unsigned width, uint64_t kind,
                          uint64_t *value, struct ward_fault *why)
{
    struct ward_fault fault = { .addr = a, .access = WARD_READ };
    uint64_t got = 0;

    word(space, width, kind, &got, &fault);
    *value = fault.kind ? 0 : got;
    return fault.kind ? answer(&fault, why) : succeed(why);
}

int ward_space_write_word_(struct ward_space *space, uint64_t a, unsigned width, uint64_t kind,
                           uint64_t value, struct ward_fault *why)
{
    struct ward_fault fault = { .addr = a, .access = WARD_WRITE };

    word(space, width, kind, &value, &fault);
    return fault.kind ? answer(&fault, why) : succeed(why);
}

/* --- Atomics ---------------------------------------------------------------------------------- */

enum { TRIES = 128 }; /* what a hostile party that keeps changing the word can cost */

static uint64_t combine(const struct ward_atomic *op, uint64_t was)
{
    if (op->op == WARD_ATOMIC_AND)
        return was & op->operand;
    return op->op == WARD_ATOMIC_OR ? was | op->operand : was ^ op->operand;
}

WARD_INLINE uint64_t cut(uint64_t value, unsigned width)
{
    return width == 8 ? value : value & ((UINT64_C(1) << 8 * width) - 1);
}

/* And, or, xor: by compare and exchange, which others can make fail. */
WARD_INLINE uint64_t touch_combined(uintptr_t at, unsigned width, struct ward_atomic *op)
{
    uint64_t was = 0, kind = ward_touch_load_(at, width, &was) ? was : 0;

    for (unsigned tries = 0; kind == 0 && tries < TRIES; tries++) {
        op->was = was;
        kind = ward_touch_compare_exchange_(at, width, &was, combine(op, was));
        if (kind == 0 && cut(was, width) == cut(op->was, width))
            return 0;
    }
    return kind ? kind : WARD_FAULT_BUSY;
}

WARD_INLINE uint64_t touch_atomic(uintptr_t at, unsigned width, struct ward_atomic *op)
{
    switch (op->op) {
    case WARD_ATOMIC_LOAD: return ward_touch_load_(at, width, &op->was) ? op->was : 0;
    case WARD_ATOMIC_STORE:
    case WARD_ATOMIC_EXCHANGE:
        op->was = op->operand;
        return ward_touch_exchange_(at, width, &op->was);
    case WARD_ATOMIC_COMPARE_EXCHANGE:
        op->was = op->expected;
        return ward_touch_compare_exchange_(at, width, &op->was, op->operand);
    case WARD_ATOMIC_ADD: op->was = op->operand; return ward_touch_add_(at, width, &op->was);
    case WARD_ATOMIC_AND:
    case WARD_ATOMIC_OR:
    case WARD_ATOMIC_XOR: break;
    }
    return touch_combined(at, width, op);
}

static uint64_t touch_atomic_any(uintptr_t at, struct ward_atomic *op)
{
    switch (op->width) {
    case 1: return touch_atomic(at, 1, op);
    case 2: return touch_atomic(at, 2, op);
    case 4: return touch_atomic(at, 4, op);
    default: return touch_atomic(at, 8, op);
    }
}

/* Directly, as long as the hook mends it. */
static enum ward_answer atomic_directly(struct ward_space *space, struct ward_atomic *op,
                                        struct ward_fault *fault)
{
    enum ward_answer said = WARD_FAIL;

    for (unsigned tries = 0; tries < WARD_SPACE_RETRIES; tries++) {
        ward_window_open_();
        fault->kind = (unsigned)touch_atomic_any(ward_space_host_(space, fault->addr), op);
        ward_window_close_();
        said =
            fault->kind == 0 || fault->kind == WARD_FAULT_BUSY ? WARD_FAIL : ask_hook(space, fault);
        if (said != WARD_RETRY)
            break;
    }
    return said;
}

static void atomic_by_ops(struct ward_space *space, struct ward_atomic *op,
                          struct ward_fault *fault)
{
    struct ward_host_thread_state *thread = ward_host_thread();

    fault->kind = WARD_FAULT_CANNOT;
    if (!space->ops->atomic)
        return;
    thread->accessing++;
    if (space->ops->atomic(space, fault->addr, op, fault))
        fault->kind = 0;
    thread->accessing--;
}

static bool is_atomic(const struct ward_atomic *op)
{
    return (unsigned)op->op <= WARD_ATOMIC_XOR && ward_is_pow2(op->width) && op->width <= 8;
}

int ward_space_atomic(struct ward_space *space, uint64_t a, struct ward_atomic *op,
                      struct ward_fault *why)
{
    struct ward_fault fault = { .addr = a };
    struct ward_atomic low = *op; /* what is beyond the width does not count */

    op->was = 0;
    fault.access = op->op == WARD_ATOMIC_LOAD ? WARD_READ : WARD_RW;
    if (!is_atomic(op)) {
        ward_fault_clear_(why);
        return -EINVAL;
    }
    low.operand = cut(op->operand, op->width);
    low.expected = cut(op->expected, op->width);
    if (may_touch(space, a, op->width, &fault) &&
        (space->direct == 0 || atomic_directly(space, &low, &fault) == WARD_SERVE))
        atomic_by_ops(space, &low, &fault);
    op->was = fault.kind || op->op == WARD_ATOMIC_STORE ? 0 : cut(low.was, op->width);
    return fault.kind ? answer(&fault, why) : succeed(why);
}

/* --- In advance ------------------------------------------------------------------------------- */

typedef bool advance(struct ward_space *, uint64_t, size_t, unsigned, struct ward_fault *);

static int look_ahead(struct ward_space *space, struct ward_fault *fault, size_t n, advance *can,
                      unsigned without, struct ward_fault *why)
{
    struct ward_host_thread_state *thread = ward_host_thread();
    bool done = false;

    if (fault->access == 0 || (fault->access & ~(unsigned)WARD_RW) != 0) {
        ward_fault_clear_(why);
        return -EINVAL;
    }
    if (n == 0)
        return succeed(why);
    if (!ward_is_in_range_(space, fault->addr, n, fault))
        return answer(fault, why);
    fault->kind = without;
    thread->accessing++;
    done = can ? can(space, fault->addr, n, fault->access, fault) : without == 0;
    thread->accessing--;
    return done ? succeed(why) : answer(fault, why);
}

int ward_space_check(struct ward_space *space, uint64_t a, size_t n, unsigned access,
                     struct ward_fault *why)
{
    struct ward_fault fault = { .addr = a, .access = access };

    return look_ahead(space, &fault, n, space->ops->check, 0, why);
}

int ward_space_populate(struct ward_space *space, uint64_t a, size_t n, unsigned access,
                        struct ward_fault *why)
{
    struct ward_fault fault = { .addr = a, .access = access };

    return look_ahead(space, &fault, n, space->ops->populate, WARD_FAULT_CANNOT, why);
}

/* --- Structures that grew --------------------------------------------------------------------- */

/* Are the n bytes at a all zero? 0, -E2BIG if not, or the error. */
static int are_zero(struct ward_space *space, uint64_t a, size_t n, struct ward_fault *why)
{
    unsigned char piece[256];
    unsigned char seen = 0;

    for (size_t i = 0; i < n; i += sizeof piece) {
        size_t want = n - i < sizeof piece ? n - i : sizeof piece;
        int error = ward_space_read(space, a + i, piece, want, why);

        if (error && why)
            why->done += i;
        if (error)
            return error;
        for (size_t k = 0; k < want; k++)
            seen |= piece[k];
        if (seen)
            return -E2BIG;
    }
    return 0;
}

/* The error of the part beyond what is known counts from the beginning too. */
static int count_known(int error, size_t known, struct ward_fault *why)
{
    if (why && why->kind)
        why->done += known;
    return error;
}

int ward_space_read_versioned(struct ward_space *space, uint64_t a, size_t given, void *dst,
                              size_t known, struct ward_fault *why)
{
    size_t both = given < known ? given : known;
    struct ward_fault fault = { .addr = a, .access = WARD_READ };
    int error;

    __builtin_memset(dst, 0, known);
    if (given > 0 && !ward_is_in_range_(space, a, given, &fault))
        return answer(&fault, why);
    error = ward_space_read(space, a, dst, both, why);
    if (!error && given > known)
        error = count_known(are_zero(space, a + known, given - known, why), known, why);
    if (error)
        __builtin_memset(dst, 0, known);
    return error;
}

int ward_space_write_versioned(struct ward_space *space, uint64_t a, size_t given, const void *src,
                               size_t known, struct ward_fault *why)
{
    size_t both = given < known ? given : known;
    struct ward_fault fault = { .addr = a, .access = WARD_WRITE };
    int error;

    if (given > 0 && !ward_is_in_range_(space, a, given, &fault))
        return answer(&fault, why);
    error = ward_space_write(space, a, src, both, why);
    if (!error && given > known)
        error = count_known(ward_space_fill(space, a + known, 0, given - known, why), known, why);
    return error;
}

/* --- The thread's context --------------------------------------------------------------------- */

void ward_nofault_begin(void)
{
    ward_host_thread()->nofault++;
}

void ward_nofault_end(void)
{
    ward_host_thread()->nofault--;
}

struct ward_space *ward_space_current_get(void)
{
    struct ward_space *set = ward_host_thread()->current;

    return set ? set : ward_host_space();
}

struct ward_space *ward_space_current_set(struct ward_space *space)
{
    struct ward_host_thread_state *thread = ward_host_thread();
    struct ward_space *before = thread->current;

    thread->current = space;
    return before;
}
