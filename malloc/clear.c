/* SPDX-License-Identifier: MIT */
#include <string.h>
#ifdef __x86_64__
#include <cpuid.h>
#include <immintrin.h>
#endif

#include "clear.h"
#include "root.h"

enum { PIECE = 512 };

/* Of `bytes`, a multiple of PIECE, so many at the end, in pieces, are clear. A program writes its
 * blocks from start to end mostly, and what it wrote last is still in the nearest cache. */
static size_t clear_pieces(const unsigned char *at, size_t bytes)
{
    size_t off = bytes;

    while (off && slot_is_clear(at + off - PIECE, PIECE, PIECE))
        off -= PIECE;
    return bytes - off;
}

#ifdef __x86_64__

/* Does the system keep the registers of AVX-512 for each thread? Then the processor has leaf 7. */
static bool has_wide_registers(void)
{
    enum { OSXSAVE = 1 << 27, STATE = 0xe6 }; /* of AVX and AVX-512 (XCR0) */
    unsigned a, b, c, d, kept;

    __cpuid(1, a, b, c, d);
    if (!(c & OSXSAVE))
        return false;
    __asm__ volatile("xgetbv" : "=a"(kept), "=d"(d) : "c"(0));
    return (kept & STATE) == STATE;
}

/* The same in loads of a cache line, which take six tenths of the time where memory is in the
 * second level of the caches. Processors without VBMI2 slow down when they see such loads. A
 * virtual machine takes microseconds for each cpuid, so there are no more than two
 * (__builtin_cpu_init: a dozen). */
bool ward_clear_has_lines_(void)
{
    enum { AVX512F = 1 << 16, AVX512_VBMI2 = 1 << 6 };
    unsigned a, b, c, d;

    if (!has_wide_registers())
        return false;
    __cpuid_count(7, 0, a, b, c, d);
    return b & AVX512F && c & AVX512_VBMI2;
}

__attribute__((target("avx512f"))) static bool lines_are_clear(const unsigned char *at)
{
    __m512i even = _mm512_setzero_si512(), odd = even;

    for (size_t i = 0; i < PIECE; i += 128) {
        even = _mm512_or_si512(even, _mm512_loadu_si512(at + i));
        odd = _mm512_or_si512(odd, _mm512_loadu_si512(at + i + 64));
    }
    even = _mm512_or_si512(even, odd);
    return _mm512_test_epi64_mask(even, even) == 0;
}

__attribute__((target("avx512f"))) static size_t clear_lines(const unsigned char *at, size_t bytes)
{
    size_t off = bytes;

    while (off && lines_are_clear(at + off - PIECE))
        off -= PIECE;
    return bytes - off;
}

#else

bool ward_clear_has_lines_(void)
{
    return false;
}

static size_t clear_lines(const unsigned char *at, size_t bytes)
{
    return clear_pieces(at, bytes);
}

#endif

static size_t clear_at_end(const unsigned char *at, size_t bytes)
{
    return ward_root_.lines ? clear_lines(at, bytes) : clear_pieces(at, bytes);
}

static bool is_clear(const unsigned char *at, size_t bytes)
{
    return clear_at_end(at, bytes) == bytes;
}

bool ward_clear_is_(const unsigned char *at, size_t bytes)
{
    size_t rest = bytes % PIECE;

    return is_clear(at + bytes - PIECE, PIECE) && is_clear(at, bytes - rest);
}

/* What is looked at of memory that is not checked whole. */
enum { END = 2 * PIECE, EACH = 8, MOST_PIECES = 16 };

/* From one piece to the next: a power of two. */
static size_t step_of(size_t bytes)
{
    size_t step = PIECE * EACH;

    while (bytes / step > MOST_PIECES)
        step *= 2;
    return step;
}

bool ward_clear_seems_(const unsigned char *at, size_t bytes, uint64_t turns)
{
    size_t step = step_of(bytes);
    bool clear;

    if (bytes <= CHECKED_WHOLE || ward_root_.policy & POLICY_WHOLE)
        return ward_clear_is_(at, bytes);
    clear = is_clear(at, END) && is_clear(at + bytes - END, END);
    for (size_t off = turns >> 32 & (step - PIECE); clear && off + PIECE <= bytes; off += step)
        clear = is_clear(at + off, PIECE);
    return clear;
}

bool ward_clear_is_dense_(const unsigned char *at, size_t bytes)
{
    size_t step = bytes / MOST_PIECES & ~(size_t)(CLASS_STEP - 1);
    unsigned clear = 0;

    for (unsigned i = 0; i < MOST_PIECES && clear <= MOST_PIECES / 4; i++)
        clear += slot_is_clear(at + i * step, 64, 64);
    return clear <= MOST_PIECES / 4;
}

/* Before a piece that is not clear some are not looked at: more, the longer that goes on. */
void ward_clear_make_(unsigned char *at, size_t bytes)
{
    enum { RUN = 4096 };
    size_t rest = bytes % PIECE, run = RUN, len;

    memset(at + bytes - rest, 0, rest);
    for (bytes -= rest; bytes; bytes -= len) {
        len = clear_at_end(at, bytes);
        if (len) {
            run = RUN;
            continue;
        }
        len = run < bytes ? run : bytes;
        memset(at + bytes - len, 0, len);
        run *= 4;
    }
}
