/* SPDX-License-Identifier: MIT */
/* A shared object with accesses of its own folded in, and so with an exception table of its own. */
#include <ward/self.h>

WARD_API int plugin_read(uint64_t a, uint64_t *value);

int plugin_read(uint64_t a, uint64_t *value)
{
    return ward_self_read_u64(a, value, NULL);
}
