/* SPDX-License-Identifier: MIT */
/*
 * Every operator new and delete, under the names the C++ ABI gives them, without a C++ library.
 *
 * When memory is short they do what the standard says: call the new-handler until there is some, or
 * it throws, or there is none. To throw, the program's own C++ library is asked, whose function has
 * the same name in libstdc++ and libc++, if either is linked to; else (a C program with a C++
 * plugin) one that is loaded is looked for. Without any there is nobody to catch it: the process
 * ends.
 *
 * A handler's own exception passes through, out of a nothrow form as well: C cannot catch it.
 */
#define _GNU_SOURCE
#include <dlfcn.h>

#include "heap.h"

#define NAME __attribute__((visibility("default")))

typedef void function(void);
typedef function *get_handler(void);

extern get_handler get_new_handler __asm__("_ZSt15get_new_handlerv") __attribute__((weak));
extern function throw_by_library __asm__("_ZSt17__throw_bad_allocv") __attribute__((weak));

/* Weak: a static program without a dynamic linker is not to get one for this. */
#pragma weak dlopen
#pragma weak dlsym

/* A function of a C++ library that is loaded, though not for all to see. */
static function *loaded(const char *name)
{
    static const char *const libraries[] = { "libstdc++.so.6", "libc++.so.1" };
    union {
        void *object;
        function *function;
    } found = { NULL };

    if (!dlopen || !dlsym)
        return NULL;
    for (size_t i = 0; i < sizeof libraries / sizeof *libraries && !found.object; i++) {
        void *library = dlopen(libraries[i], RTLD_LAZY | RTLD_NOLOAD);

        found.object = library ? dlsym(library, name) : NULL;
    }
    return found.function;
}

static function *new_handler(void)
{
    get_handler *get = get_new_handler;

    if (!get)
        get = (get_handler *)loaded("_ZSt15get_new_handlerv");
    return get ? get() : NULL;
}

static WARD_COLD void throw_bad_alloc(void)
{
    function *thrower = throw_by_library;

    if (!thrower)
        thrower = loaded("_ZSt17__throw_bad_allocv");
    if (thrower)
        thrower();
    ward_heap_die_("==ward== operator new: out of memory, and no C++ library to throw\n");
}

static void *allocate(size_t align, size_t size)
{
    return align ? ward_heap_alloc_aligned_(align, size) : heap_alloc(size);
}

/* Memory was short. NULL: there is no handler any more. */
static WARD_COLD void *insist(size_t align, size_t size)
{
    function *handler;
    void *block = NULL;

    while (!block && (handler = new_handler())) {
        handler();
        block = allocate(align, size);
    }
    return block;
}

static inline void *new (size_t align, size_t size)
{
    void *block = allocate(align, size);

    if (WARD_LIKELY(block != NULL))
        return block;
    block = insist(align, size);
    if (!block)
        throw_bad_alloc();
    return block;
}

static inline void *new_nothrow(size_t align, size_t size)
{
    void *block = allocate(align, size);

    return WARD_LIKELY(block != NULL) ? block : insist(align, size);
}

/* --- new: plain and for arrays are the same --------------------------------------------------- */

#define NEW(NAME_OF, PARAMETERS, ALLOCATE)                                                         \
    NAME void *NAME_OF PARAMETERS;                                                                 \
    void *NAME_OF PARAMETERS                                                                       \
    {                                                                                              \
        return ALLOCATE;                                                                           \
    }

#define NOTHROW const void *nothrow __attribute__((unused))

NEW(_Znwm, (size_t size), heap_name(new (0, size), FAMILY_NEW))
NEW(_Znam, (size_t size), heap_name(new (0, size), FAMILY_NEW_ARRAY))
NEW(_ZnwmSt11align_val_t, (size_t size, size_t align),
    heap_name(new (align, size), FAMILY_NEW | FAMILY_ALIGNED))
NEW(_ZnamSt11align_val_t, (size_t size, size_t align),
    heap_name(new (align, size), FAMILY_NEW_ARRAY | FAMILY_ALIGNED))
NEW(_ZnwmRKSt9nothrow_t, (size_t size, NOTHROW), heap_name(new_nothrow(0, size), FAMILY_NEW))
NEW(_ZnamRKSt9nothrow_t, (size_t size, NOTHROW), heap_name(new_nothrow(0, size), FAMILY_NEW_ARRAY))
NEW(_ZnwmSt11align_val_tRKSt9nothrow_t, (size_t size, size_t align, NOTHROW),
    heap_name(new_nothrow(align, size), FAMILY_NEW | FAMILY_ALIGNED))
NEW(_ZnamSt11align_val_tRKSt9nothrow_t, (size_t size, size_t align, NOTHROW),
    heap_name(new_nothrow(align, size), FAMILY_NEW_ARRAY | FAMILY_ALIGNED))

/* --- delete ----------------------------------------------------------------------------------- */

#define DELETE(NAME_OF, PARAMETERS, FREE)                                                          \
    NAME void NAME_OF PARAMETERS;                                                                  \
    void NAME_OF PARAMETERS                                                                        \
    {                                                                                              \
        FREE;                                                                                      \
    }

#define ALIGN size_t align __attribute__((unused))

DELETE(_ZdlPv, (void *block), heap_free(block, FAMILY_NEW))
DELETE(_ZdaPv, (void *block), heap_free(block, FAMILY_NEW_ARRAY))
DELETE(_ZdlPvm, (void *block, size_t size), ward_heap_free_sized_(block, 0, size, FAMILY_NEW))
DELETE(_ZdaPvm, (void *block, size_t size), ward_heap_free_sized_(block, 0, size, FAMILY_NEW_ARRAY))
DELETE(_ZdlPvSt11align_val_t, (void *block, ALIGN), heap_free(block, FAMILY_NEW | FAMILY_ALIGNED))
DELETE(_ZdaPvSt11align_val_t, (void *block, ALIGN),
       heap_free(block, FAMILY_NEW_ARRAY | FAMILY_ALIGNED))
DELETE(_ZdlPvmSt11align_val_t, (void *block, size_t size, ALIGN),
       ward_heap_free_sized_(block, align, size, FAMILY_NEW | FAMILY_ALIGNED))
DELETE(_ZdaPvmSt11align_val_t, (void *block, size_t size, ALIGN),
       ward_heap_free_sized_(block, align, size, FAMILY_NEW_ARRAY | FAMILY_ALIGNED))
DELETE(_ZdlPvRKSt9nothrow_t, (void *block, NOTHROW), heap_free(block, FAMILY_NEW))
DELETE(_ZdaPvRKSt9nothrow_t, (void *block, NOTHROW), heap_free(block, FAMILY_NEW_ARRAY))
DELETE(_ZdlPvSt11align_val_tRKSt9nothrow_t, (void *block, ALIGN, NOTHROW),
       heap_free(block, FAMILY_NEW | FAMILY_ALIGNED))
DELETE(_ZdaPvSt11align_val_tRKSt9nothrow_t, (void *block, ALIGN, NOTHROW),
       heap_free(block, FAMILY_NEW_ARRAY | FAMILY_ALIGNED))
