/* SPDX-License-Identifier: MIT */
/* A program that knows nothing of ward but is linked with its malloc: for machines that give
 * little. Blocks of many sizes can be had, hold what was written, and can be given back, by two
 * threads. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COUNT = 2000, SIZES = 6 };

static const size_t sizes[SIZES] = { 24, 300, 1000, 9000, 70000, 3000000 };

/* Of the largest ten. */
static size_t count_of(size_t size)
{
    return size > 1000000 ? 10 : COUNT * 1000 / (size + 1000);
}

static int holds(const unsigned char *block, size_t size, size_t number)
{
    return block[0] == (unsigned char)number && block[size - 1] == (unsigned char)number;
}

static void *use(void *unused)
{
    for (unsigned i = 0; i < SIZES; i++) {
        static _Thread_local unsigned char *blocks[COUNT];
        size_t count = count_of(sizes[i]);

        for (size_t number = 0; number < count; number++) {
            blocks[number] = malloc(sizes[i]);
            if (!blocks[number]) {
                fprintf(stderr, "no block of %zu bytes after %zu\n", sizes[i], number);
                exit(1);
            }
            memset(blocks[number], (int)number, sizes[i]);
        }
        for (size_t number = 0; number < count; number++) {
            if (!holds(blocks[number], sizes[i], number))
                exit(2);
            free(blocks[number]);
        }
    }
    return unused;
}

int main(void)
{
    pthread_t thread;

    if (pthread_create(&thread, NULL, use, NULL))
        return 3;
    use(NULL);
    pthread_join(thread, NULL);
    return 0;
}
