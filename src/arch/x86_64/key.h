/* SPDX-License-Identifier: MIT */
/*
 * Opening and closing a protection key for this thread (PKRU: two bits a key, access and write
 * disable). Each returns the register as it was, for ward_key_restore_. To be used only with a key
 * that ward_host_key gave out: without one the instructions are undefined.
 *
 * The memory clobbers keep every access to keyed memory between open and restore.
 */
#ifndef WARD_ARCH_KEY_H
#define WARD_ARCH_KEY_H

#include <ward/base.h>

static inline uint32_t ward_key_read_(void)
{
    uint32_t now, high;

    __asm__ volatile(".byte 0x0f, 0x01, 0xee" /* rdpkru */ : "=a"(now), "=d"(high) : "c"(0));
    return now;
}

static inline void ward_key_restore_(uint32_t before)
{
    __asm__ volatile(".byte 0x0f, 0x01, 0xef" /* wrpkru */
                     :
                     : "a"(before), "c"(0), "d"(0)
                     : "memory");
}

static inline bool ward_key_is_open_(int key)
{
    return (ward_key_read_() >> 2 * key & 3) == 0;
}

static inline uint32_t ward_key_open_(int key)
{
    uint32_t before = ward_key_read_();

    ward_key_restore_(before & ~(UINT32_C(3) << 2 * key));
    return before;
}

static inline uint32_t ward_key_close_(int key)
{
    uint32_t before = ward_key_read_();

    ward_key_restore_(before | UINT32_C(3) << 2 * key);
    return before;
}

#endif
