/* dies: forked; report: "did not survive fork" */
/* SPDX-License-Identifier: MIT */
/* A child goes on allocating from an arena in locked memory, which the fork wiped for it: it would
 * take zeroes, or on secret memory whatever lies there now, for its secrets. */
#include "attack.h"

#include <sys/wait.h>

int main(void)
{
    struct ward_locked locked;
    struct ward_bump bump;
    struct ward_layout layout = { 32, 8 };
    int status;
    pid_t child;

    if (ward_locked_init(&locked, 4096) || ward_bump_init(&bump, &locked.region) ||
        !ward_bump_alloc(&bump, layout))
        return 1;
    child = fork();
    if (child == 0)
        return ward_bump_alloc(&bump, layout) ? 1 : 2;
    if (child < 0 || waitpid(child, &status, 0) != child)
        return 1;
    if (WIFSIGNALED(status))
        raise(WTERMSIG(status));
    return WEXITSTATUS(status);
}
