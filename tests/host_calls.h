/* SPDX-License-Identifier: MIT */
/*
 * Stand-ins for calls of the host. The names are the linker's (ld --wrap): who calls X gets
 * __wrap_X, and __real_X is what X was. A stand-in defines those that it has; the build wraps the
 * names that its sources define.
 */
#ifndef WARD_TESTS_HOST_CALLS_H
#define WARD_TESTS_HOST_CALLS_H

#include <ward/host.h>

#define HOST_CALL(RETURNS, NAME, ...)                                                              \
    RETURNS __real_##NAME(__VA_ARGS__);                                                            \
    RETURNS __wrap_##NAME(__VA_ARGS__)

HOST_CALL(int, ward_host_map, void **at, size_t len, enum ward_host_memory kind, unsigned prot,
          size_t huge_bytes);
HOST_CALL(int, ward_host_unmap, void *at, size_t len);
HOST_CALL(int, ward_host_protect, void *at, size_t len, unsigned prot);
HOST_CALL(int, ward_host_advise, void *at, size_t len, enum ward_host_advice advice);
HOST_CALL(int, ward_host_move, void *at, size_t len, void *to, size_t to_len);
HOST_CALL(int, ward_host_random, void *bytes, size_t len);
HOST_CALL(int, ward_host_key, void);
HOST_CALL(size_t, ward_host_page_size, void);
HOST_CALL(size_t, ward_host_split_budget, void);

#endif
