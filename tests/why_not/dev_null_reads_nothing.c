/* /dev/null takes any pointer: a write to it looks at no byte. */
/* SPDX-License-Identifier: MIT */
#include "why_not.h"

int main(void)
{
    unsigned char *none = map_two(PROT_NONE) + page_size();
    int sink = open("/dev/null", O_WRONLY | O_CLOEXEC);

    NEED(sink >= 0);
    WRONG(write(sink, none, 8) == 8);
    RIGHT(ward_reads(none) == -EFAULT);
    return 0;
}
