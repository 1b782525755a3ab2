/* SPDX-License-Identifier: MIT */
/*
 * Strings and other sequences that say themselves where they end. They are scanned while they are
 * copied, and what is looked at is the copy: what changes in the space meanwhile is either in it or
 * not.
 */
#include <ward/arith.h>
#include <ward/host.h>
#include <ward/space.h>

#include "core/bulk.h"

/* What is read ahead of a sentinel that is not found yet: never over the end of a page (of which it
 * divides the size), so that nothing behind the sentinel's own page can fail. */
enum { PIECE = 256 };

/* --- Scanning --------------------------------------------------------------------------------- */

struct scan {
    unsigned char *dst;
    size_t size, bytes;            /* of an element; of all that fit */
    const unsigned char *sentinel; /* NULL: all zero */
    size_t copied, seen;           /* bytes; of them in elements that are no sentinel */
};

static bool is_sentinel(const struct scan *scan, const unsigned char *element)
{
    unsigned char seen = 0;

    if (scan->sentinel)
        return __builtin_memcmp(element, scan->sentinel, scan->size) == 0;
    for (size_t i = 0; i < scan->size; i++)
        seen |= element[i];
    return seen == 0;
}

/* Looks at the whole elements that were copied and not seen yet. */
static bool found(struct scan *scan)
{
    while (scan->copied - scan->seen >= scan->size) {
        if (is_sentinel(scan, scan->dst + scan->seen))
            return true;
        scan->seen += scan->size;
    }
    return false;
}

static size_t piece_at(const struct scan *scan, uint64_t at)
{
    size_t left = scan->bytes - scan->copied;
    size_t piece = PIECE - (size_t)(at % PIECE);

    return piece < left ? piece : left;
}

/* A piece that reaches outside was refused whole: what lies before is read alone. That may end
 * outside again, of one of several regions, but is shorter each time. */
static int read_piece(struct scan *scan, struct ward_space *space, uint64_t at, size_t *piece,
                      struct ward_fault *fault)
{
    unsigned char *to = scan->dst + scan->copied;
    int error = ward_space_read(space, at, to, *piece, fault);

    while (error && fault->kind == WARD_FAULT_RANGE && fault->addr != at &&
           fault->addr - at < *piece) {
        *piece = (size_t)(fault->addr - at);
        error = ward_space_read(space, at, to, *piece, fault);
    }
    return error;
}

/* The bytes before the sentinel; -ENAMETOOLONG, or the error of the read that failed. */
static ptrdiff_t run(struct scan *scan, struct ward_space *space, uint64_t a,
                     struct ward_fault *why)
{
    while (scan->copied < scan->bytes) {
        uint64_t at = a + scan->copied;
        size_t piece = piece_at(scan, at);
        struct ward_fault fault;
        int error = read_piece(scan, space, at, &piece, &fault);

        scan->copied += error ? fault.done : piece;
        if (found(scan))
            return (ptrdiff_t)scan->seen;
        if (!error)
            continue;
        fault.done = scan->copied;
        if (why)
            *why = fault;
        return error;
    }
    return -ENAMETOOLONG;
}

/* All of a scan, and no old bytes stay: the elements before the sentinel, or the error. */
static ptrdiff_t finish(struct scan *scan, struct ward_space *space, uint64_t a,
                        struct ward_fault *why)
{
    ptrdiff_t length = run(scan, space, a, why);
    size_t kept = length < 0 ? scan->copied : scan->seen + scan->size;
    size_t end = length < 0 ? scan->bytes : scan->copied;

    __builtin_memset(scan->dst + kept, 0, end - kept);
    return length < 0 ? length : length / (ptrdiff_t)scan->size;
}

/* --- Strings ---------------------------------------------------------------------------------- */

/* By the general way, for what is not direct. */
static WARD_COLD ptrdiff_t read_str_slowly(struct ward_space *space, uint64_t a, char *dst,
                                           size_t cap, struct ward_fault *why)
{
    ptrdiff_t length;

    if (cap == 0)
        return -EINVAL;
    length = ward_space_read_until(space, a, dst, 1, cap, NULL, why);
    if (length == -ENAMETOOLONG)
        dst[cap - 1] = '\0';
    if (length == -EOVERFLOW)
        dst[0] = '\0';
    return length;
}

/* What faulted may be mended, and goes on from where it stopped: no byte is fetched twice. */
static WARD_COLD ptrdiff_t rest_of_str(void *space, uintptr_t from, void *dst, size_t cap,
                                       void *why, struct ward_bulk_ got)
{
    struct scan scan = { .dst = dst, .size = 1, .bytes = cap, .copied = got.done };
    ptrdiff_t length = -ENAMETOOLONG;

    ward_window_close_(); /* the fast way is left with it open */
    scan.seen = scan.copied;
    if (got.kind)
        length = finish(&scan, space, ward_space_of_host_(space, from), why);
    if (length == -ENAMETOOLONG)
        ((char *)dst)[cap - 1] = '\0';
    return length;
}

ptrdiff_t ward_space_read_str(struct ward_space *space, uint64_t a, char *dst, size_t cap,
                              struct ward_fault *why)
{
    uintptr_t host = ward_space_host_(space, a);
    uint64_t off = a - space->first, direct = space->direct;
    ptrdiff_t length;

    ward_fault_clear_(why);
    if (WARD_UNLIKELY(off >= direct || cap - 1 > direct - off - 1))
        return read_str_slowly(space, a, dst, cap, why);
    ward_window_open_();
    length = ward_bulk_str_(space, host, dst, cap, why, rest_of_str);
    ward_window_close_();
    return length;
}

/* --- Text ------------------------------------------------------------------------------------- */

static bool is_tail(unsigned char byte)
{
    return (byte & 0xc0) == 0x80;
}

/* Bytes of the character at s, which ends with a zero; 0: it is none. */
static size_t character(const unsigned char *s)
{
    if (s[0] < 0x80)
        return 1;
    if (s[0] >= 0xc2 && s[0] <= 0xdf)
        return is_tail(s[1]) ? 2 : 0;
    if ((s[0] & 0xf0) == 0xe0) {
        bool overlong = s[0] == 0xe0 && s[1] < 0xa0, surrogate = s[0] == 0xed && s[1] > 0x9f;

        return is_tail(s[1]) && is_tail(s[2]) && !overlong && !surrogate ? 3 : 0;
    }
    if (s[0] >= 0xf0 && s[0] <= 0xf4) {
        bool overlong = s[0] == 0xf0 && s[1] < 0x90, beyond = s[0] == 0xf4 && s[1] > 0x8f;

        return is_tail(s[1]) && is_tail(s[2]) && is_tail(s[3]) && !overlong && !beyond ? 4 : 0;
    }
    return 0;
}

static bool is_text(const char *text)
{
    const unsigned char *at = (const unsigned char *)text;

    while (*at) {
        size_t bytes = character(at);

        if (bytes == 0)
            return false;
        at += bytes;
    }
    return true;
}

ptrdiff_t ward_space_read_utf8(struct ward_space *space, uint64_t a, char *dst, size_t cap,
                               struct ward_fault *why)
{
    ptrdiff_t length = ward_space_read_str(space, a, dst, cap, why);

    if (length < 0 || is_text(dst))
        return length;
    __builtin_memset(dst, 0, cap);
    return -EILSEQ;
}

/* --- Sentinels -------------------------------------------------------------------------------- */

ptrdiff_t ward_space_read_until(struct ward_space *space, uint64_t a, void *dst, size_t size,
                                size_t cap, const void *sentinel, struct ward_fault *why)
{
    struct scan scan = { .dst = dst, .size = size, .sentinel = sentinel };

    ward_fault_clear_(why);
    if (size == 0 || cap == 0)
        return -EINVAL;
    if (!ward_mul(size, cap, &scan.bytes) || scan.bytes > (size_t)PTRDIFF_MAX)
        return -EOVERFLOW;
    return finish(&scan, space, a, why);
}
