/* SPDX-License-Identifier: MIT */
/*
 * Files: the console, pipes, programs of the archive, and the directory of these. Bytes go through
 * a small buffer, so that no lock is held while user memory is accessed.
 */
#include "host.h"
#include "kernel.h"

enum { PIPE_BYTES = 1024, CHUNK = 256 };

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
    uint64_t offset;
};

WARD_STATIC_ASSERT(sizeof(struct file) <= 64 && sizeof(struct pipe) <= 2048, "heap.c knows these");

static struct file *make(enum type type)
{
    struct file *file = heap_alloc(FILE_BLOCKS);

    if (file)
        *file = (struct file){ .type = type, .uses = 1 };
    return file;
}

struct file *file_console(void)
{
    return make(CONSOLE);
}

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

int file_open(const char *path, struct file **file)
{
    const struct program *program = archive_find(path);
    enum type type = program ? PROGRAM : is_same(path, ".") ? DIRECTORY : CONSOLE;

    *file = NULL;
    if (type == CONSOLE && !is_same(path, "console"))
        return -ENOENT;
    *file = make(type);
    if (!*file)
        return -ENOMEM;
    (*file)->program = program;
    return 0;
}

void file_use(struct file *file)
{
    __atomic_fetch_add(&file->uses, 1, __ATOMIC_RELAXED);
}

/* --- Pipes
 * ------------------------------------------------------------------------------------------ */

int file_pipe(struct file *ends[2])
{
    struct pipe *pipe = heap_alloc(PIPES);

    ends[0] = pipe ? make(READ_END) : NULL;
    ends[1] = ends[0] ? make(WRITE_END) : NULL;
    if (!ends[1]) {
        heap_free(FILE_BLOCKS, ends[0]);
        heap_free(PIPES, pipe);
        return -ENOMEM;
    }
    pipe->readers = pipe->writers = 1;
    ends[0]->pipe = ends[1]->pipe = pipe;
    return 0;
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

void file_drop(struct file *file)
{
    if (__atomic_sub_fetch(&file->uses, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    if (file->pipe)
        close_end(file->pipe, file->type);
    heap_free(FILE_BLOCKS, file);
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

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

/* --- Reading and writing
 * ------------------------------------------------------------------------------ */

static int64_t read_program(struct file *file, uint64_t to, size_t n)
{
    size_t size = (size_t)(file->program->end - file->program->bytes);
    struct ward_fault why;
    int error;

    if (file->offset >= size)
        return 0;
    n = smaller(n, size - file->offset);
    error = ward_space_write(WARD_HERE, to, file->program->bytes + file->offset, n, &why);
    n = error ? why.done : n;
    file->offset += n;
    return n == 0 ? error : (int64_t)n;
}

int64_t file_read(struct file *file, uint64_t to, size_t n)
{
    if (n == 0)
        return 0;
    switch (file->type) {
    case CONSOLE: return 0;
    case READ_END: return read_pipe(file->pipe, to, n);
    case PROGRAM: return read_program(file, to, n);
    default: return -EBADF;
    }
}

static int64_t put(struct file *file, const char *bytes, size_t n)
{
    if (file->type == CONSOLE) {
        print_bytes(bytes, n);
        return (int64_t)n;
    }
    return write_pipe(file->pipe, bytes, n);
}

int64_t file_writev(struct file *file, const struct ward_iov_list *list)
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

        result = n > 0 ? put(file, bytes, n) : 0;
        done += result > 0 ? (size_t)result : 0;
        if (got < 0 && result >= 0)
            result = got;
    }
    return done > 0 ? (int64_t)done : result;
}

int64_t file_write(struct file *file, uint64_t from, size_t n)
{
    const struct ward_iov range = { from, n };
    const struct ward_iov_list list = { &range, 1, n };

    return file_writev(file, &list);
}

WARD_USER_DEFINE(udirent, struct dirent, WARD_FIELDS(struct dirent, bytes, name));

int64_t file_getdents(struct file *file, uint64_t to, size_t count)
{
    int64_t done = 0;

    if (file->type != DIRECTORY)
        return -EBADF;
    for (; (size_t)done < count && file->offset < archive_count; done++, file->offset++) {
        const struct program *program = &archive[file->offset];
        struct dirent entry = { .bytes = (uint64_t)(program->end - program->bytes) };
        udirent_out there = udirent_out_at(to + (uint64_t)done * sizeof entry);
        int error;

        memcpy(entry.name, program->name,
               smaller(__builtin_strlen(program->name), sizeof entry.name - 1));
        error = udirent_write(WARD_HERE, there, &entry, NULL);
        if (error)
            return done > 0 ? done : error;
    }
    return done;
}
