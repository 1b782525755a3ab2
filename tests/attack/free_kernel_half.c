/* dies: wild-free; report: "0xffff800000000040" */
/* SPDX-License-Identifier: MIT */
/* Frees an address that no program can have: arithmetic on it may wrap, nothing may be read
 * there. */
#include "attack.h"

int main(void)
{
    struct ward_slab slab;

    make_slab(&slab, 64, WARD_PLAIN, 16);
    ward_slab_free(&slab, launder((const void *)(uintptr_t)UINT64_C(0xffff800000000040)), 64);
    return 0;
}
