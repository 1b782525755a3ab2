/* SPDX-License-Identifier: MIT */
/*
 * pass: with foreign=pass, blocks of other mallocs are freed, resized and measured by the next one:
 * those that the C library's own functions gave under their other names, and those of a copy of it
 * in another namespace.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REQUIRE(HOLDS)                                                                             \
    do                                                                                             \
        if (!(HOLDS)) {                                                                            \
            fprintf(stderr, "line %d: not so: %s\n", __LINE__, #HOLDS);                            \
            exit(1);                                                                               \
        }                                                                                          \
    while (0)

typedef void *allocate(size_t size);

/* The C library's, by the name that no preload replaces. */
allocate other_malloc __asm__("__libc_malloc") __attribute__((weak));
void free_sized(void *block, size_t size) __attribute__((weak));
void delete_array(void *block) __asm__("_ZdaPv") __attribute__((weak));

static allocate *in_another_namespace(void)
{
    void *library = dlmopen(LM_ID_NEWLM, "libc.so.6", RTLD_NOW), *found;
    allocate *function = NULL;

    found = library ? dlsym(library, "malloc") : NULL;
    memcpy(&function, &found, sizeof function);
    return function;
}

/* From the smallest to what the other malloc maps. */
static void sizes_are_freed(allocate *from)
{
    for (size_t size = 0; size < 1 << 20; size = size * 2 + 1) {
        unsigned char *block = from(size);

        REQUIRE(block);
        memset(block, 1, size);
        REQUIRE(malloc_usable_size(block) >= size);
        free(block);
    }
}

static void block_is_resized(allocate *from)
{
    unsigned char *block = from(100);

    memset(block, 7, 100);
    block = realloc(block, 100000);
    REQUIRE(block);
    for (size_t i = 0; i < 100; i++)
        REQUIRE(block[i] == 7);
    REQUIRE(!realloc(block, 0));
}

static void other_functions_free(allocate *from)
{
    free_sized(from(100), 100);
    delete_array(from(100));
}

/* Those between which they lie are ours, and are still checked. */
static void ours_are_freed_as_ever(allocate *from)
{
    void *theirs[100], *ours[100];

    for (size_t i = 0; i < 100; i++) {
        theirs[i] = from(i * 10);
        ours[i] = malloc(i * 1000);
        REQUIRE(theirs[i] && ours[i]);
        REQUIRE(malloc_usable_size(ours[i]) == i * 1000);
    }
    for (size_t i = 0; i < 100; i++) {
        free(ours[i]);
        free(theirs[i]);
    }
}

int main(void)
{
    allocate *other;

    if (!other_malloc || !free_sized) {
        printf("the C library has no other name for its malloc, or the malloc is not ward's\n");
        return 77;
    }
    free(realloc(other_malloc(40), 80)); /* before this malloc is asked for anything */
    sizes_are_freed(other_malloc);
    block_is_resized(other_malloc);
    other_functions_free(other_malloc);
    ours_are_freed_as_ever(other_malloc);
    other = in_another_namespace();
    if (!other)
        printf("there is no second namespace: not tried\n");
    else
        free(other(40));
    return 0;
}
