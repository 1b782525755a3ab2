/* SPDX-License-Identifier: MIT */
/*
 * The first process of the machine that tests/vm/run boots: does what the lines of /list say,
 * tells how each program ended, and switches off. A line is
 *
 *     NAME PROGRAM             runs it under that name
 *     = vm/max_map_count 100   writes a setting of the kernel
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

/* A setting that cannot be written would be a test of something else: it ends all. */
static void set(const char *name, const char *value)
{
    char path[256];
    FILE *file;

    snprintf(path, sizeof path, "/proc/sys/%s", name);
    file = fopen(path, "we");
    if (!file || fputs(value, file) < 0 || fclose(file)) {
        perror(path);
        reboot(RB_POWER_OFF);
    }
}

static void run(const char *name, const char *program)
{
    printf("\n@begin %s\n", name);
    fflush(stdout);
    printf("\n@end %s %d\n", name, status_of(program));
    fflush(stdout);
}

static void run_list(FILE *list)
{
    char line[256], first[128], second[128];

    while (fgets(line, sizeof line, list)) {
        if (sscanf(line, "= %127s %127s", first, second) == 2)
            set(first, second);
        else if (sscanf(line, "%127s %127s", first, second) == 2)
            run(first, second);
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
