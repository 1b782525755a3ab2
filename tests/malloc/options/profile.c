/* SPDX-License-Identifier: MIT */
/* profile: writes one byte too many, which only the profile `fast` does not see. */
#include <stdlib.h>

#ifdef OWN_OPTIONS
const char *ward_options;
const char *ward_options = OWN_OPTIONS;
#endif

int main(void)
{
    volatile size_t past = 60; /* which the compiler cannot know */
    char *block = malloc(60);

    block[past] ^= 1;
    free(block);
    return 0;
}
