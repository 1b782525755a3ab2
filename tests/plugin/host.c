/* SPDX-License-Identifier: MIT */
/*
 * host PLUGIN: loads and unloads an object whose accesses fault, again and again, while other
 * threads fault as well. Every fault in it is answered, before and after; none is lost while tables
 * come and go.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/mman.h>

#include <ward/recover.h>
#include <ward/self.h>

enum { ROUNDS = 300, THREADS = 3 };

static void *bad;
static _Atomic bool stop;
static _Atomic unsigned wrong;

static void *fault_on(void *unused)
{
    uint64_t value;

    while (!stop)
        if (ward_self_read_u64((uintptr_t)bad, &value, NULL) != -EFAULT || value != 0)
            wrong++;
    return unused;
}

/* One life of the plugin. */
static bool load_fault_unload(const char *path)
{
    void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    uint64_t value = 1, mine = 42;
    union {
        void *symbol;
        int (*call)(uint64_t, uint64_t *);
    } read = { object ? dlsym(object, "plugin_read") : NULL };

    if (!read.symbol) {
        fprintf(stderr, "%s\n", dlerror());
        return false;
    }
    for (unsigned i = 0; i < 5; i++)
        if (read.call((uintptr_t)bad, &value) != -EFAULT || value != 0)
            return false;
    if (read.call((uintptr_t)&mine, &value) != 0 || value != 42)
        return false;
    return dlclose(object) == 0;
}

int main(int argc, char **argv)
{
    pthread_t threads[THREADS];
    bool fine = argc == 2;

    bad = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (bad == MAP_FAILED || ward_recover_install())
        return 2;
    for (unsigned i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, fault_on, NULL))
            return 2;
    for (unsigned i = 0; i < ROUNDS && fine; i++)
        fine = load_fault_unload(argv[1]);
    stop = true;
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    return fine && wrong == 0 ? 0 : 1;
}
