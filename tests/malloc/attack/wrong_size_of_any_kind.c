/* survives */
/* SPDX-License-Identifier: MIT */
#include "heap.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define WEAK __attribute__((weak))

void free_sized(void *block, size_t size) WEAK;
void free_aligned_sized(void *block, size_t align, size_t size) WEAK;
void *new_one(size_t size) __asm__("_Znwm") WEAK;
void *new_array(size_t size) __asm__("_Znam") WEAK;
void delete_sized(void *block, size_t size) __asm__("_ZdlPvm") WEAK;
void delete_array_sized(void *block, size_t size) __asm__("_ZdaPvm") WEAK;

static void release(int kind, size_t size, size_t said)
{
    switch (kind) {
    case 0: free_sized(hidden(malloc(size)), said); break;
    case 1: free_aligned_sized(hidden(aligned_alloc(64, size)), 64, said); break;
    case 2: delete_sized(hidden(new_one(size)), said); break;
    default: delete_array_sized(hidden(new_array(size)), said);
    }
}

static int dies(int kind, size_t size, size_t said)
{
    pid_t child = fork();
    int status = 0;

    if (child == 0) {
        freopen("/dev/null", "w", stderr);
        release(kind, size, said);
        _exit(0);
    }
    return waitpid(child, &status, 0) == child && WIFSIGNALED(status) &&
           WTERMSIG(status) == SIGABRT;
}

/* One byte more or less is found, by every function that is told a size; the right one is not. */
int main(void)
{
    for (int kind = 0; kind < 4; kind++)
        for (size_t size = 1; size < 3000000; size = size * 9 + 1)
            if (dies(kind, size, size) || !dies(kind, size, size + 1) ||
                !dies(kind, size, size - 1)) {
                printf("%d: %zu bytes\n", kind, size);
                return 1;
            }
    return 0;
}
