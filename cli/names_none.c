/* SPDX-License-Identifier: MIT */
/* A build without libdw. */
#include <stddef.h>

#include "names.h"

struct names *names_open(void)
{
    return NULL;
}

bool names_find(struct names *names, const char *path, const char *id, uint64_t address,
                struct name *name)
{
    (void)names;
    (void)path;
    (void)id;
    (void)address;
    *name = (struct name){ NULL, NULL, 0 };
    return false;
}

const char *names_lack(struct names *names, const char *path, const char *id)
{
    (void)names;
    (void)path;
    (void)id;
    return NULL;
}

void names_close(struct names *names)
{
    (void)names;
}
