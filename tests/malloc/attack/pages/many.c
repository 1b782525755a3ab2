/* survives */
/* SPDX-License-Identifier: MIT */
#include "../faults.h"

enum { COUNT = 200000 };

static void read_past(void *block)
{
    (void)((volatile char *)block)[16];
}

static size_t mappings(void)
{
    FILE *from = fopen("/proc/self/maps", "r");
    size_t count = 0;

    for (int c; from && (c = getc(from)) != EOF;)
        count += c == '\n';
    if (from)
        fclose(from);
    return count;
}

/* More guarded blocks than a process may have mappings, and each has its guard. */
int main(void)
{
    static char *blocks[COUNT];

    for (int i = 0; i < COUNT; i++)
        if (!(blocks[i] = malloc(16)))
            return 1;
    if (mappings() > 10000) {
        printf("no markers for guards here: each costs mappings, and not all blocks have one\n");
        return 77;
    }
    for (int i = 0; i < COUNT; i += 97)
        if (!faults(read_past, hidden(blocks[i])))
            return 1;
    for (int i = 0; i < COUNT; i++)
        free(blocks[i]);
    return 0;
}
