/* SPDX-License-Identifier: MIT */
/* host PLUGIN: a program in C that loads a plugin in C++. */
#include <dlfcn.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    void *plugin = argc > 1 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
    union {
        void *object;
        int (*function)(void);
    } found = { plugin ? dlsym(plugin, "plugin") : NULL };
    void *block = malloc(61);
    int ours = malloc_usable_size(block) == 61;

    free(block);
    if (!found.object || !ours) {
        fprintf(stderr, "%s\n", ours ? dlerror() : "this is another malloc");
        return 1;
    }
    return found.function() != 42 || dlclose(plugin) != 0;
}
