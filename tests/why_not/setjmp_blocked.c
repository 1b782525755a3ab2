/* sigsetjmp is no help where the signal is blocked: the handler never runs, the process dies. */
/* SPDX-License-Identifier: MIT */
#include "why_not.h"

static void read_or_jump(void *at)
{
    if (sigsetjmp(why_back, 1) == 0)
        (void)just_read(at);
}

int main(void)
{
    unsigned char *none = map_two(PROT_NONE) + page_size();
    struct ward_space *space;
    uint8_t byte;
    sigset_t set;

    catch_by_jumping();
    NEED(death_of(read_or_jump, none) == 0);
    NEED(ward_recover_install() == 0);
    sigemptyset(&set);
    sigaddset(&set, SIGSEGV);
    NEED(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
    WRONG(death_of(read_or_jump, none) == SIGSEGV);

    space = ward_access_begin(); /* finds out, and goes by system calls */
    RIGHT(ward_u8_read(space, ward_u8_in_at(address(none)), &byte, NULL) == -EFAULT);
    ward_access_end();
    return 0;
}
