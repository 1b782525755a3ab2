/* SPDX-License-Identifier: MIT */
/*
 * gates touch_freed|null: ward's gates and the malloc's explanations in one process. The gates
 * recover faults, also in memory of the malloc's that a guard closes; then a plain access faults,
 * and the malloc has its say.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <ward/recover.h>
#include <ward/self.h>

/* The access faults, and nothing else happens. */
static int is_recovered(const volatile void *at)
{
    struct ward_space *self = ward_space_self_by_table();
    char byte = 1;

    return ward_space_read(self, (uint64_t)(uintptr_t)at, &byte, 1, NULL) == -EFAULT;
}

int main(int argc, char **argv)
{
    char *closed = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *block = malloc(100), *freed = block;

    __asm__ volatile("" : "+r"(freed)); /* the compiler forgets that they are the same */
    if (argc < 2 || !block || closed == MAP_FAILED || ward_recover_install())
        return 1;
    free(block);
    if (!is_recovered(closed) || !is_recovered(freed) || !is_recovered(closed))
        return 2;
    printf("recovered\n");
    (void)fflush(stdout);
    return *(volatile char *)(strcmp(argv[1], "null") ? freed : closed);
}
