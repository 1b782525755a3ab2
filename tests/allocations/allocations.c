/* SPDX-License-Identifier: MIT */
#include "allocations.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <ward/host.h>

/* The names are the linker's (ld --wrap): __real_X is the X that __wrap_X stands in front of. */
void *__real_malloc(size_t n);
void *__real_calloc(size_t count, size_t n);
void *__real_realloc(void *p, size_t n);
void *__real_aligned_alloc(size_t align, size_t n);
void __real_free(void *p);
void *__real_mmap(void *at, size_t len, int prot, int flags, int fd, off_t offset);
int __real_ward_host_map(void **at, size_t len, enum ward_host_memory kind, unsigned prot,
                         size_t huge_bytes);

void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t count, size_t n);
void *__wrap_realloc(void *p, size_t n);
void *__wrap_aligned_alloc(size_t align, size_t n);
void __wrap_free(void *p);
void *__wrap_mmap(void *at, size_t len, int prot, int flags, int fd, off_t offset);
int __wrap_ward_host_map(void **at, size_t len, enum ward_host_memory kind, unsigned prot,
                         size_t huge_bytes);

static atomic_ulong count;

unsigned long allocations(void)
{
    return count;
}

void *__wrap_malloc(size_t n)
{
    count++;
    return __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
    count++;
    return __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t n)
{
    count++;
    return __real_realloc(p, n);
}

void *__wrap_aligned_alloc(size_t align, size_t n)
{
    count++;
    return __real_aligned_alloc(align, n);
}

void __wrap_free(void *p)
{
    count++;
    __real_free(p);
}

void *__wrap_mmap(void *at, size_t len, int prot, int flags, int fd, off_t offset)
{
    count++;
    return __real_mmap(at, len, prot, flags, fd, offset);
}

int __wrap_ward_host_map(void **at, size_t len, enum ward_host_memory kind, unsigned prot,
                         size_t huge_bytes)
{
    count++;
    return __real_ward_host_map(at, len, kind, prot, huge_bytes);
}
