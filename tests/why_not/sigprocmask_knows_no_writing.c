/* rt_sigprocmask with a bad `how` reads eight bytes, and says nothing of writing. */
/* SPDX-License-Identifier: MIT */
#include "why_not.h"

#include <sys/syscall.h>

/* EINVAL: the set was read, and `how` found wrong. EFAULT: it could not be read. */
static bool sigprocmask_says_yes(const void *at)
{
    return syscall(SYS_rt_sigprocmask, ~0, at, NULL, 8) == -1 && errno == EINVAL;
}

int main(void)
{
    unsigned char *constant = map_two(PROT_READ) + page_size();

    WRONG(sigprocmask_says_yes(constant));
    WRONG(death_of(write_it, constant) == SIGSEGV);
    RIGHT(ward_writes(constant) == -EFAULT);
    RIGHT(constant[0] == 'a');
    return 0;
}
