/* SPDX-License-Identifier: MIT */
/*
 * The forms for x86-64, and the choice among them.
 *
 *   avx512   vectors of 64 bytes, where the processor does not slow down for them
 *   avx2     vectors of 32
 *   rep      rep movsb: general registers only, for who may not touch others
 *   general  src/core/bulk.c
 *
 * By vectors: up to eight of them at once, from either end; beyond by blocks of four that begin
 * where the written side is aligned, and a last one that ends where all ends; from LONG bytes on by
 * rep movsb where that is fast.
 *
 * Only the foreign side of an access has an entry. rep movsb is both sides at once: its fixup goes
 * on byte by byte, where the two are told apart.
 */
#include <cpuid.h>
#include <stdatomic.h>

#include "arch/one_form.h"
#include "arch/ours.h"
#include "copy.h"

enum { SHORT = 16, YMM = 32, ZMM = 64, LINE = 64, LONG = 8192 };

static struct ward_bulk_ whole(size_t n)
{
    return (struct ward_bulk_){ n, 0 };
}

/* --- Up to 16 bytes: two words, one from either end ------------------------------------------- */

WARD_COPY_DEFINE_(words8, TWO, 8, "movq", WARD_COPY_R8_, WARD_COPY_USES_R_)
WARD_COPY_DEFINE_(words4, TWO, 4, "movl", WARD_COPY_R4_, WARD_COPY_USES_R_)
WARD_COPY_DEFINE_(words2, TWO, 2, "movw", WARD_COPY_R2_, WARD_COPY_USES_R_)
WARD_COPY_DEFINE_(bytes, TWO, 1, "movb", WARD_COPY_R1_, WARD_COPY_USES_R_)

WARD_INLINE bool short_in(uintptr_t d, uintptr_t s, size_t n)
{
    if (n >= 8)
        return words8_in(d, s, n);
    if (n >= 4)
        return words4_in(d, s, n);
    if (n >= 2)
        return words2_in(d, s, n);
    return n == 0 || bytes_in(d, s, n);
}

WARD_INLINE bool short_out(uintptr_t d, uintptr_t s, size_t n)
{
    if (n >= 8)
        return words8_out(d, s, n);
    if (n >= 4)
        return words4_out(d, s, n);
    if (n >= 2)
        return words2_out(d, s, n);
    return n == 0 || bytes_out(d, s, n);
}

/* --- rep movsb, rep stosb --------------------------------------------------------------------- */

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
        return ward_bulk_bytes_in_(dst, from, n, short_in(to, from, n) ? n : 0);
    REP("movsb", kind, to, at, left, 0);
    return kind == 0 ? whole(n) : ward_bulk_bytes_in_(dst, from, n, step_back(n - left));
}

static struct ward_bulk_ rep_out(uintptr_t to, const void *src, size_t n)
{
    uintptr_t at = to, from = (uintptr_t)src;
    uint64_t kind = 0;
    size_t left = n;

    if (n <= SHORT)
        return ward_bulk_bytes_out_(to, src, n, short_out(to, from, n) ? n : 0);
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

#include "str.h"

/* --- What the processor has ------------------------------------------------------------------- */

enum { KNOWN = 1, HAS_AVX2 = 2, HAS_FAST_REP = 4, HAS_AVX512 = 8 };

/* Vectors are the program's to use if the system saves them. */
static bool saves(unsigned state)
{
    unsigned a = 0, b = 0, c = 0, d = 0;

    if (!__get_cpuid(1, &a, &b, &c, &d) || (~c & (1u << 27 | 1u << 28)) != 0)
        return false;
    __asm__ volatile("xgetbv" : "=a"(a), "=d"(d) : "c"(0));
    return (a & state) == state;
}

/* Processors before those with AVX-VNNI lower their clock for vectors of 64 bytes. */
static bool likes_avx512(unsigned leaf7b)
{
    const unsigned needed = 1u << 16 | 1u << 30 | 1u << 31; /* F, BW, VL */
    unsigned a = 0, b = 0, c = 0, d = 0;

    return (leaf7b & needed) == needed && __get_cpuid_count(7, 1, &a, &b, &c, &d) &&
           (a & 1u << 4) != 0 && saves(0xe6);
}

static unsigned look(void)
{
    unsigned a = 0, b = 0, c = 0, d = 0, found = KNOWN;

    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d))
        return found;
    if (b & 1u << 5 && saves(6))
        found |= HAS_AVX2;
    if (found & HAS_AVX2 && likes_avx512(b))
        found |= HAS_AVX512;
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

static bool has_avx512(void)
{
    return (processor() & HAS_AVX512) != 0;
}

static bool is_long(size_t n)
{
    return n >= LONG && (processor() & HAS_FAST_REP) != 0;
}

/* --- Vectors ---------------------------------------------------------------------------------- */

WARD_COPY_DEFINE_(xmm2, TWO, 16, "movdqu", WARD_COPY_XMM_, WARD_COPY_USES_LOW_)
WARD_COPY_DEFINE_(ymm1, ONE, 32, "vmovdqu", WARD_COPY_YMM_, WARD_COPY_USES_LOW_)
WARD_COPY_DEFINE_(ymm2, TWO, 32, "vmovdqu", WARD_COPY_YMM_, WARD_COPY_USES_LOW_)
WARD_COPY_DEFINE_(ymm4, FOUR, 32, "vmovdqu", WARD_COPY_YMM_, WARD_COPY_USES_LOW_)
WARD_COPY_DEFINE_(ymm8, EIGHT, 32, "vmovdqu", WARD_COPY_YMM_, WARD_COPY_USES_LOW_)
WARD_COPY_DEFINE_(ymms, BLOCK, 32, "vmovdqu", WARD_COPY_YMM_, WARD_COPY_USES_LOW_)
WARD_COPY_DEFINE_(high, TWO, 32, "vmovdqu64", WARD_COPY_HIGH_YMM_, WARD_COPY_USES_HIGH_)
WARD_COPY_DEFINE_(zmm1, ONE, 64, "vmovdqu64", WARD_COPY_HIGH_ZMM_, WARD_COPY_USES_HIGH_)
WARD_COPY_DEFINE_(zmm2, TWO, 64, "vmovdqu64", WARD_COPY_HIGH_ZMM_, WARD_COPY_USES_HIGH_)
WARD_COPY_DEFINE_(zmm4, FOUR, 64, "vmovdqu64", WARD_COPY_HIGH_ZMM_, WARD_COPY_USES_HIGH_)
WARD_COPY_DEFINE_(zmm8, EIGHT, 64, "vmovdqu64", WARD_COPY_HIGH_ZMM_, WARD_COPY_USES_HIGH_)
WARD_COPY_DEFINE_(zmms, BLOCK, 64, "vmovdqu64", WARD_COPY_HIGH_ZMM_, WARD_COPY_USES_HIGH_)

/* What is made of the pieces of one width, one way. ENDS: more than half a vector, up to eight of
 * them. BLOCKS: more than a block; returns where it stopped. */
#define ENDS(NAME, V, HALF, TWO, FOUR, EIGHT)                                                      \
    WARD_INLINE bool NAME(uintptr_t d, uintptr_t s, size_t n)                                      \
    {                                                                                              \
        if (n <= (V))                                                                              \
            return HALF(d, s, n);                                                                  \
        if (n <= (size_t)2 * (V))                                                                  \
            return TWO(d, s, n);                                                                   \
        return n <= (size_t)4 * (V) ? FOUR(d, s, n) : EIGHT(d, s, n);                              \
    }

#define BLOCKS(NAME, V, ONE, BLOCK)                                                                \
    WARD_INLINE size_t NAME(uintptr_t d, uintptr_t s, size_t n)                                    \
    {                                                                                              \
        size_t at = (V) - (d & ((V)-1)), last = n - (size_t)4 * (V);                               \
                                                                                                   \
        if (WARD_UNLIKELY(!ONE(d, s, n)))                                                          \
            return 0;                                                                              \
        for (; at < last; at += (size_t)4 * (V))                                                   \
            if (WARD_UNLIKELY(!BLOCK(d + at, s + at, n)))                                          \
                return at;                                                                         \
        return WARD_LIKELY(BLOCK(d + last, s + last, n)) ? n : at;                                 \
    }

ENDS(ymm_ends_in, YMM, xmm2_in, ymm2_in, ymm4_in, ymm8_in)
ENDS(ymm_ends_out, YMM, xmm2_out, ymm2_out, ymm4_out, ymm8_out)
ENDS(zmm_ends_in, ZMM, high_in, zmm2_in, zmm4_in, zmm8_in)
ENDS(zmm_ends_out, ZMM, high_out, zmm2_out, zmm4_out, zmm8_out)
BLOCKS(ymm_blocks_in, YMM, ymm1_in, ymms_in)
BLOCKS(ymm_blocks_out, YMM, ymm1_out, ymms_out)
BLOCKS(zmm_blocks_in, ZMM, zmm1_in, zmms_in)
BLOCKS(zmm_blocks_out, ZMM, zmm1_out, zmms_out)

/* Code that is not compiled for vectors of AVX is slow while their upper halves are in use. */
static void leave_ymm(void)
{
    __asm__ volatile("vzeroupper");
}

static size_t ymm_in(uintptr_t d, uintptr_t s, size_t n)
{
    size_t done = n > (size_t)8 * YMM ? ymm_blocks_in(d, s, n) : ymm_ends_in(d, s, n) ? n : 0;

    leave_ymm();
    return done;
}

static size_t ymm_out(uintptr_t d, uintptr_t s, size_t n)
{
    size_t done = n > (size_t)8 * YMM ? ymm_blocks_out(d, s, n) : ymm_ends_out(d, s, n) ? n : 0;

    leave_ymm();
    return done;
}

static size_t zmm_in(uintptr_t d, uintptr_t s, size_t n)
{
    return n > (size_t)8 * ZMM ? zmm_blocks_in(d, s, n) : zmm_ends_in(d, s, n) ? n : 0;
}

static size_t zmm_out(uintptr_t d, uintptr_t s, size_t n)
{
    return n > (size_t)8 * ZMM ? zmm_blocks_out(d, s, n) : zmm_ends_out(d, s, n) ? n : 0;
}

/* --- The forms -------------------------------------------------------------------------------- */

static struct ward_bulk_ avx2_in(void *dst, uintptr_t from, size_t n)
{
    if (n <= SHORT || is_long(n))
        return rep_in(dst, from, n);
    return ward_bulk_bytes_in_(dst, from, n, ymm_in((uintptr_t)dst, from, n));
}

static struct ward_bulk_ avx2_out(uintptr_t to, const void *src, size_t n)
{
    if (n <= SHORT || is_long(n))
        return rep_out(to, src, n);
    return ward_bulk_bytes_out_(to, src, n, ymm_out(to, (uintptr_t)src, n));
}

static struct ward_bulk_ avx512_in(void *dst, uintptr_t from, size_t n)
{
    if (n <= (size_t)2 * SHORT || is_long(n))
        return avx2_in(dst, from, n);
    return ward_bulk_bytes_in_(dst, from, n, zmm_in((uintptr_t)dst, from, n));
}

static struct ward_bulk_ avx512_out(uintptr_t to, const void *src, size_t n)
{
    if (n <= (size_t)2 * SHORT || is_long(n))
        return avx2_out(to, src, n);
    return ward_bulk_bytes_out_(to, src, n, zmm_out(to, (uintptr_t)src, n));
}

static struct ward_bulk_ avx512_str(char *dst, uintptr_t from, size_t n)
{
    unsigned zero = is_whole(from, n) ? str_at_once((uintptr_t)dst, from) : 0;

    return zero ? whole((size_t)__builtin_ctz(zero)) : avx2_str(dst, from, n);
}

static const struct ward_bulk_form_ avx512_form = {
    .name = "avx512",
    .usable = has_avx512,
    .in = avx512_in,
    .out = avx512_out,
    .fill = rep_fill,
    .str = avx512_str,
};

static const struct ward_bulk_form_ avx2_form = {
    .name = "avx2",
    .usable = has_avx2,
    .in = avx2_in,
    .out = avx2_out,
    .fill = rep_fill,
    .str = avx2_str,
};

const struct ward_bulk_form_ *const ward_bulk_forms_[] = { &avx512_form, &avx2_form, &rep_form,
                                                           &ward_bulk_general_ };

/* --- The choice ------------------------------------------------------------------------------- */

static const struct ward_bulk_form_ *best(void)
{
    unsigned has = processor();

    if (has & HAS_AVX512)
        return &avx512_form;
    return has & HAS_AVX2 ? &avx2_form : &rep_form;
}

struct ward_bulk_ ward_bulk_try_in_(void *dst, uintptr_t from, size_t n)
{
    ward_ours_written_(dst, n);
    return best()->in(dst, from, n);
}

struct ward_bulk_ ward_bulk_try_out_(uintptr_t to, const void *src, size_t n)
{
    ward_ours_read_(src, n);
    return best()->out(to, src, n);
}

struct ward_bulk_ ward_bulk_try_fill_(uintptr_t to, unsigned char value, size_t n)
{
    return rep_fill(to, value, n);
}

WARD_INLINE bool knows(unsigned what)
{
    return WARD_LIKELY(atomic_load_explicit(&known, memory_order_relaxed) & what);
}

/* After a fault, when `done` bytes are copied: byte by byte, to the one that faults. */
static WARD_COLD int in_from(void *space, uintptr_t from, void *dst, size_t n, void *why,
                             ward_bulk_rest_ *rest, size_t done)
{
    struct ward_bulk_ got = ward_bulk_bytes_in_(dst, from, n, done);

    return got.kind ? rest(space, from, dst, n, why, got) : 0;
}

static WARD_COLD int out_from(void *space, uintptr_t to, const void *src, size_t n, void *why,
                              ward_bulk_rest_ *rest, size_t done)
{
    struct ward_bulk_ got = ward_bulk_bytes_out_(to, src, n, done);
    union {
        const void *src;
        void *ours;
    } bytes = { src }; /* rest only hands them back */

    return got.kind ? rest(space, to, bytes.ours, n, why, got) : 0;
}

/* The same from the start, with no more arguments than ward_bulk_in_ has: it ends in a jump. */
static WARD_COLD int in_anew(void *space, uintptr_t from, void *dst, size_t n, void *why,
                             ward_bulk_rest_ *rest)
{
    return in_from(space, from, dst, n, why, rest, 0);
}

static WARD_COLD int out_anew(void *space, uintptr_t to, const void *src, size_t n, void *why,
                              ward_bulk_rest_ *rest)
{
    return out_from(space, to, src, n, why, rest, 0);
}

/* What needs a stack, and is not to make all others set it up. */
#define APART __attribute__((noinline))

/* By AVX2, or without any. (What comes first in a program finds nothing known about the processor,
 * and comes here too.) */
static APART int in_otherwise(void *space, uintptr_t from, void *dst, size_t n, void *why,
                              ward_bulk_rest_ *rest)
{
    size_t done;

    if (!has_avx2() || is_long(n))
        return ward_bulk_in_by_(&rep_form, space, from, dst, n, why, rest);
    done = ymm_in((uintptr_t)dst, from, n);
    return WARD_LIKELY(done == n) ? 0 : in_from(space, from, dst, n, why, rest, done);
}

static APART int out_otherwise(void *space, uintptr_t to, const void *src, size_t n, void *why,
                               ward_bulk_rest_ *rest)
{
    size_t done;

    if (!has_avx2() || is_long(n))
        return ward_bulk_out_by_(&rep_form, space, to, src, n, why, rest);
    done = ymm_out(to, (uintptr_t)src, n);
    return WARD_LIKELY(done == n) ? 0 : out_from(space, to, src, n, why, rest, done);
}

/* More than eight vectors. */
static APART int in_far(void *space, uintptr_t from, void *dst, size_t n, void *why,
                        ward_bulk_rest_ *rest)
{
    size_t done;

    if (is_long(n))
        return ward_bulk_in_by_(&rep_form, space, from, dst, n, why, rest);
    done = zmm_blocks_in((uintptr_t)dst, from, n);
    return WARD_LIKELY(done == n) ? 0 : in_from(space, from, dst, n, why, rest, done);
}

static APART int out_far(void *space, uintptr_t to, const void *src, size_t n, void *why,
                         ward_bulk_rest_ *rest)
{
    size_t done;

    if (is_long(n))
        return ward_bulk_out_by_(&rep_form, space, to, src, n, why, rest);
    done = zmm_blocks_out(to, (uintptr_t)src, n);
    return WARD_LIKELY(done == n) ? 0 : out_from(space, to, src, n, why, rest, done);
}

/* Begins with a line of the cache, wherever the linker puts it. */
#define LINED WARD_ALIGNED(LINE)

/* 0, which the compiler does not know for one: so each length has a return of its own, and not a
 * jump to a common one. What a short copy costs is the jumps that are taken. */
WARD_INLINE int succeeded(void)
{
    int zero = 0;

    __asm__("" : "+r"(zero));
    return zero;
}

#define IN(PIECE)                                                                                  \
    (WARD_LIKELY(PIECE((uintptr_t)dst, from, n)) ? succeeded()                                     \
                                                 : in_anew(space, from, dst, n, why, rest))
#define OUT(PIECE)                                                                                 \
    (WARD_LIKELY(PIECE(to, (uintptr_t)src, n)) ? succeeded()                                       \
                                               : out_anew(space, to, src, n, why, rest))

LINED int ward_bulk_in_(void *space, uintptr_t from, void *dst, size_t n, void *why,
                        ward_bulk_rest_ *rest)
{
    ward_ours_written_(dst, n);
    if (n <= (size_t)2 * SHORT)
        return n <= SHORT ? IN(short_in) : IN(xmm2_in);
    if (WARD_UNLIKELY(!knows(HAS_AVX512)))
        return in_otherwise(space, from, dst, n, why, rest);
    if (WARD_LIKELY(n <= ZMM))
        return IN(high_in);
    if (WARD_LIKELY(n <= (size_t)2 * ZMM))
        return IN(zmm2_in);
    if (WARD_LIKELY(n <= (size_t)4 * ZMM))
        return IN(zmm4_in);
    if (WARD_LIKELY(n <= (size_t)8 * ZMM))
        return IN(zmm8_in);
    return in_far(space, from, dst, n, why, rest);
}

LINED int ward_bulk_out_(void *space, uintptr_t to, const void *src, size_t n, void *why,
                         ward_bulk_rest_ *rest)
{
    ward_ours_read_(src, n);
    if (n <= (size_t)2 * SHORT)
        return n <= SHORT ? OUT(short_out) : OUT(xmm2_out);
    if (WARD_UNLIKELY(!knows(HAS_AVX512)))
        return out_otherwise(space, to, src, n, why, rest);
    if (WARD_LIKELY(n <= ZMM))
        return OUT(high_out);
    if (WARD_LIKELY(n <= (size_t)2 * ZMM))
        return OUT(zmm2_out);
    if (WARD_LIKELY(n <= (size_t)4 * ZMM))
        return OUT(zmm4_out);
    if (WARD_LIKELY(n <= (size_t)8 * ZMM))
        return OUT(zmm8_out);
    return out_far(space, to, src, n, why, rest);
}

/* What is not in the first vector, or not by those. */
static APART ptrdiff_t str_otherwise(void *space, uintptr_t from, char *dst, size_t n, void *why,
                                     ward_bulk_str_rest_ *rest)
{
    struct ward_bulk_ got = has_avx2() ? avx2_str(dst, from, n) : rep_str(dst, from, n);

    if (got.kind == 0 && got.done < n)
        return (ptrdiff_t)got.done;
    return rest(space, from, dst, n, why, got);
}

/* Most strings are short: one vector holds them. */
ptrdiff_t ward_bulk_str_(void *space, uintptr_t from, char *dst, size_t n, void *why,
                         ward_bulk_str_rest_ *rest)
{
    ward_ours_written_(dst, n);
    if (WARD_LIKELY(knows(HAS_AVX512) && is_whole(from, n))) {
        unsigned zero = str_at_once((uintptr_t)dst, from);

        if (WARD_LIKELY(zero != 0))
            return __builtin_ctz(zero);
    }
    return str_otherwise(space, from, dst, n, why, rest);
}

#else /* a kernel's */

const struct ward_bulk_form_ *const ward_bulk_forms_[] = { &rep_form, &ward_bulk_general_ };

WARD_ARCH_ONE_FORM_(rep_form)

#endif

const size_t ward_bulk_form_count_ = sizeof ward_bulk_forms_ / sizeof ward_bulk_forms_[0];
