/* SPDX-License-Identifier: MIT */
/*
 * Files: the console, pipes, programs of the archive, and the directory of these. Bytes go through
 * a small buffer, so that no lock is held while user memory is accessed.
 */
#include "host.h"
#include "kernel.h"

enum { PIPE_BYTES = 1024, CHUNK = 256, RANGES = 16 };

enum type { CONSOLE, READ_END, WRITE_END, PROGRAM, DIRECTORY };

struct pipe {
    struct lock lock;
    unsigned readers, writers;
    uint64_t read, written; /* written - read <= PIPE_BYTES */
    char bytes[PIPE_BYTES];
};

struct file {
    enum type type;
    uint32_t uses; /* atomic */
    struct pipe *pipe;
    size_t program;
    uint64_t offset; /* atomic: in bytes of the program, or entries of the directory */
};

WARD_STATIC_ASSERT(sizeof(struct file) <= 64 && sizeof(struct pipe) <= 2048, "heap.c knows these");

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static void close_end(struct pipe *pipe, enum type type)
{
    bool last;

    lock_take(&pipe->lock);
    if (type == READ_END)
        pipe->readers--;
    else
        pipe->writers--;
    last = pipe->readers + pipe->writers == 0;
    (void)sched_wake(pipe, 0, UINT32_MAX);
    lock_drop(&pipe->lock);
    if (last)
        heap_free(PIPES, pipe);
}

/* NULL: no memory, and that end of the pipe is closed. */
static struct file *make(enum type type, struct pipe *pipe, size_t program)
{
    struct file *file = heap_alloc(FILE_BLOCKS);

    if (file)
        *file = (struct file){ type, 1, pipe, program, 0 };
    else if (pipe)
        close_end(pipe, type);
    return file;
}

void file_drop(struct file *file)
{
    if (!file || __atomic_sub_fetch(&file->uses, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    if (file->pipe)
        close_end(file->pipe, file->type);
    heap_free(FILE_BLOCKS, file);
}

/* --- Their numbers ---------------------------------------------------------------------------- */

static struct file *use(struct file *file)
{
    if (file)
        __atomic_fetch_add(&file->uses, 1, __ATOMIC_RELAXED);
    return file;
}

struct file *file_get(struct process *process, uint64_t fd)
{
    struct file *file;

    if (fd >= FILES)
        return NULL;
    lock_take(&process->lock);
    file = use(process->files[fd]);
    lock_drop(&process->lock);
    return file;
}

void file_copy_all(struct process *to, struct process *from)
{
    for (unsigned i = 0; i < FILES; i++)
        to->files[i] = file_get(from, i);
}

/* The next free number from fd on; FILES: none. With the process's lock held. */
static int32_t next_free(const struct process *process, int32_t fd)
{
    while (fd < FILES && process->files[fd])
        fd++;
    return fd;
}

/* The number of a file, which becomes the process's; -EMFILE, and it is dropped. */
static int32_t put(struct process *process, struct file *file)
{
    int32_t fd;

    if (!file)
        return -ENOMEM;
    lock_take(&process->lock);
    fd = next_free(process, 0);
    if (fd < FILES)
        process->files[fd] = file;
    lock_drop(&process->lock);
    if (fd < FILES)
        return fd;
    file_drop(file);
    return -EMFILE;
}

int64_t call_close(const struct call *call)
{
    uint64_t fd = call->args[0];
    struct file *file;

    if (fd >= FILES)
        return -EBADF;
    lock_take(&call->process->lock);
    file = call->process->files[fd];
    call->process->files[fd] = NULL;
    lock_drop(&call->process->lock);
    file_drop(file);
    return file ? 0 : -EBADF;
}

int64_t call_dup(const struct call *call)
{
    return put(call->process, use(call->file));
}

/* --- Open ------------------------------------------------------------------------------------- */

static bool is_same(const char *a, const char *b)
{
    size_t n = __builtin_strlen(a);

    return n == __builtin_strlen(b) && memcmp(a, b, n) == 0;
}

int64_t archive_find(const char *name)
{
    for (size_t i = 0; i < archive_count; i++)
        if (is_same(archive[i].name, name))
            return (int64_t)i;
    return -ENOENT;
}

int64_t call_open(const struct call *call)
{
    char path[PATH_BYTES];
    int64_t found = call_path(call->args[0], path);
    enum type type;

    if (found < 0)
        return found;
    type = is_same(path, "console") ? CONSOLE : is_same(path, ".") ? DIRECTORY : PROGRAM;
    found = type == PROGRAM ? archive_find(path) : 0;
    return found < 0 ? found : put(call->process, make(type, NULL, (size_t)found));
}

/* Both ends get numbers when the user has them, and not before: another thread could close them. */
static int put_ends(struct process *process, struct file *const ends[2], uint64_t to)
{
    int error = -EAGAIN;

    call_lock(&process->lock);
    while (error == -EAGAIN) {
        int32_t first = next_free(process, 0), fds[] = { first, next_free(process, first + 1) };
        struct ward_fault why = { .addr = to };

        error = fds[1] >= FILES
                    ? -EMFILE
                    : ward_i32_write_array(WARD_HERE, ward_i32_out_at(to), fds, 2, &why);
        for (unsigned i = 0; i < 2 && !error; i++)
            process->files[fds[i]] = ends[i];
        error = call_retry(error, why.addr, WARD_WRITE, &process->lock);
    }
    call_unlock(&process->lock);
    return error;
}

int64_t call_pipe(const struct call *call)
{
    struct pipe *pipe = heap_alloc(PIPES);
    struct file *ends[2];
    int error = -ENOMEM;

    if (!pipe)
        return -ENOMEM;
    pipe->readers = pipe->writers = 1;
    ends[0] = make(READ_END, pipe, 0);
    ends[1] = make(WRITE_END, pipe, 0);
    if (ends[0] && ends[1])
        error = put_ends(call->process, ends, call->args[0]);
    for (unsigned i = 0; i < 2 && error; i++)
        file_drop(ends[i]);
    return error;
}

/* --- Reading ---------------------------------------------------------------------------------- */

static int64_t read_pipe(struct pipe *pipe, uint64_t to, size_t n)
{
    int64_t result = -EAGAIN;

    call_lock(&pipe->lock);
    while (result == -EAGAIN) {
        size_t at = pipe->read % PIPE_BYTES;
        size_t size = smaller(smaller(n, PIPE_BYTES - at), pipe->written - pipe->read);
        struct ward_fault why;
        int error = ward_space_write(WARD_HERE, to, pipe->bytes + at, size, &why);
        size_t done = error ? why.done : size;

        pipe->read += done;
        if (done > 0)
            result = (int64_t)done;
        else if (size > 0)
            result = call_retry(error, to, WARD_WRITE, &pipe->lock);
        else if (pipe->writers == 0)
            result = 0;
        else if (!sched_sleep(pipe, 0, &pipe->lock))
            result = -EINTR;
    }
    (void)sched_wake(pipe, 0, UINT32_MAX);
    call_unlock(&pipe->lock);
    return result;
}

/* What was read is taken when the user has it, if it is still next; if another thread took it
 * meanwhile, what follows is read. */
static bool take(struct file *file, uint64_t *at, uint64_t n)
{
    return __atomic_compare_exchange_n(&file->offset, at, *at + n, false, __ATOMIC_RELAXED,
                                       __ATOMIC_RELAXED);
}

static int64_t read_program(struct file *file, uint64_t to, size_t n)
{
    uint64_t at = __atomic_load_n(&file->offset, __ATOMIC_RELAXED);
    struct ward_fault why;
    size_t done;
    int error;

    do {
        done = smaller(n, archive[file->program].bytes - at);
        error = ward_space_write(WARD_HERE, to, archive_bytes[file->program] + at, done, &why);
        done = error ? why.done : done;
    } while (!take(file, &at, done));
    return done == 0 ? error : (int64_t)done;
}

WARD_USER_DEFINE(udirent, struct dirent, WARD_FIELDS(struct dirent, bytes, name));

int64_t call_getdents(const struct call *call)
{
    udirent_out to = udirent_out_at(call->args[1]);
    uint64_t at = __atomic_load_n(&call->file->offset, __ATOMIC_RELAXED);
    struct ward_fault why;
    size_t done;
    int error;

    if (call->file->type != DIRECTORY)
        return -EBADF;
    do {
        done = smaller(call->args[2], archive_count - at);
        error = udirent_write_array(WARD_HERE, to, &archive[at], done, &why);
        done = error ? why.done / sizeof(struct dirent) : done;
    } while (!take(call->file, &at, done));
    return done == 0 ? error : (int64_t)done;
}

/* Lengths of bytes: those that no object has are a mistake, and none may reach beyond the user
 * half. */
static int check_range(uint64_t at, uint64_t n)
{
    if ((int64_t)n < 0)
        return -EINVAL;
    return n > USER_END || at > USER_END - n ? -EFAULT : 0;
}

int64_t call_read(const struct call *call)
{
    uint64_t to = call->args[1], n = call->args[2];
    int error = check_range(to, n);

    if (error || n == 0)
        return error;
    switch (call->file->type) {
    case CONSOLE: return 0;
    case READ_END: return read_pipe(call->file->pipe, to, n);
    case PROGRAM: return read_program(call->file, to, n);
    default: return -EBADF;
    }
}

/* --- Writing ---------------------------------------------------------------------------------- */

/* As many as there is room for, of which there is some when it returns. */
static int64_t write_pipe(struct pipe *pipe, const char *bytes, size_t n)
{
    int64_t error = 0;
    size_t done = 0;

    lock_take(&pipe->lock);
    while (!error && pipe->readers > 0 && pipe->written - pipe->read == PIPE_BYTES)
        error = sched_sleep(pipe, 0, &pipe->lock) ? 0 : -EINTR;
    if (pipe->readers == 0)
        error = -EPIPE;
    for (; !error && done < n && pipe->written - pipe->read < PIPE_BYTES; done++)
        pipe->bytes[pipe->written++ % PIPE_BYTES] = bytes[done];
    (void)sched_wake(pipe, 0, UINT32_MAX);
    lock_drop(&pipe->lock);
    return error ? error : (int64_t)done;
}

static int64_t write_bytes(struct file *file, const char *bytes, size_t n)
{
    if (file->type == WRITE_END)
        return write_pipe(file->pipe, bytes, n);
    print_bytes(bytes, n);
    return (int64_t)n;
}

/* Who is killed writes what it has begun, and no more. */
static int64_t write_list(struct file *file, const struct ward_iov_list *list)
{
    char bytes[CHUNK];
    size_t done = 0;
    int64_t result = 0;

    if (file->type != CONSOLE && file->type != WRITE_END)
        return -EBADF;
    while (done < list->total && result >= 0) {
        struct ward_fault why;
        ptrdiff_t got = ward_iov_read(WARD_HERE, list, done, bytes, CHUNK, &why);
        size_t n = got < 0 ? why.done : (size_t)got;

        result = n > 0 ? write_bytes(file, bytes, n) : 0;
        if (result > 0) {
            done += (size_t)result;
            __atomic_fetch_add(&events.written, (uint64_t)result, __ATOMIC_RELAXED);
        }
        if (result >= 0 && (got < 0 || is_killed()))
            result = got < 0 ? got : -EINTR;
    }
    return done > 0 ? (int64_t)done : result;
}

int64_t call_write(const struct call *call)
{
    const struct ward_iov range = { call->args[1], call->args[2] };
    const struct ward_iov_list list = { &range, 1, range.len };
    int error = check_range(range.addr, range.len);

    return error ? error : write_list(call->file, &list);
}

int64_t call_writev(const struct call *call)
{
    struct ward_iov ranges[RANGES];
    struct ward_iov_list list;
    int error = ward_iovec_import(WARD_HERE, ward_iovec_in_at(call->args[1]), call->args[2], ranges,
                                  RANGES, WARD_READ, &list, NULL);

    return error ? error : write_list(call->file, &list);
}
