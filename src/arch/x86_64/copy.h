/* SPDX-License-Identifier: MIT */
/*
 * Copies that may fault, one piece of assembly each: all that is loaded is loaded before anything
 * is stored, half of it from either end, so that the two overlap in the middle. A block lies in
 * order.
 *
 * Nothing is spilled, set up or cleared around it: the registers are named, and a fault goes on at
 * the label `fault`. Nothing counts as done then, and whoever goes on byte by byte finds out which
 * kind it was. Only the side that is foreign has entries.
 */
#ifndef WARD_ARCH_COPY_H
#define WARD_ARCH_COPY_H

#include <ward/inline/touch.h>

/* --- registers: by number from 0 on ----------------------------------------------------------- */

#define WARD_COPY_R8_(I)  "%%r1" #I
#define WARD_COPY_R4_(I)  "%%r1" #I "d"
#define WARD_COPY_R2_(I)  "%%r1" #I "w"
#define WARD_COPY_R1_(I)  "%%r1" #I "b"
#define WARD_COPY_XMM_(I) "%%xmm" #I
#define WARD_COPY_YMM_(I) "%%ymm" #I
/* From 20 on: those above 15 never cost a vzeroupper. */
#define WARD_COPY_HIGH_YMM_(I) "%%ymm2" #I
#define WARD_COPY_HIGH_ZMM_(I) "%%zmm2" #I

/* What the compiler is told of them. It knows the high ones only if it may use them itself. */
#define WARD_COPY_USES_R_   "r10", "r11"
#define WARD_COPY_USES_LOW_ "r11", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7"
#ifdef __AVX512VL__
#define WARD_COPY_USES_HIGH_                                                                       \
    "r11", "k1", "xmm20", "xmm21", "xmm22", "xmm23", "xmm24", "xmm25", "xmm26", "xmm27"
#else
#define WARD_COPY_USES_HIGH_ "r11"
#endif

/* --- places: V is a vector's length, S is the side, "d" or "s" -------------------------------- */

#define WARD_COPY_HEAD_(I, V, S) #I "*" #V "(%[" S "])"
#define WARD_COPY_TAIL_(I, V, S) "-" #I "*" #V "(%[" S "],%[n])"

/* A load has label 1 and its number, a store 2. */
#define WARD_COPY_LOAD_(I, MOV, PLACE, R)  "1" #I ": " MOV " " PLACE ", " R(I) "\n"
#define WARD_COPY_STORE_(I, MOV, PLACE, R) "2" #I ": " MOV " " R(I) ", " PLACE "\n"

#define WARD_COPY_ONE_(DO, V, MOV, R, S)   DO(0, MOV, WARD_COPY_HEAD_(0, V, S), R)
#define WARD_COPY_TWO_(DO, V, MOV, R, S)                                                           \
    DO(0, MOV, WARD_COPY_HEAD_(0, V, S), R)                                                        \
    DO(1, MOV, WARD_COPY_TAIL_(1, V, S), R)
#define WARD_COPY_FOUR_(DO, V, MOV, R, S)                                                          \
    WARD_COPY_TWO_(DO, V, MOV, R, S)                                                               \
    DO(2, MOV, WARD_COPY_HEAD_(1, V, S), R)                                                        \
    DO(3, MOV, WARD_COPY_TAIL_(2, V, S), R)
#define WARD_COPY_EIGHT_(DO, V, MOV, R, S)                                                         \
    WARD_COPY_FOUR_(DO, V, MOV, R, S)                                                              \
    DO(4, MOV, WARD_COPY_HEAD_(2, V, S), R)                                                        \
    DO(5, MOV, WARD_COPY_TAIL_(3, V, S), R)                                                        \
    DO(6, MOV, WARD_COPY_HEAD_(3, V, S), R)                                                        \
    DO(7, MOV, WARD_COPY_TAIL_(4, V, S), R)
#define WARD_COPY_BLOCK_(DO, V, MOV, R, S)                                                         \
    DO(0, MOV, WARD_COPY_HEAD_(0, V, S), R)                                                        \
    DO(1, MOV, WARD_COPY_HEAD_(1, V, S), R)                                                        \
    DO(2, MOV, WARD_COPY_HEAD_(2, V, S), R)                                                        \
    DO(3, MOV, WARD_COPY_HEAD_(3, V, S), R)

/* --- entries: for the loads (SIDE is 1) or the stores (2) ------------------------------------- */

#define WARD_COPY_ENTRY_(LABEL)      WARD_TOUCH_ENTRY_AT_(LABEL "b", "%l[fault]", "11" /* r11 */)
#define WARD_COPY_ONE_ENTRIES_(SIDE) WARD_COPY_ENTRY_(#SIDE "0")
#define WARD_COPY_TWO_ENTRIES_(SIDE) WARD_COPY_ENTRY_(#SIDE "0") WARD_COPY_ENTRY_(#SIDE "1")
#define WARD_COPY_FOUR_ENTRIES_(SIDE)                                                              \
    WARD_COPY_TWO_ENTRIES_(SIDE) WARD_COPY_ENTRY_(#SIDE "2") WARD_COPY_ENTRY_(#SIDE "3")
#define WARD_COPY_BLOCK_ENTRIES_(SIDE) WARD_COPY_FOUR_ENTRIES_(SIDE)
#define WARD_COPY_EIGHT_ENTRIES_(SIDE)                                                             \
    WARD_COPY_FOUR_ENTRIES_(SIDE)                                                                  \
    WARD_COPY_ENTRY_(#SIDE "4")                                                                    \
    WARD_COPY_ENTRY_(#SIDE "5") WARD_COPY_ENTRY_(#SIDE "6") WARD_COPY_ENTRY_(#SIDE "7")

/* --- functions -------------------------------------------------------------------------------- */

/* Copies n bytes, or a block, from s to d, WHAT being ONE, TWO, FOUR, EIGHT or BLOCK. False: it
 * faulted.
 */
#define WARD_COPY_SIDE_(NAME, SIDE, WHAT, V, MOV, R, ...)                                          \
    WARD_INLINE bool NAME(uintptr_t d, uintptr_t s, size_t n)                                      \
    {                                                                                              \
        __asm__ goto(WARD_COPY_##WHAT##_(WARD_COPY_LOAD_, V, MOV, R, "s")                          \
                         WARD_COPY_##WHAT##_(WARD_COPY_STORE_, V, MOV, R, "d")                     \
                             WARD_COPY_##WHAT##_ENTRIES_(SIDE)                                     \
                     :                                                                             \
                     : [d] "r"(d), [s] "r"(s), [n] "r"(n)                                          \
                     : "memory", __VA_ARGS__                                                       \
                     : fault);                                                                     \
        return true;                                                                               \
fault:                                                                                             \
        return false;                                                                              \
    }

/* NAME_in and NAME_out. */
#define WARD_COPY_DEFINE_(NAME, WHAT, V, MOV, R, ...)                                              \
    WARD_COPY_SIDE_(NAME##_in, 1, WHAT, V, MOV, R, __VA_ARGS__)                                    \
    WARD_COPY_SIDE_(NAME##_out, 2, WHAT, V, MOV, R, __VA_ARGS__)

#endif
