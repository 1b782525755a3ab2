/* sigsetjmp without the mask leaves the signal blocked, and the next fault kills. */
/* SPDX-License-Identifier: MIT */
#include "why_not.h"

static bool reads(const void *at, int save_mask)
{
    if (sigsetjmp(why_back, save_mask))
        return false;
    (void)just_read(at);
    return true;
}

static void twice_without(void *at)
{
    WRONG(!reads(at, 0));
    (void)reads(at, 0);
}

static void twice_with(void *at)
{
    NEED(!reads(at, 1) && !reads(at, 1));
}

int main(void)
{
    unsigned char *none = map_two(PROT_NONE) + page_size();

    catch_by_jumping();
    WRONG(death_of(twice_without, none) == SIGSEGV);
    NEED(death_of(twice_with, none) == 0); /* and a system call at each access */

    NEED(ward_recover_install() == 0);
    RIGHT(ward_reads(none) == -EFAULT && ward_reads(none) == -EFAULT);
    return 0;
}
