/* SPDX-License-Identifier: MIT */
/* program: allocates before any constructor runs, and asks what the library beside the malloc (see
 * library.c) allocated in its own. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned char *first;
static int constructed, was_constructed;

__attribute__((constructor(101))) static void construct(void)
{
    constructed = 1;
}

static void before_all(void)
{
    was_constructed = constructed;
    first = malloc(1000);
    memset(first, 7, 1000);
    free(realloc(malloc(10), 100));
    free(calloc(10, 100));
}

__attribute__((section(".preinit_array"), used)) static void (*const before)(void) = before_all;

int main(void)
{
    int (*check)(void) = NULL;
    void *found = dlsym(RTLD_DEFAULT, "early_check");

    memcpy(&check, &found, sizeof found);
    if (!first || was_constructed || first[0] != 7 || first[999] != 7) {
        fprintf(stderr, "what was allocated before the constructors is not what it was\n");
        return 1;
    }
    free(first);
    if (!check || !check()) {
        fprintf(stderr, "what the library allocated in its constructor is not what it was\n");
        return 1;
    }
    return 0;
}
