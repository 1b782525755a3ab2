/* fails: static assertion failed.*sessions|static_assert failed.*sessions */
/* SPDX-License-Identifier: MIT */
/* A freed block is full of zeroes or full of poison, not of both. */
#include <ward/ward.h>

#ifdef CONTROL
WARD_SLAB_DEFINE(sessions, long, WARD_ZERO);
#else
WARD_SLAB_DEFINE(sessions, long, WARD_ZERO | WARD_POISON);
#endif
