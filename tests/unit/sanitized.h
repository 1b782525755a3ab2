/* SPDX-License-Identifier: MIT */
/* Which sanitizer the test is built with, for the few that one cannot run. */
#ifndef TEST_SANITIZED_H
#define TEST_SANITIZED_H

#ifndef __has_feature /* gcc */
#define __has_feature(X) 0
#endif

#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#define UNDER_ASAN 1
#else
#define UNDER_ASAN 0
#endif

#if defined(__SANITIZE_THREAD__) || __has_feature(thread_sanitizer)
#define UNDER_TSAN 1
#else
#define UNDER_TSAN 0
#endif

#endif
