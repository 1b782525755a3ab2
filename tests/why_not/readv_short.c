/* process_vm_readv of half the bytes is a success: who forgets the length takes garbage. */
/* SPDX-License-Identifier: MIT */
#include "why_not.h"

#include <sys/uio.h>

int main(void)
{
    unsigned char *at = map_two(PROT_NONE) + page_size() - 100;
    char got[200];
    struct iovec local = { got, sizeof got }, foreign = { at, sizeof got };
    struct ward_fault why;

    memset(got, '?', sizeof got);
    WRONG(process_vm_readv(getpid(), &local, 1, &foreign, 1, 0) == 100);
    WRONG(got[100] == '?');
    RIGHT(ward_space_read(ward_space_self(), address(at), got, sizeof got, &why) == -EFAULT);
    RIGHT(why.done == 100 && got[99] == 'a' && got[100] == 0 && got[199] == 0);
    return 0;
}
