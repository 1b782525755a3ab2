/* SPDX-License-Identifier: MIT */
/*
 * truncated_file FILE, or --demo: counts the lines of a file through a mapping.
 *
 * A mapping is a fast way to read a file, and a trap: when another process makes the file shorter,
 * the pages behind its new end are gone, and whoever touches them dies of SIGBUS. Who reads through
 * a space gets the bytes that are there, their exact number, and -EFAULT of the kind
 * WARD_FAULT_BUS.
 *
 * --demo makes a file of its own, has a child shorten it while it is read, and compares each byte.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <ward/ward.h>

enum { CHUNK_BYTES = 65536 };

struct file {
    int fd;
    void *mapping;
    uint64_t size; /* when it was mapped */
};

/* Looks at n bytes that were at `offset` in the file. */
typedef void use_bytes(void *arg, uint64_t offset, const unsigned char *bytes, size_t n);

/* --- reading what may vanish ------------------------------------------------------------------ */

static int file_open(struct file *file, const char *path)
{
    struct stat now;

    file->mapping = MAP_FAILED;
    file->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (file->fd < 0 || fstat(file->fd, &now))
        return -errno;
    file->size = (uint64_t)now.st_size;
    if (file->size == 0) /* cannot be mapped, and need not */
        return 0;
    file->mapping = mmap(NULL, file->size, PROT_READ, MAP_SHARED, file->fd, 0);
    return file->mapping == MAP_FAILED ? -errno : 0;
}

static void file_close(struct file *file)
{
    if (file->mapping != MAP_FAILED)
        (void)munmap(file->mapping, file->size);
    if (file->fd >= 0)
        (void)close(file->fd);
}

/* How many of the n bytes at `offset` are the file's. The page in which a file ends goes on with
 * zeroes: they are memory, and can be read, but they are no part of the file. */
static size_t still_in_file(const struct file *file, uint64_t offset, size_t n)
{
    struct stat now;

    if (fstat(file->fd, &now) || (uint64_t)now.st_size <= offset)
        return 0;
    return (uint64_t)now.st_size - offset < n ? (size_t)((uint64_t)now.st_size - offset) : n;
}

/* Uses every byte that is there, in order. 0, or -EFAULT and why: there were fewer than at first.
 * why->done is then the number of bytes used in all. */
static int file_each(const struct file *file, use_bytes *use, void *arg, struct ward_fault *why)
{
    static unsigned char chunk[CHUNK_BYTES];
    uint64_t address = (uintptr_t)file->mapping;
    uint64_t offset = 0;
    int error = 0;

    while (!error && offset < file->size) {
        size_t wanted = file->size - offset < sizeof chunk ? file->size - offset : sizeof chunk;
        size_t got;

        error = ward_space_read(ward_space_self(), address + offset, chunk, wanted, why);
        got = still_in_file(file, offset, error ? why->done : wanted);
        use(arg, offset, chunk, got);
        offset += got;
        if (!error && got < wanted) { /* the end has moved within the last page */
            error = -EFAULT;
            *why = (struct ward_fault){ address + offset, 0, WARD_READ, WARD_FAULT_BUS };
        }
    }
    if (error)
        why->done = offset;
    return error;
}

/* --- counting lines --------------------------------------------------------------------------- */

static void count_lines(void *arg, uint64_t offset, const unsigned char *bytes, size_t n)
{
    uint64_t *lines = arg;

    (void)offset;
    for (size_t i = 0; i < n; i++)
        *lines += bytes[i] == '\n';
}

static int count(const char *path)
{
    struct file file;
    struct ward_fault why;
    uint64_t lines = 0;
    int error = file_open(&file, path);

    if (error) {
        fprintf(stderr, "%s: %s\n", path, strerror(-error));
    } else {
        error = file_each(&file, count_lines, &lines, &why);
        printf("%s: %llu lines", path, (unsigned long long)lines);
        if (error)
            printf(" in the %zu of %llu bytes that are left: %s", why.done,
                   (unsigned long long)file.size, ward_fault_name(why.kind));
        putchar('\n');
    }
    file_close(&file);
    return error ? 1 : 0;
}

/* --- the demonstration ------------------------------------------------------------------------ */

enum { LINE_BYTES = 16, DEMO_LINES = 65536, DEMO_BYTES = LINE_BYTES * DEMO_LINES, CUTS = 30 };

struct demo {
    char path[64];
    int fd;
    pid_t self, child;
    int to_child, from_child; /* each byte asks the child for a cut; it answers with one */
    bool asked;
    uint64_t wrong; /* bytes that are neither what was written nor 0 */
};

static void demand(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "truncated_file: not so: %s\n", what);
    exit(1);
}

/* Line n is n in 15 digits: any byte can be told from its place. */
static char text[DEMO_BYTES + 1];

static void make_text(void)
{
    for (unsigned n = 0; n < DEMO_LINES; n++)
        (void)snprintf(text + (size_t)n * LINE_BYTES, LINE_BYTES + 1, "%015u\n", n);
}

static void write_all(int fd)
{
    demand(pwrite(fd, text, DEMO_BYTES, 0) == DEMO_BYTES, "the file can be written");
}

/* 0 is what a file holds while it is long again and not yet written. */
static void compare(void *arg, uint64_t offset, const unsigned char *bytes, size_t n)
{
    struct demo *demo = arg;

    for (size_t i = 0; i < n; i++)
        demo->wrong += bytes[i] != 0 && bytes[i] != (unsigned char)text[offset + i];
}

/* Has the child cut the file once, when the first chunk was read, and waits for it. */
static void compare_and_ask(void *arg, uint64_t offset, const unsigned char *bytes, size_t n)
{
    struct demo *demo = arg;
    char byte = 0;

    compare(arg, offset, bytes, n);
    if (demo->asked)
        return;
    demo->asked = true;
    demand(write(demo->to_child, &byte, 1) == 1 && read(demo->from_child, &byte, 1) == 1,
           "the child answers");
}

/* The other process: cuts where it is told, then anywhere, as long as the parent lives. */
static void cut(const struct demo *demo, int from_parent, int to_parent)
{
    unsigned random = 1;
    char byte;

    demand(read(from_parent, &byte, 1) == 1, "the parent asks");
    demand(ftruncate(demo->fd, 300000) == 0 && write(to_parent, &byte, 1) == 1,
           "the file can be cut");
    demand(read(from_parent, &byte, 1) == 1, "the parent asks again");
    while (getppid() == demo->self) {
        random = random * 1103515245 + 12345;
        write_all(demo->fd);
        demand(ftruncate(demo->fd, random % DEMO_BYTES) == 0, "the file can be cut");
    }
    exit(0);
}

static void start(struct demo *demo)
{
    int down[2], up[2];

    (void)strcpy(demo->path, "/tmp/truncated_file.XXXXXX");
    demo->fd = mkstemp(demo->path);
    demand(demo->fd >= 0 && pipe(down) == 0 && pipe(up) == 0, "there is a place for a file");
    make_text();
    write_all(demo->fd);
    demo->self = getpid();
    demo->child = fork();
    demand(demo->child >= 0, "there is room for a process");
    if (demo->child == 0)
        cut(demo, down[0], up[1]);
    demo->to_child = down[1];
    demo->from_child = up[0];
}

static void one_cut(struct demo *demo)
{
    struct file file;
    struct ward_fault why;

    demand(file_open(&file, demo->path) == 0, "the file can be mapped");
    demand(file_each(&file, compare_and_ask, demo, &why) == -EFAULT, "a cut file is -EFAULT");
    printf("cut to 300000 while it was read: %zu of %llu bytes, then: %s; %llu wrong\n", why.done,
           (unsigned long long)file.size, ward_fault_name(why.kind),
           (unsigned long long)demo->wrong);
    file_close(&file);
}

static void many_cuts(struct demo *demo)
{
    unsigned cuts = 0;
    struct file file;
    struct ward_fault why;

    demand(write(demo->to_child, "", 1) == 1, "the child listens");
    while (cuts < CUTS) {
        demand(file_open(&file, demo->path) == 0, "the file can be mapped");
        if (file_each(&file, compare, demo, &why)) {
            demand(why.kind == WARD_FAULT_BUS, "there is nothing behind the mapping");
            cuts++;
        }
        file_close(&file);
    }
    printf("cut anywhere at any time, %u times: %llu wrong\n", cuts,
           (unsigned long long)demo->wrong);
}

static int show(void)
{
    struct demo demo = { .fd = -1 };

    start(&demo);
    one_cut(&demo);
    many_cuts(&demo);
    (void)kill(demo.child, SIGKILL);
    (void)waitpid(demo.child, NULL, 0);
    (void)unlink(demo.path);
    return demo.wrong ? 1 : 0;
}

int main(int argc, char **argv)
{
    int error;

    if (argc != 2) {
        fprintf(stderr, "usage: %s FILE | --demo\n", argv[0]);
        return 2;
    }
    error = ward_recover_install();
    if (error) {
        fprintf(stderr, "%s: no handler: %s\n", argv[0], strerror(-error));
        return 1;
    }
    return strcmp(argv[1], "--demo") == 0 ? show() : count(argv[1]);
}
