/* SPDX-License-Identifier: MIT */
/*
 * inject.h: host calls that fail on request.
 *
 * Linked with ld --wrap, every ward_host_* call of ward passes through here on its way to the
 * real host. A test can let the n-th call fail, take an ability from the host, narrow its limits,
 * and ask what ward has mapped. A call that is made to fail does nothing.
 *
 * Not synchronised: one thread. A forked child has its own copy.
 */
#ifndef WARD_TESTS_INJECT_H
#define WARD_TESTS_INJECT_H

#include <ward/host.h>

/* What can be taken from the host; what needs it then answers -ENOTSUP. */
#define INJECT_NO_ADVICE(A) (1u << (A)) /* one of ward_host_advice */
#define INJECT_NO_HUGE      (1u << 16)  /* WARD_HOST_HUGE */
#define INJECT_NO_SECRET    (1u << 17)  /* WARD_HOST_SECRET */
#define INJECT_NO_KEY       (1u << 18)  /* ward_host_key and WARD_KEYED */
#define INJECT_NO_FIXED     (1u << 19)  /* a map at a given address answers -EBUSY */

/* Back to the real host: nothing armed, nothing taken, count 0. What is mapped stays known. */
void inject_reset(void);

/* The n-th call from now on that can fail (1: the next) fails with -error, once. The count starts
 * anew. 0: none. */
void inject_arm(unsigned long n, int error);

/* The same, and every later call fails as well. */
void inject_arm_from(unsigned long n, int error);

/* Did an armed call come? */
bool inject_fired(void);

/* Calls that could have failed, since inject_reset or inject_arm. */
unsigned long inject_count(void);

/* Takes abilities from the host: a set of INJECT_NO_... 0: has them all again. */
void inject_take(unsigned abilities);

/* The host's answer for ward_host_split_budget; SIZE_MAX: the real one. */
void inject_split_budget(size_t budget);

/* Larger pages than the real ones: a power of two; 0: the real ones. */
void inject_page_size(size_t bytes);

/* ward_host_random answers from this seed, the same bytes each time; 0: the real ones. */
void inject_seed(uint64_t seed);

/* What is mapped through the host and not unmapped: sorted, none touching the next. */
struct inject_range {
    uintptr_t at;
    size_t len;
};

enum { INJECT_RANGES_MAX = 512 };

struct inject_ledger {
    size_t count;
    struct inject_range range[INJECT_RANGES_MAX];
};

/* The ledger as it is now. Valid until the next host call; copy it to compare. */
const struct inject_ledger *inject_mapped(void);

/* True if exactly that is mapped. */
bool inject_mapped_is(const struct inject_ledger *was);

#endif
