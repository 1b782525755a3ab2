/* SPDX-License-Identifier: MIT */
/* What mallinfo and its relatives say, and that malloc_trim gives memory back. */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"

#pragma GCC diagnostic ignored "-Wdeprecated-declarations" /* mallinfo is, and still is asked */

enum { COUNT = 1000 };

static void *blocks[COUNT];

static void fill(size_t size)
{
    for (size_t i = 0; i < COUNT; i++)
        memset(blocks[i] = malloc(size), 0x5a, size);
}

static void empty(void)
{
    for (size_t i = 0; i < COUNT; i++)
        free(blocks[i]);
}

/* Freed blocks in quarantine are not in use. A class is at most a quarter more than the request. */
static void blocks_in_use_are_counted(size_t size)
{
    struct mallinfo2 before = mallinfo2(), during, after;
    size_t used;

    fill(size);
    during = mallinfo2();
    empty();
    after = mallinfo2();
    used = during.uordblks - before.uordblks;
    check(used >= COUNT * size && used <= COUNT * (size + size / 4 + 32), "in use", used);
    check(after.uordblks == before.uordblks, "in use after free", after.uordblks);
    check(during.arena == during.uordblks + during.fordblks, "arena is used and free", size);
    check(during.arena >= before.arena, "the arena grows", size);
    check(during.hblks == before.hblks, "no mappings", size);
}

static void big_blocks_are_counted(void)
{
    struct mallinfo2 before = mallinfo2(), during;
    void *block = malloc(5 << 20);

    during = mallinfo2();
    check(during.uordblks - before.uordblks >= 5 << 20 &&
              during.uordblks - before.uordblks <= (5 << 20) + 65536,
          "a big block is in use", during.uordblks - before.uordblks);
    free(block);
    check(mallinfo2().uordblks == before.uordblks, "and no more", before.uordblks);
}

static void mappings_are_counted(void)
{
    struct mallinfo2 before = mallinfo2(), during;
    size_t size = (size_t)3 << 30;
    void *block = malloc(size);

    if (!block) {
        printf("no room for 3 GiB: mappings were not counted\n");
        return;
    }
    during = mallinfo2();
    check(during.hblks == before.hblks + 1, "one mapping", during.hblks);
    check(during.hblkhd - before.hblkhd == size, "of 3 GiB", during.hblkhd);
    check(during.uordblks == before.uordblks, "it is in no arena", during.uordblks);
    check(mallinfo().hblkhd == INT_MAX, "what no int holds is INT_MAX", size);
    free(block);
    check(mallinfo2().hblks == before.hblks, "no mapping", before.hblks);
}

static void mallinfo_says_the_same(void)
{
    struct mallinfo2 wide = mallinfo2();
    struct mallinfo narrow = mallinfo();

    check((size_t)narrow.arena == wide.arena && (size_t)narrow.ordblks == wide.ordblks &&
              (size_t)narrow.uordblks == wide.uordblks && (size_t)narrow.fordblks == wide.fordblks,
          "mallinfo is mallinfo2", wide.arena);
}

static size_t resident(void)
{
    char text[64] = "";
    FILE *from = fopen("/proc/self/statm", "r");
    char *at = from ? fgets(text, sizeof text, from) : NULL;
    size_t pages = at && (at = strchr(text, ' ')) ? strtoul(at, NULL, 10) : 0;

    if (from)
        fclose(from);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

/* In the profile `pages` all that is freed goes back at once. */
static bool nothing_is_kept(void)
{
    const char *options = getenv("WARD_OPTIONS");

    return options && strcmp(options, "profile=pages") == 0;
}

static void trim_gives_pages_back(void)
{
    size_t before, after, keeps;

    fill(20000);
    empty();
    before = resident();
    (void)malloc_trim(SIZE_MAX); /* what the thread itself has ready is kept for all, or given */
    keeps = mallinfo2().keepcost;
    if (nothing_is_kept()) {
        check(keeps == 0 && malloc_trim(0) == 0, "nothing is kept", keeps);
        return;
    }
    check(keeps > 4 << 20, "pages were kept", keeps);
    check(malloc_trim(keeps) == 0, "all may stay", mallinfo2().keepcost);
    check(malloc_trim(keeps / 2) == 1, "half may stay", keeps);
    check(mallinfo2().keepcost <= keeps / 2 && mallinfo2().keepcost > 0, "half stays",
          mallinfo2().keepcost);
    check(malloc_trim(0) == 1, "something was given back", keeps);
    check(mallinfo2().keepcost == 0, "nothing is kept", mallinfo2().keepcost);
    check(malloc_trim(0) == 0, "nothing is left to give", 0);
    after = resident();
    check(before == 0 || before >= after + keeps / 2, "fewer pages are resident", after);
    fill(20000);
    empty();
}

static size_t number_after(const char *text, const char *what)
{
    const char *at = strstr(text, what);

    check(at != NULL, what, 0);
    return at ? strtoul(at + strlen(what), NULL, 10) : 0;
}

static void info_is_xml(void)
{
    static const char first[] = "<malloc version=\"1\">\n<heap nr=\"0\">\n<sizes>\n";
    char *text = NULL;
    size_t length = 0;
    FILE *to = open_memstream(&text, &length);
    void *big = malloc((size_t)600 << 20);

    errno = 0;
    check(malloc_info(1, to) == EINVAL && errno == EINVAL && ftell(to) == 0, "no such option", 1);
    check(malloc_info(0, to) == 0, "malloc_info", 0);
    fclose(to);
    check(strncmp(text, first, strlen(first)) == 0, text, 0);
    check(strcmp(text + length - 10, "</malloc>\n") == 0, text, length);
    check(number_after(text, "<total type=\"mmap\" count=\"") == (big ? 1 : 0), "mmap", 0);
    check(nothing_is_kept() || number_after(text, "<system type=\"current\" size=\"") >= COUNT * 16,
          "system", 0);
    check(nothing_is_kept() || number_after(text, "<size from=\"") > 0, "free slots", 0);
    free(text);
    free(big);
}

static void stats_go_to_stderr(void)
{
    char text[1024] = "";
    FILE *file = tmpfile();
    int kept = dup(2);

    if (!file || kept < 0 || dup2(fileno(file), 2) < 0)
        abort();
    malloc_stats();
    fflush(stderr);
    dup2(kept, 2);
    close(kept);
    rewind(file);
    check(fread(text, 1, sizeof text - 1, file) > 0, "malloc_stats", 0);
    check(strncmp(text, "Arena 0:\nsystem bytes     = ", 28) == 0, text, 0);
    check(number_after(text, "in use bytes     = ") > 0, "in use", 0);
    fclose(file);
}

static void options_are_advice(void)
{
    static const int known[] = { M_MXFAST,         M_TRIM_THRESHOLD, M_TOP_PAD,
                                 M_MMAP_THRESHOLD, M_MMAP_MAX,       M_CHECK_ACTION,
                                 M_PERTURB,        M_ARENA_TEST,     M_ARENA_MAX };

    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        check(mallopt(known[i], 1) == 1, "mallopt takes it", i);
    check(mallopt(4711, 1) == 0, "no such option", 4711);
}

int main(void)
{
    static const size_t sizes[] = { 16, 100, 1000, 50000, 200000 };

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        blocks_in_use_are_counted(sizes[i]);
    big_blocks_are_counted();
    mappings_are_counted();
    mallinfo_says_the_same();
    trim_gives_pages_back();
    info_is_xml();
    stats_go_to_stderr();
    options_are_advice();
    return failures != 0;
}
