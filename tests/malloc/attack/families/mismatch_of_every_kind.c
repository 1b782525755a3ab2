/* survives */
/* SPDX-License-Identifier: MIT */
#include "../heap.h"

#include <sys/wait.h>
#include <unistd.h>

#define WEAK __attribute__((weak))

void *new_one(size_t size) __asm__("_Znwm") WEAK;
void *new_array(size_t size) __asm__("_Znam") WEAK;
void *new_aligned(size_t size, size_t align) __asm__("_ZnwmSt11align_val_t") WEAK;
void *new_array_aligned(size_t size, size_t align) __asm__("_ZnamSt11align_val_t") WEAK;
void delete_one(void *block) __asm__("_ZdlPv") WEAK;
void delete_array(void *block) __asm__("_ZdaPv") WEAK;
void delete_aligned(void *block, size_t align) __asm__("_ZdlPvSt11align_val_t") WEAK;
void delete_array_aligned(void *block, size_t align) __asm__("_ZdaPvSt11align_val_t") WEAK;

enum { KINDS = 5, ALIGN = 64 };

static size_t size;

static void *allocate(int kind)
{
    switch (kind) {
    case 0: return malloc(size);
    case 1: return new_one(size);
    case 2: return new_array(size);
    case 3: return new_aligned(size, ALIGN);
    default: return new_array_aligned(size, ALIGN);
    }
}

static void release(void *block, int kind)
{
    switch (kind) {
    case 0: free(block); break;
    case 1: delete_one(block); break;
    case 2: delete_array(block); break;
    case 3: delete_aligned(block, ALIGN); break;
    default: delete_array_aligned(block, ALIGN);
    }
}

static void allocate_and_release(int from, int to)
{
    release(hidden(allocate(from)), to);
    release(hidden(allocate(from)), from);
    release(hidden(allocate(to)), to);
}

/* Bytes of report of a process that allocates one way and frees the other, then both right. Its
 * standard error is another one from its start on: else no report goes there. */
static long reported(int from, int to)
{
    FILE *file = tmpfile();
    char arguments[3][24];
    int status;
    pid_t child = fork();

    if (!file || child < 0)
        abort();
    if (child == 0) {
        snprintf(arguments[0], sizeof arguments[0], "%d", from);
        snprintf(arguments[1], sizeof arguments[1], "%d", to);
        snprintf(arguments[2], sizeof arguments[2], "%zu", size);
        dup2(fileno(file), 2);
        execl("/proc/self/exe", "one", arguments[0], arguments[1], arguments[2], (char *)NULL);
        _exit(1);
    }
    if (waitpid(child, &status, 0) != child || status)
        abort();
    fseek(file, 0, SEEK_END);
    status = (int)ftell(file);
    fclose(file);
    return status;
}

/* Of every size there is a mismatch if and only if the two differ. */
int main(int argc, char **argv)
{
    if (argc == 4) {
        size = strtoul(argv[3], NULL, 10);
        allocate_and_release(atoi(argv[1]), atoi(argv[2]));
        return 0;
    }
    for (size = 40; size < 2000000000; size *= 200)
        for (int from = 0; from < KINDS; from++)
            for (int to = 0; to < KINDS; to++)
                if ((reported(from, to) > 0) != (from != to)) {
                    printf("%zu bytes: %d, %d\n", size, from, to);
                    return 1;
                }
    return 0;
}
