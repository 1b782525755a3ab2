/* SPDX-License-Identifier: MIT */
/* The exported names, and nothing else. What counts and tells is in statistics.c. */
#include <errno.h>
#include <string.h>

#include "door.h"
#include "heap.h"
#include "owner.h"
#include "trim.h"

#define NAME __attribute__((visibility("default")))

static void *fail(void)
{
    errno = ENOMEM;
    return NULL;
}

NAME void *malloc(size_t size);
NAME void free(void *block);
NAME void *calloc(size_t count, size_t size);
NAME void *realloc(void *block, size_t size);
NAME void *reallocarray(void *block, size_t count, size_t size);
NAME void *memalign(size_t align, size_t size);
NAME void *aligned_alloc(size_t align, size_t size);
NAME int posix_memalign(void **at, size_t align, size_t size);
NAME void *valloc(size_t size);
NAME void *pvalloc(size_t size);
NAME size_t malloc_usable_size(void *block);
NAME void free_sized(void *block, size_t size);
NAME void free_aligned_sized(void *block, size_t align, size_t size);
NAME void cfree(void *block);
NAME int malloc_trim(size_t pad);
NAME int mallopt(int option, int value);

void *malloc(size_t size)
{
    return heap_alloc(size);
}

void free(void *block)
{
    heap_free(block, FAMILY_MALLOC);
}

void *calloc(size_t count, size_t size)
{
    size_t bytes;

    if (__builtin_mul_overflow(count, size, &bytes))
        return fail();
    return ward_heap_alloc_zeroed_(bytes);
}

void *realloc(void *block, size_t size)
{
    if (!block)
        return malloc(size);
    if (size == 0) {
        heap_free(block, FAMILY_MALLOC);
        return NULL;
    }
    return ward_heap_resize_(block, size);
}

void *reallocarray(void *block, size_t count, size_t size)
{
    size_t bytes;

    if (__builtin_mul_overflow(count, size, &bytes))
        return fail();
    return realloc(block, bytes);
}

void *memalign(size_t align, size_t size)
{
    size_t up = 16;

    while (up < align && up)
        up *= 2;
    return up ? ward_heap_alloc_aligned_(up, size) : fail();
}

void *aligned_alloc(size_t align, size_t size)
{
    return memalign(align, size);
}

int posix_memalign(void **at, size_t align, size_t size)
{
    int before = errno; /* which is not how this function answers */
    void *block;

    if (align < sizeof(void *) || (align & (align - 1)))
        return EINVAL;
    block = ward_heap_alloc_aligned_(align, size);
    errno = before;
    if (!block)
        return ENOMEM;
    *at = block;
    return 0;
}

void *valloc(size_t size)
{
    return memalign(ward_heap_page_(), size);
}

void *pvalloc(size_t size)
{
    size_t page = ward_heap_page_();

    if (size > SIZE_MAX - page)
        return fail();
    return memalign(page, (size + page - 1) & ~(page - 1));
}

size_t malloc_usable_size(void *block)
{
    return block ? ward_heap_size_(block) : 0;
}

void free_sized(void *block, size_t size)
{
    ward_heap_free_sized_(block, 0, size, FAMILY_MALLOC);
}

void free_aligned_sized(void *block, size_t align, size_t size)
{
    ward_heap_free_sized_(block, align, size, FAMILY_MALLOC);
}

void cfree(void *block)
{
    heap_free(block, FAMILY_MALLOC);
}

int malloc_trim(size_t pad)
{
    bool opened = ward_owner_enter_first_();
    struct owner *owner = ward_owner_get_();
    bool given = owner && ward_trim_(owner, pad);

    door_close(opened);
    return given;
}

/* All that <malloc.h> knows is advice: M_MXFAST to M_KEEP, M_TRIM_THRESHOLD to M_ARENA_MAX. */
int mallopt(int option, int value)
{
    (void)value;
    return (option >= 1 && option <= 4) || (option >= -8 && option <= -1);
}

/* --- The names that libc.a's malloc.o has besides --------------------------------------------- */

/* A static program that asks for one of them would get that member too, and two mallocs. The shared
 * library keeps them to itself. */
#define ALSO(NAME_OF, FUNCTION)                                                                    \
    NAME extern __typeof__(FUNCTION) NAME_OF __attribute__((nothrow, leaf, alias(#FUNCTION)))

ALSO(__libc_malloc, malloc);
ALSO(__libc_free, free);
ALSO(__libc_calloc, calloc);
ALSO(__libc_realloc, realloc);
ALSO(__libc_memalign, memalign);
ALSO(__libc_valloc, valloc);
ALSO(__libc_pvalloc, pvalloc);
ALSO(__libc_mallopt, mallopt);
