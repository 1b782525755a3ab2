/* sigsetjmp takes a bug of the program's own, and a signal from outside, for a bad pointer. */
/* SPDX-License-Identifier: MIT */
#include "why_not.h"

static void *(*volatile copy)(void *, const void *, size_t) = memcpy;

static int copy_or_jump(void *to, const void *from)
{
    if (sigsetjmp(why_back, 1))
        return -EFAULT;
    copy(to, from, 8);
    return 0;
}

static int killed_or_jump(const void *at)
{
    if (sigsetjmp(why_back, 1))
        return -EFAULT;
    NEED(kill(getpid(), SIGSEGV) == 0);
    return just_read(at) == 'a' ? 0 : -EINVAL;
}

static void read_into(void *bad)
{
    static const char good[8];

    NEED(ward_space_read(ward_space_self(), address(good), bad, 8, NULL) != 0);
}

static void be_killed(void *good)
{
    (void)kill(getpid(), SIGSEGV);
    (void)ward_reads(good);
}

int main(void)
{
    unsigned char *good = map_two(PROT_NONE);
    unsigned char *bad = good + page_size();

    catch_by_jumping();
    WRONG(copy_or_jump(bad, good) == -EFAULT); /* and the pointer that was not trusted is good */
    WRONG(killed_or_jump(good) == -EFAULT);

    signal(SIGSEGV, SIG_DFL);
    NEED(ward_recover_install() == 0);
    RIGHT(death_of(read_into, bad) == SIGSEGV);
    RIGHT(death_of(be_killed, good) == SIGSEGV);
    RIGHT(ward_reads(good) == 0);
    return 0;
}
