/* /proc/self/mem reads memory that nobody may access. */
/* SPDX-License-Identifier: MIT */
#include "why_not.h"

int main(void)
{
    unsigned char *none = map_two(PROT_NONE) + page_size();
    int mem = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
    unsigned char byte = 0;

    if (mem < 0)
        skip("there is no /proc here");
    if (pread(mem, &byte, 1, (off_t)address(none)) != 1)
        skip("this system does not let /proc/self/mem override protections");
    WRONG(byte == 'a');
    RIGHT(ward_reads(none) == -EFAULT);
    return 0;
}
