/* SPDX-License-Identifier: MIT */
/*
 * open_supervisor DIR... -- PROGRAM [ARG...], or --demo: lets a program open the files under some
 * directories, for reading, and no others.
 *
 * A seccomp filter stops each openat and sends it here, with the address of the path in the
 * program's memory. The program may have other threads, which may change the path at any time:
 * after it was checked, say, and before the system opens it. So the path is read once, from the
 * thread that waits (ward/notif.h); the copy decides, the supervisor opens the file itself, and the
 * system puts the descriptor in place as the answer. The call never goes on by itself, so there is
 * no second reading. Symbolic links that lead out of a directory are refused by openat2.
 *
 * This is about openat. The other calls that open a file fail in the filter, and only descriptors
 * are guarded: a program can still ask for names, run programs, use sockets.
 *
 * --demo makes a public and a secret file, and runs a program that opens a path again and again
 * while a thread of it rewrites the path from one to the other.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <ward/ward.h>

#if defined(__x86_64__)
#define OUR_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define OUR_ARCH AUDIT_ARCH_AARCH64
#else
#define OUR_ARCH AUDIT_ARCH_RISCV64
#endif

/* O_LARGEFILE as the system has it: glibc's is 0 where files are always large, and other libraries
 * pass the real one. */
#ifdef __aarch64__
#define SYSTEM_LARGEFILE 0400000
#else
#define SYSTEM_LARGEFILE 0100000
#endif

enum { DIRECTORIES_MAX = 16, SKIPPED = 77 };

/* --- the filter ------------------------------------------------------------------------------- */

#define LOAD(MEMBER)      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, MEMBER))
#define IF(VALUE)         BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (VALUE), 0, 1) /* else skip one */
#define ANSWER(WHAT)      BPF_STMT(BPF_RET | BPF_K, (WHAT))
#define FAIL_CALL(NUMBER) IF(NUMBER), ANSWER(SECCOMP_RET_ERRNO | ENOSYS)

/* From now on this thread and its children ask before they open. Returns the listener; it closes
 * on exec. */
static int install_filter(void)
{
    struct sock_filter program[] = {
        LOAD(arch),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OUR_ARCH, 1, 0),
        ANSWER(SECCOMP_RET_KILL_PROCESS), /* other numbers mean other calls */
        LOAD(nr),
#ifdef __x86_64__
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1),
        ANSWER(SECCOMP_RET_KILL_PROCESS), /* x32 */
        FAIL_CALL(SYS_open),
        FAIL_CALL(SYS_creat),
#endif
        FAIL_CALL(SYS_openat2),
        FAIL_CALL(SYS_open_by_handle_at),
        FAIL_CALL(SYS_io_uring_setup), /* which can open without a system call */
        IF(SYS_openat),
        ANSWER(SECCOMP_RET_USER_NOTIF),
        ANSWER(SECCOMP_RET_ALLOW),
    };
    struct sock_fprog filter = { sizeof program / sizeof program[0], program };

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        return -1;
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
                        &filter);
}

/* --- the policy ------------------------------------------------------------------------------- */

struct supervisor {
    struct {
        const char *path;
        int fd;
    } allowed[DIRECTORIES_MAX];
    unsigned directories;
    pid_t child; /* the first that is supervised */
    int pidfd;   /* of it; -1 once it has been waited for */
    int status;  /* and then how it ended */
    int listener;
    bool quiet;
    unsigned opened, failed;
};

static bool allow(struct supervisor *supervisor, const char *path)
{
    int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0 || path[0] != '/' || supervisor->directories == DIRECTORIES_MAX)
        return false;
    supervisor->allowed[supervisor->directories].path = path;
    supervisor->allowed[supervisor->directories++].fd = fd;
    return true;
}

/* What is behind "DIR/" in path; NULL: it is not in that directory. */
static const char *behind(const char *directory, const char *path)
{
    size_t length = strlen(directory);

    while (length > 0 && directory[length - 1] == '/')
        length--;
    if (strncmp(path, directory, length) != 0 || path[length] != '/')
        return NULL;
    path += length;
    path += strspn(path, "/");
    return *path ? path : ".";
}

/* Opens without waiting for the other end of a pipe, which would stop everybody; who asked for no
 * such thing gets a descriptor that waits. */
static int open_beneath(int directory, const char *path, uint64_t flags)
{
    struct open_how how = { .flags = flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
                            .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS };
    int fd = (int)syscall(SYS_openat2, directory, path, &how, sizeof how);

    if (fd >= 0 && (flags & O_NONBLOCK) == 0)
        (void)fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
    if (fd < 0)
        return errno == EXDEV ? -EACCES : -errno; /* a link leads out */
    return fd;
}

/* A descriptor, or a negative error number. Reading only, and by whole paths only. */
static int open_for(const struct supervisor *supervisor, const char *path, uint64_t flags)
{
    const uint64_t harmless =
        O_RDONLY | O_CLOEXEC | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | SYSTEM_LARGEFILE;

    if ((flags & ~harmless) != 0)
        return -EACCES;
    for (unsigned i = 0; i < supervisor->directories; i++) {
        const char *rest = behind(supervisor->allowed[i].path, path);

        if (rest)
            return open_beneath(supervisor->allowed[i].fd, rest, flags);
    }
    return -EACCES;
}

/* --- serving ---------------------------------------------------------------------------------- */

/* The path is the program's own, and does not reach the terminal as it is. */
static void report_refusal(const struct supervisor *supervisor, char *path)
{
    if (supervisor->quiet)
        return;
    for (char *at = path; *at; at++)
        if (*at < ' ' || *at > '~')
            *at = '?';
    fprintf(stderr, "open_supervisor: refused: %s\n", path);
}

/* One openat: read once, decided, done, answered. When the thread has gone meanwhile (-ESRCH),
 * nobody is left to be answered, and nothing was given away. */
static void serve(struct supervisor *supervisor, const struct seccomp_notif *request)
{
    struct ward_notif notif;
    char path[PATH_MAX];
    ptrdiff_t length;
    int fd, given;

    if (ward_notif_init(&notif, supervisor->listener, request))
        return;
    length =
        ward_space_read_str(&notif.process.space, request->data.args[1], path, sizeof path, NULL);
    fd = length < 0 ? (int)length : open_for(supervisor, path, (uint32_t)request->data.args[2]);
    if (fd >= 0) {
        given = ward_notif_answer_fd(&notif, fd, (request->data.args[2] & O_CLOEXEC) != 0);
        supervisor->opened += given >= 0;
        (void)close(fd);
        fd = given;
    }
    if (fd == -EACCES)
        report_refusal(supervisor, path);
    supervisor->failed += fd < 0 && ward_notif_answer(&notif, 0, -fd) == 0;
}

/* The first of those who ask has ended. Some systems count it among them until it was waited for.
 */
static void reap(struct supervisor *supervisor)
{
    if (supervisor->pidfd < 0)
        return;
    if (waitpid(supervisor->child, &supervisor->status, 0) != supervisor->child)
        supervisor->status = 1 << 8; /* as if it had exited with 1 */
    (void)close(supervisor->pidfd);
    supervisor->pidfd = -1;
}

/* The system may know more of a request than we do. */
static void serve_next(struct supervisor *supervisor)
{
    union {
        struct seccomp_notif request;
        char room[1024];
    } next;

    memset(&next, 0, sizeof next);
    if (ioctl(supervisor->listener, SECCOMP_IOCTL_NOTIF_RECV, &next) == 0)
        serve(supervisor, &next.request);
}

/* Until nobody is left who could ask. */
static void serve_all(struct supervisor *supervisor)
{
    for (;;) {
        struct pollfd waiting[2] = { { .fd = supervisor->listener, .events = POLLIN },
                                     { .fd = supervisor->pidfd, .events = POLLIN } };

        if (poll(waiting, 2, -1) < 0 && errno != EINTR)
            break;
        if (waiting[1].revents)
            reap(supervisor);
        if (waiting[0].revents & POLLIN)
            serve_next(supervisor);
        else if (waiting[0].revents)
            break;
    }
}

/* --- the program under supervision ------------------------------------------------------------ */

/* The supervisor fetches the listener from the child, which waits for that and closes its own: who
 * is supervised must not answer for itself. */
static void be_supervised(int to_parent, int from_parent)
{
    int listener = install_filter();
    char byte;

    if (write(to_parent, &listener, sizeof listener) != (ssize_t)sizeof listener ||
        read(from_parent, &byte, 1) != 1)
        _exit(126);
    (void)close(to_parent);
    (void)close(from_parent);
    (void)close(listener);
}

static int fetch_listener(const struct supervisor *supervisor, int from_child, int to_child)
{
    int theirs = -1, ours = -1;

    if (read(from_child, &theirs, sizeof theirs) == (ssize_t)sizeof theirs && theirs >= 0)
        ours = (int)syscall(SYS_pidfd_getfd, supervisor->pidfd, theirs, 0);
    if (ours >= 0 && write(to_child, "", 1) != 1)
        return -1;
    return ours;
}

static int ending(int status)
{
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Runs work in a child under supervision. Its exit status; SKIPPED: the system lacks something. */
static int supervise(struct supervisor *supervisor, int (*work)(void *), void *arg)
{
    int up[2], down[2];

    if (pipe2(up, O_CLOEXEC) || pipe2(down, O_CLOEXEC))
        return 1;
    supervisor->child = fork();
    if (supervisor->child < 0)
        return 1;
    if (supervisor->child == 0) {
        (void)close(up[0]);
        (void)close(down[1]); /* so that it is told when the supervisor gives up */
        be_supervised(up[1], down[0]);
        _exit(work(arg));
    }
    (void)close(up[1]);
    (void)close(down[0]);
    supervisor->pidfd = (int)syscall(SYS_pidfd_open, supervisor->child, 0);
    supervisor->listener = fetch_listener(supervisor, up[0], down[1]);
    (void)close(up[0]);
    (void)close(down[1]);
    if (supervisor->listener < 0) {
        puts("no seccomp notifications to be had, or no pidfd_getfd");
        return SKIPPED;
    }
    serve_all(supervisor);
    reap(supervisor);
    return ending(supervisor->status);
}

static int run_program(void *arg)
{
    char **argv = arg;

    execvp(argv[0], argv);
    perror(argv[0]);
    return 127;
}

/* --- the demonstration ------------------------------------------------------------------------ */

enum { ROUNDS = 2000 };

struct demo {
    char public_path[64], secret_path[64]; /* of the same length */
    char path[64];                         /* what is asked for, and rewritten */
    _Atomic bool over;
    unsigned public_count, secret_count, refused_count;
};

static void *rewrite(void *arg)
{
    struct demo *demo = arg;
    volatile char *path = demo->path;

    for (unsigned i = 0; !demo->over; i++) {
        const char *next = i % 2 ? demo->public_path : demo->secret_path;

        for (size_t at = 0; next[at]; at++)
            path[at] = next[at];
    }
    return NULL;
}

static void ask_once(struct demo *demo)
{
    long fd = syscall(SYS_openat, AT_FDCWD, demo->path, O_RDONLY | O_CLOEXEC);
    char text[16] = { 0 };

    if (fd < 0) {
        demo->refused_count++;
        return;
    }
    if (read((int)fd, text, sizeof text - 1) > 0 && strcmp(text, "public") == 0)
        demo->public_count++;
    else
        demo->secret_count++;
    (void)close((int)fd);
}

/* As many rounds as are wanted, and until both answers were seen. */
static int ask_for_both(void *arg)
{
    struct demo *demo = arg;
    pthread_t thread;

    if (pthread_create(&thread, NULL, rewrite, demo))
        return 1;
    for (unsigned i = 0; i < ROUNDS || demo->public_count == 0 || demo->refused_count == 0; i++)
        ask_once(demo);
    demo->over = true;
    pthread_join(thread, NULL);
    return 0;
}

static bool put_file(const char *directory, const char *path, const char *text)
{
    FILE *file = mkdir(directory, 0700) == 0 ? fopen(path, "w") : NULL;

    if (!file)
        return false;
    fputs(text, file);
    return fclose(file) == 0;
}

static int demonstrate(struct supervisor *supervisor)
{
    char top[] = "/tmp/open_supervisor_XXXXXX", open_dir[64], closed_dir[64];
    struct demo *demo =
        mmap(NULL, sizeof *demo, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int status = 1;

    if (demo == MAP_FAILED || !mkdtemp(top))
        return 1;
    (void)snprintf(open_dir, sizeof open_dir, "%s/public", top);
    (void)snprintf(closed_dir, sizeof closed_dir, "%s/secret", top);
    (void)snprintf(demo->public_path, sizeof demo->public_path, "%s/public/file", top);
    (void)snprintf(demo->secret_path, sizeof demo->secret_path, "%s/secret/file", top);
    memcpy(demo->path, demo->public_path, sizeof demo->path);
    supervisor->quiet = true;
    if (put_file(open_dir, demo->public_path, "public") &&
        put_file(closed_dir, demo->secret_path, "secret") && allow(supervisor, open_dir))
        status = supervise(supervisor, ask_for_both, demo);
    (void)unlink(demo->public_path);
    (void)unlink(demo->secret_path);
    (void)rmdir(open_dir);
    (void)rmdir(closed_dir);
    (void)rmdir(top);
    if (status)
        return status;
    printf("%u opens of a path that is rewritten: %u public, %u refused, %u secret\n",
           demo->public_count + demo->refused_count + demo->secret_count, demo->public_count,
           demo->refused_count, demo->secret_count);
    return demo->secret_count > 0;
}

/* --- the command line ------------------------------------------------------------------------- */

static int usage(const char *name)
{
    fprintf(stderr, "usage: %s DIR... -- PROGRAM [ARG...]\n       %s --demo\n", name, name);
    return 2;
}

int main(int argc, char **argv)
{
    static struct supervisor supervisor;
    int at = 1, status;

    if (argc == 2 && strcmp(argv[1], "--demo") == 0)
        return demonstrate(&supervisor);
    for (; at < argc && strcmp(argv[at], "--") != 0; at++)
        if (!allow(&supervisor, argv[at])) {
            fprintf(stderr, "%s: not the whole path of a directory: %s\n", argv[0], argv[at]);
            return 2;
        }
    if (at + 1 >= argc)
        return usage(argv[0]);
    status = supervise(&supervisor, run_program, argv + at + 1);
    fprintf(stderr, "open_supervisor: %u opened, %u not\n", supervisor.opened, supervisor.failed);
    return status;
}
