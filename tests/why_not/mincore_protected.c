/* mincore says that memory is there which nobody may access. */
/* SPDX-License-Identifier: MIT */
#include "why_not.h"

static bool mincore_says_yes(void *page)
{
    unsigned char resident;

    return mincore(page, 1, &resident) == 0;
}

int main(void)
{
    unsigned char *none = map_two(PROT_NONE) + page_size();

    WRONG(mincore_says_yes(none));
    WRONG(death_of(read_it, none) == SIGSEGV);
    RIGHT(ward_reads(none) == -EFAULT);
    RIGHT(ward_reads(none - 1) == 0);
    return 0;
}
