/* sigsetjmp around memcpy knows that it failed, and not what was copied. */
/* SPDX-License-Identifier: MIT */
#include "why_not.h"

enum { BYTES = 64, GOOD = 40 };

static void *(*volatile copy)(void *, const void *,
                              size_t) = memcpy; /* the library's, not inline */

static size_t copied_before_fault(unsigned char *to, const unsigned char *from)
{
    size_t done = 0;

    if (sigsetjmp(why_back, 1) == 0)
        copy(to, from, BYTES);
    while (done < BYTES && to[done] == 'a')
        done++;
    return done;
}

int main(void)
{
    unsigned char *from = map_two(PROT_NONE) + page_size() - GOOD;
    unsigned char to[BYTES] = { 0 };
    struct ward_fault why;

    RIGHT(ward_space_read(ward_space_self(), address(from), to, BYTES, &why) == -EFAULT);
    RIGHT(why.done == GOOD && to[GOOD - 1] == 'a' && to[GOOD] == 0);

    memset(to, 0, sizeof to);
    catch_by_jumping();
    if (copied_before_fault(to, from) == GOOD)
        skip("this C library's memcpy goes byte by byte");
    WRONG(to[GOOD - 1] != 'a'); /* it was there, and was lost */
    return 0;
}
