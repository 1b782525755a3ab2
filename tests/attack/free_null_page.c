/* dies: wild-free; report: "0x10" */
/* SPDX-License-Identifier: MIT */
/* Frees a field of a structure that is not there: not NULL, and nobody's. */
#include "attack.h"

int main(void)
{
    struct ward_slab slab;

    make_slab(&slab, 64, WARD_PLAIN, 16);
    ward_slab_free(&slab, NULL, 64); /* nothing */
    ward_slab_free(&slab, launder((const void *)(uintptr_t)16), 64);
    return 0;
}
