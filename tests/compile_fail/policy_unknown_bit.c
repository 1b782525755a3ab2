/* fails: static assertion failed.*sessions|static_assert failed.*sessions */
/* SPDX-License-Identifier: MIT */
/* A bit that means nothing is a mistake, not a defence. */
#include <ward/ward.h>

#ifdef CONTROL
WARD_SLAB_DEFINE(sessions, long, WARD_POLICY_ALL_ & ~WARD_ZERO);
#else
WARD_SLAB_DEFINE(sessions, long, WARD_PLAIN | 1u << 31);
#endif
