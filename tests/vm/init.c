/* SPDX-License-Identifier: MIT */
/*
 * The first process of the machine that tests/vm/run boots: runs the programs of /list, says how
 * each ended, and switches off. A line of /list is a program's path.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/wait.h>
#include <unistd.h>

/* As a shell says it: the exit status, or 128 and the signal. */
static int status_of(const char *program)
{
    int status = 0;
    pid_t child = fork();

    if (child == 0) {
        execl(program, program, (char *)NULL);
        perror(program);
        _exit(127);
    }
    if (child < 0 || waitpid(child, &status, 0) != child)
        return 126;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void run_list(FILE *list)
{
    char program[256];

    while (fgets(program, sizeof program, list)) {
        program[strcspn(program, "\n")] = '\0';
        printf("\n@begin %s\n", program);
        fflush(stdout);
        printf("\n@end %s %d\n", program, status_of(program));
        fflush(stdout);
    }
}

int main(void)
{
    FILE *list = fopen("/list", "re");

    dup2(STDOUT_FILENO, STDERR_FILENO);
    if (mount("proc", "/proc", "proc", 0, NULL) || mount("sys", "/sys", "sysfs", 0, NULL) ||
        mount("tmp", "/tmp", "tmpfs", 0, NULL))
        perror("mount");
    if (list)
        run_list(list);
    printf("\n@off\n");
    fflush(stdout);
    sync();
    return reboot(RB_POWER_OFF);
}
