/* SPDX-License-Identifier: MIT */
/* The profiles there are: X(name, policy). `ward run` knows them from here, too. */
#ifndef WARD_MALLOC_PROFILE_H
#define WARD_MALLOC_PROFILE_H

#define PROFILES(X)                                                                                \
    X("fast", POLICY_FAST)                                                                         \
    X("balanced", POLICY_BALANCED)

#endif
