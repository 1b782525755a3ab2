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
    bool reading; /* somebody copies out of it */
    unsigned readers, writers;
    uint64_t read, written; /* written - read <= PIPE_BYTES */
    char bytes[PIPE_BYTES];
};

struct file {
    enum type type;
    uint32_t uses; /* atomic */
    struct pipe *pipe;
    const struct program *program;
    uint64_t offset; /* atomic: in bytes of the program, or entries of the directory */
};

WARD_STATIC_ASSERT(sizeof(struct file) <= 64 && sizeof(struct pipe) <= 2048, "heap.c knows these");

uint64_t bytes_written;

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
static struct file *make(enum type type, struct pipe *pipe, const struct program *program)
{
    struct file *file = heap_alloc(FILE_BLOCKS);

    if (file)
        *file = (struct file){ type, 1, pipe, program, 0 };
    else if (pipe)
        close_end(pipe, type);
    return file;
}

struct file *file_console(void)
{
    return make(CONSOLE, NULL, NULL);
}

void file_drop(struct file *file)
{
    if (!file || __atomic_sub_fetch(&file->uses, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    if (file->pipe)
        close_end(file->pipe, file->type);
    heap_free(FILE_BLOCKS, file);
}

/* --- Their numbers
 * ------------------------------------------------------------------------------------ */

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

/* The number of a file, which becomes the process's; -EMFILE, and it is dropped. */
static int32_t put(struct process *process, struct file *file)
{
    int32_t fd = 0;

    if (!file)
        return -ENOMEM;
    lock_take(&process->lock);
    while (fd < FILES && process->files[fd])
        fd++;
    if (fd < FILES)
        process->files[fd] = file;
    lock_drop(&process->lock);
    if (fd < FILES)
        return fd;
    file_drop(file);
    return -EMFILE;
}

static int close_number(struct process *process, uint64_t fd)
{
    struct file *file;

    if (fd >= FILES)
        return -EBADF;
    lock_take(&process->lock);
    file = process->files[fd];
    process->files[fd] = NULL;
    lock_drop(&process->lock);
    file_drop(file);
    return file ? 0 : -EBADF;
}

int64_t call_close(const struct call *call)
{
    return close_number(call->process, call->args[0]);
}

int64_t call_dup(const struct call *call)
{
    return put(call->process, use(call->file));
}

/* --- Open
 * --------------------------------------------------------------------------------------------- */

static bool is_same(const char *a, const char *b)
{
    size_t n = __builtin_strlen(a);

    return n == __builtin_strlen(b) && memcmp(a, b, n) == 0;
}

const struct program *archive_find(const char *name)
{
    for (size_t i = 0; i < archive_count; i++)
        if (is_same(archive[i].name, name))
            return &archive[i];
    return NULL;
}

int64_t call_open(const struct call *call)
{
    char path[PATH_BYTES];
    const struct program *program;
    int64_t error = call_path(call->args[0], path);

    if (error < 0)
        return error;
    program = archive_find(path);
    if (program)
        return put(call->process, make(PROGRAM, NULL, program));
    if (is_same(path, "."))
        return put(call->process, make(DIRECTORY, NULL, NULL));
    return is_same(path, "console") ? put(call->process, file_console()) : -ENOENT;
}

int64_t call_pipe(const struct call *call)
{
    struct pipe *pipe = heap_alloc(PIPES);
    int32_t fds[2];
    int error;

    if (!pipe)
        return -ENOMEM;
    pipe->readers = pipe->writers = 1;
    fds[0] = put(call->process, make(READ_END, pipe, NULL));
    fds[1] = put(call->process, make(WRITE_END, pipe, NULL));
    error = fds[0] < 0 ? fds[0]
            : fds[1] < 0
                ? fds[1]
                : ward_i32_write_array(WARD_HERE, ward_i32_out_at(call->args[0]), fds, 2, NULL);
    for (unsigned i = 0; i < 2 && error; i++)
        (void)close_number(call->process, (uint64_t)fds[i]);
    return error;
}

/* --- Reading
 * ------------------------------------------------------------------------------------------ */

/* The bytes leave the pipe when the user has them: where they cannot be written, none are lost. */
static int64_t copy_from_pipe(struct pipe *pipe, uint64_t to, size_t n)
{
    char bytes[CHUNK];
    size_t at = pipe->read % PIPE_BYTES, size;
    struct ward_fault why;
    int error;

    size = smaller(smaller(n, CHUNK), (size_t)(pipe->written - pipe->read));
    size = smaller(size, PIPE_BYTES - at);
    memcpy(bytes, pipe->bytes + at, size);
    pipe->reading = true;
    lock_drop(&pipe->lock);
    error = ward_space_write(WARD_HERE, to, bytes, size, &why);
    size = error ? why.done : size;
    lock_take(&pipe->lock);
    pipe->reading = false;
    pipe->read += size;
    (void)sched_wake(pipe, 0, UINT32_MAX);
    return size == 0 ? error : (int64_t)size;
}

static int64_t read_pipe(struct pipe *pipe, uint64_t to, size_t n)
{
    int64_t result = 0;

    lock_take(&pipe->lock);
    while (result == 0 && (pipe->reading || pipe->read == pipe->written)) {
        if (!pipe->reading && pipe->writers == 0)
            break;
        if (!sched_sleep(pipe, 0, &pipe->lock))
            result = -EINTR;
    }
    if (result == 0 && pipe->read != pipe->written)
        result = copy_from_pipe(pipe, to, n);
    lock_drop(&pipe->lock);
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
    const struct program *program = file->program;
    uint64_t at = __atomic_load_n(&file->offset, __ATOMIC_RELAXED);
    struct ward_fault why;
    size_t size;
    int error;

    do {
        size = smaller(n, (size_t)(program->end - program->bytes) - at);
        error = ward_space_write(WARD_HERE, to, program->bytes + at, size, &why);
        size = error ? why.done : size;
    } while (!take(file, &at, size));
    return size == 0 ? error : (int64_t)size;
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

WARD_USER_DEFINE(udirent, struct dirent, WARD_FIELDS(struct dirent, bytes, name));

static int write_entry(uint64_t to, const struct program *program)
{
    struct dirent entry = { .bytes = (uint64_t)(program->end - program->bytes) };

    memcpy(entry.name, program->name,
           smaller(__builtin_strlen(program->name), sizeof entry.name - 1));
    return udirent_write(WARD_HERE, udirent_out_at(to), &entry, NULL);
}

int64_t call_getdents(const struct call *call)
{
    uint64_t to = call->args[1], count = call->args[2], done = 0, at;
    struct file *file = call->file;
    int error = count > USER_END / sizeof(struct dirent)
                    ? -EINVAL
                    : check_range(to, count * sizeof(struct dirent));

    if (error || file->type != DIRECTORY)
        return error ? error : -EBADF;
    at = __atomic_load_n(&file->offset, __ATOMIC_RELAXED);
    while (done < count && at < archive_count) {
        error = write_entry(to + done * sizeof(struct dirent), &archive[at]);
        if (error)
            return done > 0 ? (int64_t)done : error;
        if (take(file, &at, 1))
            at++, done++;
    }
    return (int64_t)done;
}

/* --- Writing
 * ------------------------------------------------------------------------------------------ */

static int64_t write_pipe(struct pipe *pipe, const char *bytes, size_t n)
{
    int64_t result = 0;
    size_t done = 0;

    lock_take(&pipe->lock);
    while (result == 0 && done < n) {
        if (pipe->readers == 0)
            result = -EPIPE;
        else if (pipe->written - pipe->read < PIPE_BYTES)
            pipe->bytes[pipe->written++ % PIPE_BYTES] = bytes[done++];
        else {
            (void)sched_wake(pipe, 0, UINT32_MAX);
            if (!sched_sleep(pipe, 0, &pipe->lock))
                result = -EINTR;
        }
    }
    (void)sched_wake(pipe, 0, UINT32_MAX);
    lock_drop(&pipe->lock);
    return done > 0 ? (int64_t)done : result;
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
            __atomic_fetch_add(&bytes_written, (uint64_t)result, __ATOMIC_RELAXED);
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
