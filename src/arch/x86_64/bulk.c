/* SPDX-License-Identifier: MIT */
/*
 * The forms for x86-64, and the choice among them.
 *
 *   avx2     up to 128 bytes by two sets of vectors that overlap in the middle, beyond by blocks
 *            of that, and from LONG bytes on by rep movsb where that is fast
 *   rep      rep movsb from SHORT bytes on: general registers only, for who may not touch others
 *   general  src/core/bulk.c
 *
 * Only the foreign side of an access has an entry. rep movsb is both sides at once: its fixup goes
 * on byte by byte, where the two are told apart.
 */
#include <cpuid.h>
#include <stdatomic.h>

#include <ward/inline/touch.h>

#include "arch/one_form.h"

enum { SHORT = 16, VECTOR = 32, BLOCK = 128, LONG = 8192, PAGE = 4096 };

static struct ward_bulk_ whole(size_t n)
{
    return (struct ward_bulk_){ n, 0 };
}

/* --- Up to 16 bytes: two words, one from either end ------------------------------------------ */

/* Both are read before anything is written, and either may straddle pages: after a fault nothing
 * counts as done. [d] and [s] are the ends of which one is foreign: loads have labels 1 and 2,
 * stores 4 and 5. */
#define ENDS(FIRST, SECOND, MOV, A, B, WIDTH)                                                      \
    __asm__ volatile("1: " MOV " (%[s]), " A "\n"                                                  \
                     "2: " MOV " -" #WIDTH "(%[s],%[n]), " B "\n"                                  \
                     "4: " MOV " " A ", (%[d])\n"                                                  \
                     "5: " MOV " " B ", -" #WIDTH "(%[d],%[n])\n"                                  \
                     "3:\n" WARD_TOUCH_ENTRY_(FIRST, 3b, e, 0) WARD_TOUCH_ENTRY_(SECOND, 3b, e, 0) \
                     : [e] "+&r"(kind)                                                             \
                     : [d] "r"(d), [s] "r"(s), [n] "r"(n)                                          \
                     : "r10", "r11", "memory")

#define SHORT_COPY(FIRST, SECOND)                                                                  \
    uint64_t kind = 0;                                                                             \
                                                                                                   \
    if (n >= 8)                                                                                    \
        ENDS(FIRST, SECOND, "movq", "%%r10", "%%r11", 8);                                          \
    else if (n >= 4)                                                                               \
        ENDS(FIRST, SECOND, "movl", "%%r10d", "%%r11d", 4);                                        \
    else if (n >= 2)                                                                               \
        ENDS(FIRST, SECOND, "movw", "%%r10w", "%%r11w", 2);                                        \
    else if (n == 1)                                                                               \
        ENDS(FIRST, SECOND, "movb", "%%r10b", "%%r11b", 1);                                        \
    return kind == 0

WARD_INLINE bool short_in(void *d, uintptr_t s, size_t n)
{
    SHORT_COPY(1b, 2b);
}

WARD_INLINE bool short_out(uintptr_t d, const void *s, size_t n)
{
    SHORT_COPY(4b, 5b);
}

/* --- rep movsb, rep stosb -------------------------------------------------------------------- */

/* The registers tell how far it came. An emulator may count the byte that faulted as done
 * (valgrind): the last one is done again. */
static size_t step_back(size_t done)
{
    return done > 0 ? done - 1 : 0;
}

#define REP(INSN, KIND, TO, FROM, LEFT, VALUE)                                                     \
    __asm__ volatile("1: rep " INSN "\n"                                                           \
                     "2:\n" WARD_TOUCH_ENTRY_(1b, 2b, e, 0)                                        \
                     : [e] "+&r"(KIND), "+D"(TO), "+S"(FROM), "+c"(LEFT)                           \
                     : "a"(VALUE)                                                                  \
                     : "memory")

static struct ward_bulk_ rep_in(void *dst, uintptr_t from, size_t n)
{
    uintptr_t to = (uintptr_t)dst, at = from;
    uint64_t kind = 0;
    size_t left = n;

    if (n <= SHORT)
        return short_in(dst, from, n) ? whole(n) : ward_bulk_bytes_in_(dst, from, n, 0);
    REP("movsb", kind, to, at, left, 0);
    return kind == 0 ? whole(n) : ward_bulk_bytes_in_(dst, from, n, step_back(n - left));
}

static struct ward_bulk_ rep_out(uintptr_t to, const void *src, size_t n)
{
    uintptr_t at = to, from = (uintptr_t)src;
    uint64_t kind = 0;
    size_t left = n;

    if (n <= SHORT)
        return short_out(to, src, n) ? whole(n) : ward_bulk_bytes_out_(to, src, n, 0);
    REP("movsb", kind, at, from, left, 0);
    return kind == 0 ? whole(n) : ward_bulk_bytes_out_(to, src, n, step_back(n - left));
}

static struct ward_bulk_ rep_fill(uintptr_t to, unsigned char value, size_t n)
{
    uintptr_t at = to, unused = 0;
    uint64_t kind = 0;
    size_t left = n;

    REP("stosb", kind, at, unused, left, value);
    return kind == 0 ? whole(n) : ward_bulk_bytes_fill_(to, value, n, step_back(n - left));
}

static bool has_rep(void)
{
    return true;
}

static struct ward_bulk_ rep_str(char *dst, uintptr_t from, size_t n)
{
    return ward_bulk_general_str_(dst, from, n);
}

static const struct ward_bulk_form_ rep_form = {
    .name = "rep",
    .usable = has_rep,
    .in = rep_in,
    .out = rep_out,
    .fill = rep_fill,
    .str = rep_str,
};

#if __STDC_HOSTED__ /* a kernel's vector registers are not its own */

/* --- What the processor has ------------------------------------------------------------------ */

enum { KNOWN = 1, HAS_AVX2 = 2, HAS_FAST_REP = 4 };

/* Vectors are the program's to use if the system saves them. */
static bool saves_vectors(void)
{
    unsigned a = 0, b = 0, c = 0, d = 0;

    if (!__get_cpuid(1, &a, &b, &c, &d) || (~c & (1u << 27 | 1u << 28)) != 0)
        return false;
    __asm__ volatile("xgetbv" : "=a"(a), "=d"(d) : "c"(0));
    return (a & 6) == 6;
}

static unsigned look(void)
{
    unsigned a = 0, b = 0, c = 0, d = 0, found = KNOWN;

    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d))
        return found;
    if (b & 1u << 5 && saves_vectors())
        found |= HAS_AVX2;
    return b & 1u << 9 ? found | HAS_FAST_REP : found;
}

static _Atomic unsigned known; /* 0: not yet; every thread finds the same */

static unsigned processor(void)
{
    unsigned found = atomic_load_explicit(&known, memory_order_relaxed);

    if (WARD_UNLIKELY(found == 0)) {
        found = look();
        atomic_store_explicit(&known, found, memory_order_relaxed);
    }
    return found;
}

static bool has_avx2(void)
{
    return (processor() & HAS_AVX2) != 0;
}

/* --- Vectors --------------------------------------------------------------------------------- */

#define AVX2 __attribute__((target("avx2")))

/* No more aligned than any stack is: no function has to see to it. */
typedef unsigned char vector __attribute__((vector_size(VECTOR), aligned(16)));

struct pair {
    vector a, b;
};
struct four {
    vector a, b, c, d;
};

/* Two vectors from p on and two from q on. The kind of the fault; 0: none. */
AVX2 WARD_INLINE uint64_t load_pairs(uintptr_t p, uintptr_t q, struct four *v)
{
    uint64_t kind = 0;

    __asm__ volatile(
        "1: vmovdqu (%[p]), %[a]\n"
        "2: vmovdqu 32(%[p]), %[b]\n"
        "3: vmovdqu (%[q]), %[c]\n"
        "4: vmovdqu 32(%[q]), %[d]\n"
        "9:\n" WARD_TOUCH_ENTRY_(1b, 9b, e, 0) WARD_TOUCH_ENTRY_(2b, 9b, e, 0)
            WARD_TOUCH_ENTRY_(3b, 9b, e, 0) WARD_TOUCH_ENTRY_(4b, 9b, e, 0)
        : [e] "+&r"(kind), [a] "=&x"(v->a), [b] "=&x"(v->b), [c] "=&x"(v->c), [d] "=&x"(v->d)
        : [p] "r"(p), [q] "r"(q)
        : "memory");
    return kind;
}

AVX2 WARD_INLINE uint64_t store_pairs(uintptr_t p, uintptr_t q, const struct four *v)
{
    uint64_t kind = 0;

    __asm__ volatile(
        "1: vmovdqu %[a], (%[p])\n"
        "2: vmovdqu %[b], 32(%[p])\n"
        "3: vmovdqu %[c], (%[q])\n"
        "4: vmovdqu %[d], 32(%[q])\n"
        "9:\n" WARD_TOUCH_ENTRY_(1b, 9b, e, 0) WARD_TOUCH_ENTRY_(2b, 9b, e, 0)
            WARD_TOUCH_ENTRY_(3b, 9b, e, 0) WARD_TOUCH_ENTRY_(4b, 9b, e, 0)
        : [e] "+&r"(kind)
        : [a] "x"(v->a), [b] "x"(v->b), [c] "x"(v->c), [d] "x"(v->d), [p] "r"(p), [q] "r"(q)
        : "memory");
    return kind;
}

/* A block from p on. */
AVX2 WARD_INLINE uint64_t load_block(uintptr_t p, struct four *v)
{
    uint64_t kind = 0;

    __asm__ volatile(
        "1: vmovdqu (%[p]), %[a]\n"
        "2: vmovdqu 32(%[p]), %[b]\n"
        "3: vmovdqu 64(%[p]), %[c]\n"
        "4: vmovdqu 96(%[p]), %[d]\n"
        "9:\n" WARD_TOUCH_ENTRY_(1b, 9b, e, 0) WARD_TOUCH_ENTRY_(2b, 9b, e, 0)
            WARD_TOUCH_ENTRY_(3b, 9b, e, 0) WARD_TOUCH_ENTRY_(4b, 9b, e, 0)
        : [e] "+&r"(kind), [a] "=&x"(v->a), [b] "=&x"(v->b), [c] "=&x"(v->c), [d] "=&x"(v->d)
        : [p] "r"(p)
        : "memory");
    return kind;
}

AVX2 WARD_INLINE uint64_t store_block(uintptr_t p, const struct four *v)
{
    uint64_t kind = 0;

    __asm__ volatile("1: vmovdqu %[a], (%[p])\n"
                     "2: vmovdqu %[b], 32(%[p])\n"
                     "3: vmovdqu %[c], 64(%[p])\n"
                     "4: vmovdqu %[d], 96(%[p])\n"
                     "9:\n" WARD_TOUCH_ENTRY_(1b, 9b, e, 0) WARD_TOUCH_ENTRY_(2b, 9b, e, 0)
                         WARD_TOUCH_ENTRY_(3b, 9b, e, 0) WARD_TOUCH_ENTRY_(4b, 9b, e, 0)
                     : [e] "+&r"(kind)
                     : [a] "x"(v->a), [b] "x"(v->b), [c] "x"(v->c), [d] "x"(v->d), [p] "r"(p)
                     : "memory");
    return kind;
}

/* One from p and one from q. */
AVX2 WARD_INLINE uint64_t load_ends(uintptr_t p, uintptr_t q, struct pair *v)
{
    uint64_t kind = 0;

    __asm__ volatile("1: vmovdqu (%[p]), %[a]\n"
                     "2: vmovdqu (%[q]), %[b]\n"
                     "9:\n" WARD_TOUCH_ENTRY_(1b, 9b, e, 0) WARD_TOUCH_ENTRY_(2b, 9b, e, 0)
                     : [e] "+&r"(kind), [a] "=&x"(v->a), [b] "=&x"(v->b)
                     : [p] "r"(p), [q] "r"(q)
                     : "memory");
    return kind;
}

AVX2 WARD_INLINE uint64_t store_ends(uintptr_t p, uintptr_t q, const struct pair *v)
{
    uint64_t kind = 0;

    __asm__ volatile("1: vmovdqu %[a], (%[p])\n"
                     "2: vmovdqu %[b], (%[q])\n"
                     "9:\n" WARD_TOUCH_ENTRY_(1b, 9b, e, 0) WARD_TOUCH_ENTRY_(2b, 9b, e, 0)
                     : [e] "+&r"(kind)
                     : [a] "x"(v->a), [b] "x"(v->b), [p] "r"(p), [q] "r"(q)
                     : "memory");
    return kind;
}

/* Our own side: ordinary accesses, which sanitizers see. */
AVX2 WARD_INLINE void put(unsigned char *p, unsigned char *q, const struct four *v)
{
    __builtin_memcpy(p, &v->a, VECTOR);
    __builtin_memcpy(p + VECTOR, &v->b, VECTOR);
    __builtin_memcpy(q, &v->c, VECTOR);
    __builtin_memcpy(q + VECTOR, &v->d, VECTOR);
}

AVX2 WARD_INLINE void get(struct four *v, const unsigned char *p, const unsigned char *q)
{
    __builtin_memcpy(&v->a, p, VECTOR);
    __builtin_memcpy(&v->b, p + VECTOR, VECTOR);
    __builtin_memcpy(&v->c, q, VECTOR);
    __builtin_memcpy(&v->d, q + VECTOR, VECTOR);
}

/* --- Copies ---------------------------------------------------------------------------------- */

/* 17 to 32 bytes: two halves of 16, in registers that every processor has. */
WARD_INLINE bool halves_in(void *d, uintptr_t s, size_t n)
{
    uint64_t kind = 0;

    ENDS(1b, 2b, "movdqu", "%%xmm0", "%%xmm1", 16);
    return kind == 0;
}

WARD_INLINE bool halves_out(uintptr_t d, const void *s, size_t n)
{
    uint64_t kind = 0;

    ENDS(4b, 5b, "movdqu", "%%xmm0", "%%xmm1", 16);
    return kind == 0;
}

/* 33 to 64. */
AVX2 WARD_INLINE bool ends_in(unsigned char *dst, uintptr_t from, size_t n)
{
    struct pair v;

    if (load_ends(from, from + n - VECTOR, &v))
        return false;
    __builtin_memcpy(dst, &v.a, VECTOR);
    __builtin_memcpy(dst + n - VECTOR, &v.b, VECTOR);
    return true;
}

AVX2 WARD_INLINE bool ends_out(uintptr_t to, const unsigned char *src, size_t n)
{
    struct pair v;

    __builtin_memcpy(&v.a, src, VECTOR);
    __builtin_memcpy(&v.b, src + n - VECTOR, VECTOR);
    return store_ends(to, to + n - VECTOR, &v) == 0;
}

/* 65 to 128: two pairs, from either end. */
AVX2 WARD_INLINE bool pairs_in(unsigned char *dst, uintptr_t from, size_t n)
{
    struct four v;

    if (load_pairs(from, from + n - BLOCK / 2, &v))
        return false;
    put(dst, dst + n - BLOCK / 2, &v);
    return true;
}

AVX2 WARD_INLINE bool pairs_out(uintptr_t to, const unsigned char *src, size_t n)
{
    struct four v;

    get(&v, src, src + n - BLOCK / 2);
    return store_pairs(to, to + n - BLOCK / 2, &v) == 0;
}

/* What a first block leaves to do, if the rest shall begin where the written side is aligned. */
WARD_INLINE size_t aligned(uintptr_t to)
{
    return BLOCK - (to & (2 * VECTOR - 1));
}

/* From 129 bytes on: a block, blocks that begin where the written side is aligned, and a last one
 * that ends where all ends. Returns where it stopped. */
AVX2 WARD_INLINE size_t blocks_in(unsigned char *dst, uintptr_t from, size_t n)
{
    uintptr_t at = from, last = from + n - BLOCK;
    unsigned char *to = dst;
    size_t step = aligned((uintptr_t)dst);
    struct four v;

    do {
        if (WARD_UNLIKELY(load_block(at, &v)))
            return at - from;
        put(to, to + BLOCK / 2, &v);
        at += step, to += step;
        step = BLOCK;
    } while (at < last);
    if (WARD_UNLIKELY(load_block(last, &v)))
        return at - from;
    put(dst + n - BLOCK, dst + n - BLOCK / 2, &v);
    return n;
}

AVX2 WARD_INLINE size_t blocks_out(uintptr_t to, const unsigned char *src, size_t n)
{
    uintptr_t at = to, last = to + n - BLOCK;
    const unsigned char *from = src;
    size_t step = aligned(to);
    struct four v;

    do {
        get(&v, from, from + BLOCK / 2);
        if (WARD_UNLIKELY(store_block(at, &v)))
            return at - to;
        at += step, from += step;
        step = BLOCK;
    } while (at < last);
    get(&v, src + n - BLOCK, src + n - BLOCK / 2);
    return WARD_UNLIKELY(store_block(last, &v)) ? at - to : n;
}

/* Up to a block. n, or 0 after a fault. */
AVX2 WARD_INLINE size_t vectors_in(void *dst, uintptr_t from, size_t n)
{
    if (n <= SHORT)
        return short_in(dst, from, n) ? n : 0;
    if (n <= VECTOR)
        return halves_in(dst, from, n) ? n : 0;
    if (n <= (size_t)2 * VECTOR)
        return ends_in(dst, from, n) ? n : 0;
    return pairs_in(dst, from, n) ? n : 0;
}

AVX2 WARD_INLINE size_t vectors_out(uintptr_t to, const void *src, size_t n)
{
    if (n <= SHORT)
        return short_out(to, src, n) ? n : 0;
    if (n <= VECTOR)
        return halves_out(to, src, n) ? n : 0;
    if (n <= (size_t)2 * VECTOR)
        return ends_out(to, src, n) ? n : 0;
    return pairs_out(to, src, n) ? n : 0;
}

static bool is_long(size_t n)
{
    return n >= LONG && (processor() & HAS_FAST_REP) != 0;
}

AVX2 static struct ward_bulk_ avx2_in(void *dst, uintptr_t from, size_t n)
{
    return is_long(n)
               ? rep_in(dst, from, n)
               : ward_bulk_bytes_in_(
                     dst, from, n, n <= BLOCK ? vectors_in(dst, from, n) : blocks_in(dst, from, n));
}

AVX2 static struct ward_bulk_ avx2_out(uintptr_t to, const void *src, size_t n)
{
    return is_long(n)
               ? rep_out(to, src, n)
               : ward_bulk_bytes_out_(
                     to, src, n, n <= BLOCK ? vectors_out(to, src, n) : blocks_out(to, src, n));
}

/* --- Strings --------------------------------------------------------------------------------- */

AVX2 WARD_INLINE uint64_t load_one(uintptr_t p, vector *v)
{
    uint64_t kind = 0;

    __asm__ volatile("1: vmovdqu (%[p]), %[a]\n"
                     "2:\n" WARD_TOUCH_ENTRY_(1b, 2b, e, 0)
                     : [e] "+&r"(kind), [a] "=&x"(*v)
                     : [p] "r"(p)
                     : "memory");
    return kind;
}

/* Bit i: byte i is zero. */
AVX2 WARD_INLINE unsigned zeroes(vector v)
{
    typedef char signed_vector __attribute__((vector_size(VECTOR)));
    const vector none = { 0 };

    return (unsigned)__builtin_ia32_pmovmskb256((signed_vector)(v == none));
}

/* Is there one in either? */
AVX2 WARD_INLINE bool any_zero(const struct pair *v)
{
    typedef char signed_vector __attribute__((vector_size(VECTOR)));
    const vector none = { 0 };

    return __builtin_ia32_pmovmskb256((signed_vector)((v->a == none) | (v->b == none))) != 0;
}

/* Stores the vector with everything behind its first zero cleared; returns where that is. */
AVX2 WARD_INLINE size_t put_end(char *dst, vector v, unsigned zero)
{
    static const unsigned char keep[2 * VECTOR] = {
        255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
        255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
    };
    size_t length = (size_t)__builtin_ctz(zero);
    vector mask;

    __builtin_memcpy(&mask, keep + VECTOR - length, VECTOR);
    v &= mask;
    __builtin_memcpy(dst, &v, VECTOR);
    return length;
}

/* Bytes from `at` that may be read at once: in its page, and wanted. */
WARD_INLINE size_t in_reach(uintptr_t at, size_t wanted)
{
    size_t page = PAGE - (at & (PAGE - 1));

    return page < wanted ? page : wanted;
}

/* Two vectors that hold a zero. Returns its place. */
AVX2 WARD_INLINE size_t put_last(char *dst, const struct pair *v)
{
    unsigned zero = zeroes(v->a);

    if (zero)
        return put_end(dst, v->a, zero);
    __builtin_memcpy(dst, &v->a, VECTOR);
    return VECTOR + put_end(dst + VECTOR, v->b, zeroes(v->b));
}

/* Pairs of vectors as far as page and room go. *ended: there was a zero, or a fault. No byte is
 * read twice. */
AVX2 WARD_INLINE struct ward_bulk_ str_pairs(char *dst, uintptr_t from, size_t n, bool *ended)
{
    struct pair v;
    size_t i = 0;

    for (; n - i >= sizeof v; i += sizeof v) {
        uint64_t kind = load_ends(from + i, from + i + VECTOR, &v);

        *ended = true;
        if (WARD_UNLIKELY(kind))
            return (struct ward_bulk_){ i, kind };
        if (any_zero(&v))
            return whole(i + put_last(dst + i, &v));
        *ended = false;
        __builtin_memcpy(dst + i, &v.a, VECTOR);
        __builtin_memcpy(dst + i + VECTOR, &v.b, VECTOR);
    }
    return whole(i);
}

AVX2 WARD_INLINE struct ward_bulk_ str_one(char *dst, uintptr_t from, bool *ended)
{
    uint64_t kind;
    unsigned zero;
    vector v;

    kind = load_one(from, &v);
    zero = kind ? 0 : zeroes(v);
    *ended = kind || zero;
    if (kind)
        return (struct ward_bulk_){ 0, kind };
    if (zero)
        return whole(put_end(dst, v, zero));
    __builtin_memcpy(dst, &v, VECTOR);
    return whole(VECTOR);
}

/* What is left of the page or the room, by words. */
WARD_INLINE struct ward_bulk_ str_rest(char *dst, uintptr_t from, size_t n, bool *ended)
{
    struct ward_bulk_ rest = ward_bulk_general_str_(dst, from, n);

    *ended = rest.kind || rest.done < n;
    return rest;
}

/* The rest of a string of which i bytes are copied. */
AVX2 static __attribute__((noinline)) struct ward_bulk_ str_on(char *dst, uintptr_t from, size_t n,
                                                               size_t i)
{
    struct ward_bulk_ part = { 0, 0 };
    bool ended = false;

    while (i < n && !ended) {
        size_t reach = in_reach(from + i, n - i);

        part = str_pairs(dst + i, from + i, reach, &ended);
        if (!ended && part.done == 0)
            part = reach >= VECTOR ? str_one(dst + i, from + i, &ended)
                                   : str_rest(dst + i, from + i, reach, &ended);
        i += part.done;
    }
    return (struct ward_bulk_){ i, part.kind };
}

/* Most strings are short: one vector holds them. */
AVX2 static struct ward_bulk_ avx2_str(char *dst, uintptr_t from, size_t n)
{
    uint64_t kind;
    unsigned zero;
    vector v;

    if (n < VECTOR || (from & (PAGE - 1)) > PAGE - VECTOR)
        return str_on(dst, from, n, 0);
    kind = load_one(from, &v);
    if (WARD_UNLIKELY(kind))
        return (struct ward_bulk_){ 0, kind };
    zero = zeroes(v);
    if (zero)
        return whole(put_end(dst, v, zero));
    __builtin_memcpy(dst, &v, VECTOR);
    return str_on(dst, from, n, VECTOR);
}

static const struct ward_bulk_form_ avx2_form = {
    .name = "avx2",
    .usable = has_avx2,
    .in = avx2_in,
    .out = avx2_out,
    .fill = rep_fill,
    .str = avx2_str,
};

/* --- The choice ------------------------------------------------------------------------------ */

const struct ward_bulk_form_ *const ward_bulk_forms_[] = { &avx2_form, &rep_form,
                                                           &ward_bulk_general_ };

struct ward_bulk_ ward_bulk_try_in_(void *dst, uintptr_t from, size_t n)
{
    return has_avx2() ? avx2_in(dst, from, n) : rep_in(dst, from, n);
}

struct ward_bulk_ ward_bulk_try_out_(uintptr_t to, const void *src, size_t n)
{
    return has_avx2() ? avx2_out(to, src, n) : rep_out(to, src, n);
}

struct ward_bulk_ ward_bulk_try_fill_(uintptr_t to, unsigned char value, size_t n)
{
    return rep_fill(to, value, n);
}

/* What is long, or not by vectors, or faulted: `done` bytes are copied. */
static WARD_COLD int in_slowly(void *dst, uintptr_t from, size_t n, void *space, void *why,
                               ward_bulk_rest_ *rest, size_t done)
{
    struct ward_bulk_ got =
        processor() && done == 0 ? rep_in(dst, from, n) : ward_bulk_bytes_in_(dst, from, n, done);

    return got.kind ? rest(dst, from, n, space, why, got) : 0;
}

static WARD_COLD int out_slowly(const void *src, uintptr_t to, size_t n, void *space, void *why,
                                ward_bulk_rest_ *rest, size_t done)
{
    struct ward_bulk_ got =
        processor() && done == 0 ? rep_out(to, src, n) : ward_bulk_bytes_out_(to, src, n, done);
    union {
        const void *src;
        void *ours;
    } bytes = { src }; /* rest only hands them back */

    return got.kind ? rest(bytes.ours, to, n, space, why, got) : 0;
}

AVX2 static __attribute__((noinline)) int in_by_blocks(void *dst, uintptr_t from, size_t n,
                                                       void *space, void *why,
                                                       ward_bulk_rest_ *rest)
{
    size_t done = blocks_in(dst, from, n);

    return WARD_LIKELY(done == n) ? 0 : in_slowly(dst, from, n, space, why, rest, done);
}

AVX2 static __attribute__((noinline)) int out_by_blocks(const void *src, uintptr_t to, size_t n,
                                                        void *space, void *why,
                                                        ward_bulk_rest_ *rest)
{
    size_t done = blocks_out(to, src, n);

    return WARD_LIKELY(done == n) ? 0 : out_slowly(src, to, n, space, why, rest, done);
}

AVX2 WARD_INLINE int in_by_vectors(void *dst, uintptr_t from, size_t n, void *space, void *why,
                                   ward_bulk_rest_ *rest)
{
    size_t done;

    if (n > BLOCK)
        return in_by_blocks(dst, from, n, space, why, rest);
    done = vectors_in(dst, from, n);

    return WARD_LIKELY(done == n) ? 0 : in_slowly(dst, from, n, space, why, rest, done);
}

AVX2 WARD_INLINE int out_by_vectors(const void *src, uintptr_t to, size_t n, void *space, void *why,
                                    ward_bulk_rest_ *rest)
{
    size_t done;

    if (n > BLOCK)
        return out_by_blocks(src, to, n, space, why, rest);
    done = vectors_out(to, src, n);

    return WARD_LIKELY(done == n) ? 0 : out_slowly(src, to, n, space, why, rest, done);
}

/* Compiled for AVX2, so that the vectors fold in: what runs before the test is integer code. */

/* Vectors, if it is known that there are some, unless it is long and rep is fast. (What comes first
 * in a program finds nothing known, and goes the slow way, which looks.) */
WARD_INLINE bool by_vectors(size_t n)
{
    unsigned has = atomic_load_explicit(&known, memory_order_relaxed);

    return WARD_LIKELY(has & HAS_AVX2) && (n < LONG || !(has & HAS_FAST_REP));
}

AVX2 int ward_bulk_in_(void *dst, uintptr_t from, size_t n, void *space, void *why,
                       ward_bulk_rest_ *rest)
{
    if (WARD_LIKELY(by_vectors(n)))
        return in_by_vectors(dst, from, n, space, why, rest);
    return in_slowly(dst, from, n, space, why, rest, 0);
}

AVX2 int ward_bulk_out_(const void *src, uintptr_t to, size_t n, void *space, void *why,
                        ward_bulk_rest_ *rest)
{
    if (WARD_LIKELY(by_vectors(n)))
        return out_by_vectors(src, to, n, space, why, rest);
    return out_slowly(src, to, n, space, why, rest, 0);
}

/* The rest is asked where there is a fault, or no end. */
static WARD_COLD ptrdiff_t str_slowly(char *dst, uintptr_t from, size_t n, void *space, void *why,
                                      ward_bulk_str_rest_ *rest)
{
    struct ward_bulk_ got = has_avx2() ? avx2_str(dst, from, n) : rep_str(dst, from, n);

    if (got.kind == 0 && got.done < n)
        return (ptrdiff_t)got.done;
    return rest(dst, from, n, space, why, got);
}

AVX2 WARD_INLINE ptrdiff_t short_str(char *dst, uintptr_t from, size_t n, void *space, void *why,
                                     ward_bulk_str_rest_ *rest)
{
    unsigned zero;
    vector v;

    if (WARD_LIKELY(load_one(from, &v) == 0)) {
        zero = zeroes(v);
        if (WARD_LIKELY(zero != 0))
            return (ptrdiff_t)put_end(dst, v, zero);
    }
    return str_slowly(dst, from, n, space, why, rest);
}

AVX2 ptrdiff_t ward_bulk_str_(char *dst, uintptr_t from, size_t n, void *space, void *why,
                              ward_bulk_str_rest_ *rest)
{
    if (WARD_LIKELY(by_vectors(0) && n >= VECTOR && (from & (PAGE - 1)) <= PAGE - VECTOR))
        return short_str(dst, from, n, space, why, rest);
    return str_slowly(dst, from, n, space, why, rest);
}

#else /* a kernel's */

const struct ward_bulk_form_ *const ward_bulk_forms_[] = { &rep_form, &ward_bulk_general_ };

WARD_ARCH_ONE_FORM_(rep_form)

#endif

const size_t ward_bulk_form_count_ = sizeof ward_bulk_forms_ / sizeof ward_bulk_forms_[0];
