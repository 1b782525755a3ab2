/* SPDX-License-Identifier: MIT */
/*
 * heap_user: a program that allocates on command, for the tests of `ward stat`. Each byte of its
 * input is a command, answered by a byte; it allocates nothing else meanwhile.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { COUNT = 1000, FREED = 400, BIG = 3, OF_THREAD = 300 };

static void *blocks[COUNT];
static void *volatile kept[BIG + OF_THREAD];
static int to_main[2], times;

static void *allocate_and_stay(void *arg)
{
    for (int i = 0; i < OF_THREAD; i++)
        kept[BIG + i] = malloc(100);
    if (write(to_main[1], "x", 1) == 1)
        pause();
    return arg;
}

static void start_thread(void)
{
    pthread_t thread;
    char byte;

    if (pipe(to_main) || pthread_create(&thread, NULL, allocate_and_stay, NULL) ||
        read(to_main[0], &byte, 1) != 1)
        abort();
}

static void handle(int sig)
{
    _exit(sig);
}

/* Allocates and frees for ever, beside the thread that answers. */
static void *stress(void *arg)
{
    unsigned seed = (unsigned)(uintptr_t)arg;
    void *some[64] = { NULL };

    for (;;) {
        seed = seed * 1664525 + 1013904223;
        free(some[seed >> 26]);
        some[seed >> 26] = malloc((seed >> 8) % 3000 + (seed % 1000 == 0 ? 1 << 20 : 0));
    }
    return NULL;
}

static void start_stress(void)
{
    pthread_t thread;

    for (uintptr_t i = 1; i <= 2; i++)
        if (pthread_create(&thread, NULL, stress, (void *)i))
            abort();
}

/* All of them but those of the test are of this file now. */
static void take_descriptors(const char *path)
{
    int file = open(path, O_WRONLY);

    for (int fd = 3; fd < 1024; fd++)
        if (file < 0 || dup2(file, fd) != fd)
            abort();
}

/* The child goes on in the place of its parent. */
static void become_child(void)
{
    pid_t child = fork();

    if (child > 0)
        _exit(0);
    if (child < 0)
        abort();
}

static void obey(char command, char **argv)
{
    if (command == 'a')
        for (int i = 0; i < COUNT; i++)
            blocks[i] = malloc(100);
    if (command == 'f')
        for (int i = 0; i < FREED; i++)
            free(blocks[i]);
    if (command == 'b')
        for (int i = 0; i < BIG; i++)
            kept[i] = malloc(1 << 20);
    if (command == 't')
        start_thread();
    if (command == 'c')
        for (int fd = 3; fd < 4096; fd++)
            close(fd);
    if (command == 'o')
        take_descriptors(argv[1]);
    if (command == 'k')
        become_child();
    if (command == 'e')
        execv(argv[0], argv);
    if (command == 'h')
        signal(SIGSEGV, handle);
    if (command == 'd')
        signal(SIGSEGV, SIG_DFL);
    if (command == 'm')
        kept[0] = malloc((size_t)++times << 20);
    if (command == 's')
        start_stress();
    if (command == 'q')
        exit(3);
}

int main(int argc, char **argv)
{
    char command = 'r', pid[16];

    (void)argc;
    free(malloc(1)); /* the malloc begins with the first block */
    for (;;) {
        long number;
        int n = 0;

        obey(command, argv);
        for (number = getpid(); number; number /= 10)
            pid[n++] = (char)('0' + number % 10);
        pid[n++] = '\n';
        if (write(1, pid, (size_t)n) != n || read(0, &command, 1) != 1)
            return 0;
    }
}
