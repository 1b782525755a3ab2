/* A probe of one byte passes where the word at the pointer reaches into a page that is not there.
 */
/* SPDX-License-Identifier: MIT */
#include "why_not.h"

static void read_word(void *at)
{
    uint64_t word;

    memcpy(&word, at, sizeof word);
    __asm__ volatile("" : : "r"(word));
}

int main(void)
{
    unsigned char *straddling = map_two(PROT_NONE) + page_size() - 4;
    struct ward_fault why;
    uint64_t word;
    int ends[2];

    NEED(pipe(ends) == 0);
    WRONG(write(ends[1], straddling, 1) == 1);
    WRONG(death_of(read_word, straddling) == SIGSEGV);
    RIGHT(ward_space_read(ward_space_self(), address(straddling), &word, 8, &why) == -EFAULT);
    RIGHT(why.done == 4 && why.addr == address(straddling) + 4);
    return 0;
}
