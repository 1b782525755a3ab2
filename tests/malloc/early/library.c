/* SPDX-License-Identifier: MIT */
/*
 * library: what another preload may do before the malloc is ready: it allocates in its constructor,
 * starts a thread and forks there, and its sigaction(), which the malloc calls at its start,
 * allocates. With WRAPS it stands in front of malloc and free as a tracer does.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { COUNT = 200 };

int early_check(void);
int sigaction(int number, const struct sigaction *action, struct sigaction *old);

static unsigned char *blocks[COUNT];
static void *of_thread, *of_sigaction;
static int child_status = -1;

#ifdef WRAPS
static unsigned long calls;

void *malloc(size_t size)
{
    static void *(*next)(size_t);

    if (!next) {
        void *found = dlsym(RTLD_NEXT, "malloc");

        memcpy(&next, &found, sizeof found);
    }
    calls++;
    return next(size);
}

void free(void *block)
{
    static void (*next)(void *);

    if (!next) {
        void *found = dlsym(RTLD_NEXT, "free");

        memcpy(&next, &found, sizeof found);
    }
    calls++;
    next(block);
}
#endif

int sigaction(int number, const struct sigaction *action, struct sigaction *old)
{
    static int (*next)(int, const struct sigaction *, struct sigaction *);

    if (!next) {
        void *found = dlsym(RTLD_NEXT, "sigaction");

        memcpy(&next, &found, sizeof found);
        of_sigaction = malloc(100);
    }
    return next(number, action, old);
}

static void *run(void *unused)
{
    (void)unused;
    free(blocks[0]);
    blocks[0] = NULL;
    return malloc(1000);
}

static void fork_here(void)
{
    pid_t pid = fork();

    if (pid == 0) {
        for (size_t i = 0; i < COUNT; i++)
            free(blocks[i]);
        _exit(0);
    }
    if (waitpid(pid, &child_status, 0) != pid)
        child_status = -1;
}

__attribute__((constructor)) static void begin(void)
{
    pthread_t thread;

    for (size_t i = 0; i < COUNT; i++) {
        blocks[i] = malloc(i * 10 + 1);
        memset(blocks[i], (int)i, i * 10 + 1);
    }
    if (pthread_create(&thread, NULL, run, NULL) == 0)
        pthread_join(thread, &of_thread);
    fork_here();
}

/* Is it all as it was left, and can it be freed? */
int early_check(void)
{
    for (size_t i = 1; i < COUNT; i++) {
        if (blocks[i][0] != (unsigned char)i || blocks[i][i * 10] != (unsigned char)i)
            return 0;
        free(blocks[i]);
        blocks[i] = NULL;
    }
    free(of_thread);
    free(of_sigaction);
#ifdef WRAPS
    if (calls < 2 * (COUNT - 1))
        return 0;
#endif
    return of_thread && child_status == 0;
}

__attribute__((destructor)) static void end(void)
{
    free(malloc(100));
}
