/* /proc/self/mem writes memory that is read-only, the program's own constants for one. */
/* SPDX-License-Identifier: MIT */
#include "why_not.h"

static const unsigned char constant[] = "constant";

int main(void)
{
    ward_u8_out at = ward_u8_out_at(address(constant));
    int mem = open("/proc/self/mem", O_RDWR | O_CLOEXEC);

    if (mem < 0)
        skip("there is no /proc here");
    RIGHT(ward_u8_write(ward_space_self(), at, &(uint8_t){ 'w' }, NULL) == -EFAULT);
    RIGHT(just_read(constant) == 'c');
    if (pwrite(mem, "m", 1, (off_t)address(constant)) != 1)
        skip("this system does not let /proc/self/mem override protections");
    WRONG(just_read(constant) == 'm');
    return 0;
}
