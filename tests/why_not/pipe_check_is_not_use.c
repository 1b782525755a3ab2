/* A pipe answers for the moment it is asked: the mapping may change before the pointer is used. */
/* SPDX-License-Identifier: MIT */
#include "why_not.h"

static int ends[2];

static bool pipe_says_yes(const void *at)
{
    char byte;

    return write(ends[1], at, 1) == 1 && read(ends[0], &byte, 1) == 1;
}

static void another_thread(void *page)
{
    NEED(mprotect(page, page_size(), PROT_NONE) == 0);
}

int main(void)
{
    unsigned char *page = map_two(PROT_READ) + page_size();

    NEED(pipe(ends) == 0);
    WRONG(pipe_says_yes(page));
    another_thread(page);
    WRONG(death_of(read_it, page) == SIGSEGV);
    RIGHT(ward_reads(page) == -EFAULT); /* the use is the check */
    WRONG(!pipe_says_yes(page));
    return 0;
}
