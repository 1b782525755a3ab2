/* fails: needs WARD_USER_DEFINE_CHECKED */
/* SPDX-License-Identifier: MIT */
/* Not every byte is a bool. */
#include <ward/ward.h>

#ifdef CONTROL
WARD_USER_DEFINE_CHECKED(ubool, bool, WARD_SCALAR_CHECKED(bool), ward_user_is_bool);
#else
WARD_USER_DEFINE(ubool, bool, WARD_SCALAR(bool));
#endif
