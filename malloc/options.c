/* SPDX-License-Identifier: MIT */
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/auxv.h>

#include "options.h"
#include "root.h"

extern char **environ;

static const struct profile {
    const char *name;
    unsigned policy;
} profiles[] = {
    { "fast", POLICY_FAST },
    { "balanced", POLICY_BALANCED },
};

static const char *from_environment(void)
{
    static const char name[] = "WARD_OPTIONS=";

    if (getauxval(AT_SECURE))
        return NULL;
    for (char **at = environ; at && *at; at++)
        if (strncmp(*at, name, sizeof name - 1) == 0)
            return *at + sizeof name - 1;
    return NULL;
}

static unsigned policy_of(const char *name)
{
    for (size_t i = 0; i < sizeof profiles / sizeof *profiles; i++)
        if (strcmp(name, profiles[i].name) == 0)
            return profiles[i].policy;
    return POLICY_BALANCED;
}

unsigned ward_options_policy_(void)
{
    const char *options = from_environment();

    return options && strncmp(options, "profile=", 8) == 0 ? policy_of(options + 8)
                                                           : (unsigned)POLICY_BALANCED;
}
