/* survives */
/* SPDX-License-Identifier: MIT */
#include "../heap.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_mseal
#define SYS_mseal 462
#endif

/* The mappings that are sealed, as the kernel says, with what it answers to who changes them.
 * Returns how many there are; -1: one could be changed. */
static int try_all(FILE *from)
{
    unsigned long start = 0, end = 0, from_here, to_here;
    char line[512];
    int sealed = 0;

    while (fgets(line, sizeof line, from)) {
        char *at = line;

        if (sscanf(line, "%lx-%lx ", &from_here, &to_here) == 2) {
            start = from_here;
            end = to_here;
        }
        if (strncmp(line, "VmFlags:", 8) != 0 || !(at = strstr(line, " sl")) || at[3] > ' ')
            continue;
        sealed++;
        if (mprotect((void *)start, end - start, PROT_NONE) == 0 || errno != EPERM ||
            munmap((void *)start, end - start) == 0 || errno != EPERM)
            return -1;
    }
    return sealed;
}

/* Who can make system calls cannot take the records away, nor make the root writable. */
int main(void)
{
    FILE *from = fopen("/proc/self/smaps", "r");
    int sealed;

    if (syscall(SYS_mseal, 0, 0, 0) || !from) {
        printf("nothing can be sealed here\n");
        return 77;
    }
    free(hidden(malloc(100)));
    sealed = try_all(from);
    printf("%d sealed\n", sealed);
    return sealed < 3;
}
