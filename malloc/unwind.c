/* SPDX-License-Identifier: MIT */
#include "unwind.h"

WARD_COLD unsigned ward_unwind_(uintptr_t *pcs, unsigned max, unsigned skip, bool *complete)
{
    *complete = false;
    if (max == 0 || skip > 0)
        return 0;
    pcs[0] = (uintptr_t)__builtin_return_address(0);
    return 1;
}
