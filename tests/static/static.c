/* SPDX-License-Identifier: MIT */
/*
 * A program without a dynamic linker: the table is registered, the handler installed, the forms for
 * this processor chosen, and every fault answered.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include <ward/recover.h>
#include <ward/self.h>

#define EXPECT(CONDITION)                                                                          \
    do                                                                                             \
        if (!(CONDITION)) {                                                                        \
            fprintf(stderr, "%d: not so: %s\n", __LINE__, #CONDITION);                             \
            return 1;                                                                              \
        }                                                                                          \
    while (0)

enum { LONGEST = 20000 };

static unsigned char ours[LONGEST + 1];

static bool is_all(const unsigned char *at, size_t n, unsigned char value)
{
    for (size_t i = 0; i < n; i++)
        if (at[i] != value)
            return false;
    return true;
}

/* Lengths for every form: words, vectors, long. */
static int try_copies(struct ward_space *self, unsigned char *edge)
{
    static const size_t lengths[] = { 1, 7, 16, 31, 64, 100, 128, 200, 1000, 4096, LONGEST };
    uint64_t edge_at = (uintptr_t)edge;
    struct ward_fault why;

    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        size_t n = lengths[i], less = (n + 1) / 2;

        memset(edge - n, 5, n);
        memset(ours, 0xee, sizeof ours);
        EXPECT(ward_space_read(self, edge_at - n, ours, n, NULL) == 0);
        EXPECT(is_all(ours, n, 5) && ours[n] == 0xee);
        EXPECT(ward_space_read(self, edge_at - less, ours, n + 1, &why) == -EFAULT);
        EXPECT(why.done == less && why.addr == edge_at && why.kind == WARD_FAULT_PROT);
        EXPECT(is_all(ours, less, 5) && is_all(ours + less, n + 1 - less, 0));
        EXPECT(ward_space_write(self, edge_at - less, ours, n + 1, &why) == -EFAULT);
        EXPECT(why.done == less && why.access == WARD_WRITE);
    }
    return 0;
}

int main(void)
{
    unsigned char *at = mmap(NULL, LONGEST + 65536, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    unsigned char *edge = at + (LONGEST + 65535) / 65536 * 65536;
    uint64_t word = 7;

    EXPECT(at != MAP_FAILED && mprotect(at, (size_t)(edge - at), PROT_READ | PROT_WRITE) == 0);
    EXPECT(ward_space_self() == ward_space_self_by_calls());
    EXPECT(ward_recover_install() == 0);
    EXPECT(ward_space_self() == ward_space_self_by_table());
    EXPECT(ward_self_read_u64((uintptr_t)edge, &word, NULL) == -EFAULT && word == 0);
    return try_copies(ward_space_self(), edge);
}
