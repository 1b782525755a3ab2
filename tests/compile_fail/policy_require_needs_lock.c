/* fails: static assertion failed.*sessions|static_assert failed.*sessions */
/* SPDX-License-Identifier: MIT */
/* To require the lock of the metadata without asking for it is a contradiction. */
#include <ward/ward.h>

#ifdef CONTROL
WARD_SLAB_DEFINE(sessions, long, WARD_LOCK_META | WARD_LOCK_REQUIRE);
#else
WARD_SLAB_DEFINE(sessions, long, WARD_LOCK_REQUIRE);
#endif
