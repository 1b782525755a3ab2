/* A pipe tells what may be read, and says nothing of writing. */
/* SPDX-License-Identifier: MIT */
#include "why_not.h"

int main(void)
{
    unsigned char *constant = map_two(PROT_READ) + page_size();
    int ends[2];

    NEED(pipe(ends) == 0);
    WRONG(write(ends[1], constant, 1) == 1);
    WRONG(death_of(write_it, constant) == SIGSEGV);
    RIGHT(ward_writes(constant) == -EFAULT);
    RIGHT(constant[0] == 'a');
    return 0;
}
