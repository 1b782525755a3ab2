/* /proc/self/maps calls a page readable that is gone, because its file was truncated. */
/* SPDX-License-Identifier: MIT */
#include "why_not.h"

static bool maps_say_yes(const void *at)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    unsigned long from, to;
    char line[1024], prot[8];
    bool readable = false;

    if (!maps)
        skip("there is no /proc here");
    while (fgets(line, sizeof line, maps))
        if (sscanf(line, "%lx-%lx %4s", &from, &to, prot) == 3 && address(at) - from < to - from)
            readable = prot[0] == 'r';
    fclose(maps);
    return readable;
}

int main(void)
{
    int file = memfd_create("truncated", MFD_CLOEXEC);
    unsigned char *page;

    NEED(file >= 0 && ftruncate(file, (off_t)page_size()) == 0);
    page = mmap(NULL, page_size(), PROT_READ, MAP_SHARED, file, 0);
    NEED(page != MAP_FAILED && ward_reads(page) == 0);
    NEED(ftruncate(file, 0) == 0);

    WRONG(maps_say_yes(page));
    WRONG(death_of(read_it, page) == SIGBUS);
    RIGHT(ward_reads(page) == -EFAULT);
    return 0;
}
