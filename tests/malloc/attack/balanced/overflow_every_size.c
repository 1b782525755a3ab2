/* survives */
/* SPDX-License-Identifier: MIT */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../heap.h"

/* A zero written one byte too far is found, whatever the size of the block. */
int main(void)
{
    freopen("/dev/null", "w", stderr);
    for (size_t size = 0; size < 200000; size += 1 + size / 16) {
        pid_t child = fork();
        int status;

        if (child == 0) {
            char *block = hidden(malloc(size));

            block[size] = 0;
            free(hidden(block));
            _exit(0);
        }
        if (waitpid(child, &status, 0) != child || !WIFSIGNALED(status) ||
            WTERMSIG(status) != SIGABRT) {
            printf("not found: %zu bytes\n", size);
            return 1;
        }
    }
    return 0;
}
