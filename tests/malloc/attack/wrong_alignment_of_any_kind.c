/* survives */
/* SPDX-License-Identifier: MIT */
#include "child.h"

#define WEAK __attribute__((weak))

void free_aligned_sized(void *block, size_t align, size_t size) WEAK;
void delete_aligned(void *block, size_t size, size_t align) __asm__("_ZdlPvmSt11align_val_t") WEAK;
void delete_array_aligned(void *block, size_t size,
                          size_t align) __asm__("_ZdaPvmSt11align_val_t") WEAK;
void *new_aligned(size_t size, size_t align) __asm__("_ZnwmSt11align_val_t") WEAK;
void *new_array_aligned(size_t size, size_t align) __asm__("_ZnamSt11align_val_t") WEAK;

struct release {
    int kind;
    size_t said; /* alignment */
};

enum { SIZE = 300, ALIGN = 64, TRIES = 1000 };

/* A block that is aligned to 64 bytes, and no better. */
static void *allocate(int kind)
{
    for (int i = 0; i < TRIES; i++) {
        void *block = hidden(kind == 0   ? aligned_alloc(ALIGN, SIZE)
                             : kind == 1 ? new_aligned(SIZE, ALIGN)
                                         : new_array_aligned(SIZE, ALIGN));

        if ((uintptr_t)block & ALIGN)
            return block;
    }
    _exit(2);
}

static void commit(void *with)
{
    const struct release *release = with;
    void *block = allocate(release->kind);

    switch (release->kind) {
    case 0: free_aligned_sized(block, release->said, SIZE); break;
    case 1: delete_aligned(block, SIZE, release->said); break;
    default: delete_array_aligned(block, SIZE, release->said);
    }
}

/* More than the block has is found, and what is no alignment; what it has is not. */
int main(void)
{
    static const size_t wrong[] = { 2 * ALIGN, 4096, 1 << 20, (size_t)1 << 63, 3, 48, SIZE_MAX };

    for (int kind = 0; kind < 3; kind++) {
        if (ending_of(commit, &(struct release){ kind, ALIGN }) != 0)
            return 1;
        for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
            if (!is_reported(commit, &(struct release){ kind, wrong[i] })) {
                printf("kind %d: not found: %zu\n", kind, wrong[i]);
                return 1;
            }
    }
    return 0;
}
