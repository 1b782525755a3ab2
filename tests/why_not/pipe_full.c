/* A full pipe has no answer: it blocks for ever, or says EAGAIN. */
/* SPDX-License-Identifier: MIT */
#include "why_not.h"

int main(void)
{
    unsigned char *good = map_two(PROT_NONE);
    int ends[2];

    NEED(pipe2(ends, O_NONBLOCK) == 0);
    while (write(ends[1], good, 1) == 1)
        continue;
    WRONG(errno == EAGAIN);
    WRONG(write(ends[1], good, 1) == -1 && errno == EAGAIN);
    WRONG(write(ends[1], good + page_size(), 1) == -1 && errno == EAGAIN);
    RIGHT(ward_reads(good) == 0);
    RIGHT(ward_reads(good + page_size()) == -EFAULT);
    return 0;
}
