/* SPDX-License-Identifier: MIT */
/*
 * gate_stress SECONDS [SEED]: threads change what is mapped, at random, while others access it, and
 * no access may say what is not so. Prints the seed; threads make every run another one all the
 * same.
 *
 * Each time a page is mapped is a generation of it. Its bytes are the generation's tag, or still
 * zero. Whoever changes a page says `begin` before and `end` after, so that others can tell by
 * looking before and after a call which generations, and which permissions, there can have been
 * meanwhile:
 *
 *    wrong success   a byte of a generation that was over before, or had not begun after; any byte
 *                    or any write while there was no permission at all
 *    wrong failure   an access to a page that was there all the time and may be accessed so
 *
 * Guests of three kinds are mapped, unmapped, protected, shrunk, grown and pinned; a file is
 * truncated under the process's own mapping; exception tables come and go.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <ward/ward.h>

#include "trap.h"

enum { PAGES = 64, GROWING = 48, GUESTS = 3, ENTRIES = 40 };

/* --- randomness and failure ------------------------------------------------------------------- */

static uint64_t seed;
static _Thread_local uint64_t stream;

static uint64_t next(void)
{
    uint64_t z = stream += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static size_t below(size_t n)
{
    return (size_t)(next() % n);
}

__attribute__((noreturn)) static void fail(const char *what, int line)
{
    printf("gate_stress.c:%d: not so: %s (seed %llu)\n", line, what, (unsigned long long)seed);
    fflush(stdout);
    _exit(1);
}

#define EXPECT(C) ((C) ? (void)0 : fail(#C, __LINE__))

static size_t page;
static bool stop;

static bool goes_on(void)
{
    return !__atomic_load_n(&stop, __ATOMIC_RELAXED);
}

/* What was seen at all: a run that saw nothing of something proves nothing. */
enum event {
    READ,
    READ_FAULT,
    WRITTEN,
    WRITE_FAULT,
    PINNED,
    BUSY,
    SHRUNK,
    BUS,
    STABLE,
    TABLE,
    EVENTS
};

static uint64_t events[EVENTS];

static void count(enum event event)
{
    __atomic_fetch_add(&events[event], 1, __ATOMIC_RELAXED);
}

/* --- intervals -------------------------------------------------------------------------------- */

/* Something that is true from time to time: begin is counted up before it is, and end after it was.
 */
struct interval {
    uint64_t begun, ended;
};

static uint64_t get(const uint64_t *word)
{
    return __atomic_load_n(word, __ATOMIC_SEQ_CST);
}

static void begin(struct interval *interval)
{
    __atomic_fetch_add(&interval->begun, 1, __ATOMIC_SEQ_CST);
}

static void end(struct interval *interval)
{
    __atomic_store_n(&interval->ended, get(&interval->begun), __ATOMIC_SEQ_CST);
}

/* --- the model of a guest --------------------------------------------------------------------- */

struct page_model {
    struct interval generation, readable, writable;
    uint64_t settled; /* 0 while it changes; else another number each time, and the permissions */
    bool owned;
    bool mapped;   /* the owner's */
    unsigned prot; /* the owner's */
    uint64_t changes;
};

struct guest_model {
    struct ward_guest guest;
    struct page_model pages[PAGES];
};

static struct guest_model guests[GUESTS];

static uint64_t address_of(const struct guest_model *m, size_t i)
{
    return m->guest.space.first + i * page;
}

static unsigned char tag(uint64_t generation, size_t i)
{
    return (unsigned char)(1 + (generation * 7 + i * 13) % 255);
}

static bool own(struct guest_model *m, size_t i, size_t n)
{
    for (size_t k = i; k < i + n; k++)
        if (__atomic_exchange_n(&m->pages[k].owned, true, __ATOMIC_ACQUIRE)) {
            while (k-- > i)
                __atomic_store_n(&m->pages[k].owned, false, __ATOMIC_RELEASE);
            return false;
        }
    return true;
}

static void unsettle(struct guest_model *m, size_t i, size_t n)
{
    for (size_t k = i; k < i + n; k++)
        __atomic_store_n(&m->pages[k].settled, 0, __ATOMIC_SEQ_CST);
}

static void settle_and_disown(struct guest_model *m, size_t i, size_t n)
{
    for (size_t k = i; k < i + n; k++) {
        struct page_model *p = &m->pages[k];
        unsigned prot = p->mapped ? p->prot : 0;

        __atomic_store_n(&p->settled, ++p->changes << 2 | prot, __ATOMIC_SEQ_CST);
        __atomic_store_n(&p->owned, false, __ATOMIC_RELEASE);
    }
}

/* --- changing --------------------------------------------------------------------------------- */

/* What the pages may be from now on, announced before it is so. */
static void announce(struct page_model *p, unsigned prot)
{
    if (prot & WARD_READ && !(p->prot & WARD_READ))
        begin(&p->readable);
    if (prot & WARD_WRITE && !(p->prot & WARD_WRITE))
        begin(&p->writable);
}

/* And what they are not any more, once it is so. */
static void conclude(struct page_model *p, unsigned prot)
{
    if (!(prot & WARD_READ))
        end(&p->readable);
    if (!(prot & WARD_WRITE))
        end(&p->writable);
    p->prot = prot;
}

static bool are_all(const struct guest_model *m, size_t i, size_t n, bool mapped)
{
    for (size_t k = i; k < i + n; k++)
        if (m->pages[k].mapped != mapped)
            return false;
    return true;
}

static void write_tags(struct guest_model *m, size_t i, size_t n)
{
    unsigned char bytes[256];

    for (size_t k = i; k < i + n; k++) {
        memset(bytes, tag(get(&m->pages[k].generation.begun), k), sizeof bytes);
        for (size_t at = 0; at < page; at += sizeof bytes)
            EXPECT(ward_space_write(&m->guest.space, address_of(m, k) + at, bytes, sizeof bytes,
                                    NULL) == 0);
    }
}

static void map(struct guest_model *m, size_t i, size_t n)
{
    int error;

    if (!are_all(m, i, n, false))
        return;
    for (size_t k = i; k < i + n; k++) {
        begin(&m->pages[k].generation);
        announce(&m->pages[k], WARD_RW);
    }
    error = ward_guest_map(&m->guest, address_of(m, i), n * page, WARD_RW);
    EXPECT(error == 0 || (error == -ERANGE && i + n > GROWING));
    for (size_t k = i; k < i + n; k++) {
        m->pages[k].mapped = error == 0;
        conclude(&m->pages[k], error ? WARD_NONE : WARD_RW);
        if (error)
            end(&m->pages[k].generation);
    }
    if (!error)
        write_tags(m, i, n);
}

static void forget(struct guest_model *m, size_t i, size_t n)
{
    for (size_t k = i; k < i + n; k++) {
        conclude(&m->pages[k], WARD_NONE);
        end(&m->pages[k].generation);
        m->pages[k].mapped = false;
    }
}

static void unmap(struct guest_model *m, size_t i, size_t n)
{
    int error = ward_guest_unmap(&m->guest, address_of(m, i), n * page);

    EXPECT(error == 0 || error == -EBUSY || (error == -ERANGE && i + n > GROWING));
    if (error == 0)
        forget(m, i, n);
    if (error == -EBUSY)
        count(BUSY);
}

static void protect(struct guest_model *m, size_t i, size_t n)
{
    static const unsigned prots[] = { WARD_NONE, WARD_READ, WARD_RW, WARD_RW };
    unsigned prot = prots[below(4)];
    int error;

    if (!are_all(m, i, n, true))
        return;
    for (size_t k = i; k < i + n; k++)
        announce(&m->pages[k], prot);
    error = ward_guest_protect(&m->guest, address_of(m, i), n * page, prot);
    EXPECT(error == 0 || error == -EBUSY);
    for (size_t k = i; k < i + n; k++)
        conclude(&m->pages[k], error ? m->pages[k].prot : prot);
    if (error == -EBUSY)
        count(BUSY);
}

static void move_limit(struct guest_model *m)
{
    size_t high = PAGES * page, low = GROWING * page;
    int error;

    if (ward_guest_limit(&m->guest) == low) {
        EXPECT(ward_guest_grow(&m->guest, high) == 0);
        return;
    }
    error = ward_guest_shrink(&m->guest, low);
    EXPECT(error == 0 || error == -EBUSY);
    if (error == 0) {
        forget(m, GROWING, PAGES - GROWING);
        count(SHRUNK);
    }
}

static void change(struct guest_model *m, size_t i, size_t n, size_t what)
{
    if (!own(m, i, n))
        return;
    unsettle(m, i, n);
    if (what == 0)
        move_limit(m);
    else if (what < 40)
        map(m, i, n);
    else if (what < 65)
        unmap(m, i, n);
    else
        protect(m, i, n);
    settle_and_disown(m, i, n);
}

static void *changer(void *number)
{
    stream = seed + (uintptr_t)number;
    while (goes_on()) {
        struct guest_model *m = &guests[below(GUESTS)];
        size_t n = 1 + below(6), what = below(100);

        if (what == 0)
            change(m, GROWING, PAGES - GROWING, what);
        else
            change(m, 1 + below(PAGES - n), n, what);
    }
    return NULL;
}

/* --- looking before and after ----------------------------------------------------------------- */

enum { SPAN = 4 }; /* pages that one access can reach */

/* What the model said of the pages before a call. */
struct before {
    struct guest_model *m;
    size_t first; /* page */
    uint64_t over[SPAN], unreadable[SPAN], unwritable[SPAN], settled[SPAN];
};

static void look(struct before *b, struct guest_model *m, size_t first)
{
    b->m = m;
    b->first = first;
    for (size_t k = 0; k < SPAN && first + k < PAGES; k++) {
        struct page_model *p = &m->pages[first + k];

        b->settled[k] = get(&p->settled);
        b->over[k] = get(&p->generation.ended);
        b->unreadable[k] = get(&p->readable.ended);
        b->unwritable[k] = get(&p->writable.ended);
    }
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static bool can_be(const struct before *b, size_t k, unsigned char byte)
{
    const struct page_model *p = &b->m->pages[b->first + k];
    uint64_t last = get(&p->generation.begun);

    for (uint64_t generation = b->over[k] + 1; generation <= last; generation++)
        if (byte == 0 || byte == tag(generation, b->first + k))
            return true;
    return false;
}

/* The n bytes that were had from a page, from offset at on. */
static void expect_bytes(const struct before *b, size_t at, const unsigned char *bytes, size_t n)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    for (size_t i = 0; i < n; i++) {
        size_t k = (at + i) / page;

        if (i == 0 || (at + i) % page == 0)
            EXPECT(get(&b->m->pages[b->first + k].readable.begun) > b->unreadable[k]);
        if (i == 0 || bytes[i] != bytes[i - 1] || (at + i) % page == 0)
            EXPECT(can_be(b, k, bytes[i]));
    }
}

static void expect_written(const struct before *b, size_t at, size_t n)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    for (size_t k = at / page; n > 0 && k <= (at + n - 1) / page; k++)
        EXPECT(get(&b->m->pages[b->first + k].writable.begun) > b->unwritable[k]);
}

/* The first byte that failed was not there, or changed. */
static void expect_reason(const struct before *b, const struct ward_fault *why)
{
    size_t i = (size_t)((why->addr - b->m->guest.space.first) / page), k = i - b->first;
    uint64_t settled;

    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    EXPECT(why->kind == WARD_FAULT_UNMAPPED || why->kind == WARD_FAULT_PROT);
    EXPECT(i >= b->first && k < SPAN && i < PAGES);
    settled = b->settled[k];
    if (settled == 0 || get(&b->m->pages[i].settled) != settled)
        return;
    count(STABLE);
    EXPECT((settled & why->access) != why->access);
}

/* --- accessing -------------------------------------------------------------------------------- */

static void read_bytes(struct before *b, size_t at, size_t n)
{
    unsigned char bytes[3 * 4096];
    uint64_t a = address_of(b->m, b->first) + at;
    struct ward_fault why;
    int error;

    n = n < sizeof bytes ? n : sizeof bytes;
    error = ward_space_read(&b->m->guest.space, a, bytes, n, &why);
    EXPECT(error == 0 || error == -EFAULT);
    expect_bytes(b, at, bytes, error ? why.done : n);
    count(error ? READ_FAULT : READ);
    if (!error)
        return;
    expect_reason(b, &why);
    for (size_t i = why.done; i < n; i++)
        EXPECT(bytes[i] == 0);
}

static void read_word(struct before *b, size_t at)
{
    uint64_t word, a = address_of(b->m, b->first) + (at & ~(size_t)7);
    struct ward_fault why;
    unsigned char bytes[8];
    int error = ward_space_read_u64(&b->m->guest.space, a, &word, &why);

    count(error ? READ_FAULT : READ);
    memcpy(bytes, &word, 8);
    if (error)
        expect_reason(b, &why);
    else
        expect_bytes(b, at & ~(size_t)7, bytes, 8);
}

static void read_string(struct before *b, size_t at)
{
    struct ward_fault why;
    char text[600];
    ptrdiff_t length =
        ward_space_read_str(&b->m->guest.space, address_of(b->m, b->first) + at, text, 600, &why);

    if (length == -ENAMETOOLONG)
        expect_bytes(b, at, (unsigned char *)text, 599);
    else if (length >= 0)
        expect_bytes(b, at, (unsigned char *)text, (size_t)length + 1);
    else
        expect_reason(b, &why);
}

/* Zeroes only: they are right in every generation. */
static void write_bytes(struct before *b, size_t at, size_t n)
{
    static const unsigned char zeroes[3 * 4096];
    uint64_t a = address_of(b->m, b->first) + at;
    struct ward_fault why;
    int error;

    n = n < sizeof zeroes ? n : sizeof zeroes;
    error = next() % 2 ? ward_space_write(&b->m->guest.space, a, zeroes, n, &why)
                       : ward_space_fill(&b->m->guest.space, a, 0, n, &why);
    EXPECT(error == 0 || error == -EFAULT);
    expect_written(b, at, error ? why.done : n);
    count(error ? WRITE_FAULT : WRITTEN);
    if (error)
        expect_reason(b, &why);
}

static void add_nothing(struct before *b, size_t at)
{
    struct ward_atomic op = { WARD_ATOMIC_OR, 1, 0, 0, 0 };
    struct ward_fault why;
    unsigned char byte;
    int error = ward_space_atomic(&b->m->guest.space, address_of(b->m, b->first) + at, &op, &why);

    if (error == -EAGAIN)
        return;
    if (error) {
        expect_reason(b, &why);
        return;
    }
    byte = (unsigned char)op.was;
    expect_bytes(b, at, &byte, 1);
    expect_written(b, at, 1);
}

static void ask(struct before *b, size_t at, size_t n)
{
    uint64_t a = address_of(b->m, b->first) + at;
    struct ward_fault why;
    int error = next() % 2 ? ward_space_check(&b->m->guest.space, a, n, WARD_READ, &why)
                           : ward_space_populate(&b->m->guest.space, a, n, WARD_READ, &why);

    if (error) {
        expect_reason(b, &why);
        return;
    }
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    for (size_t k = at / page; k <= (at + n - 1) / page; k++)
        EXPECT(get(&b->m->pages[b->first + k].readable.begun) > b->unreadable[k]);
}

static void pin(struct before *b, size_t at, size_t n)
{
    unsigned access = next() % 2 ? WARD_READ : WARD_RW;
    struct ward_fault why;
    struct ward_pin pin;
    struct page_model *p = &b->m->pages[b->first + at / page];
    uint64_t over;

    if (ward_space_pin(&b->m->guest.space, address_of(b->m, b->first) + at, n, access, &pin,
                       &why)) {
        expect_reason(b, &why);
        return;
    }
    count(PINNED);
    over = get(&p->generation.ended);
    for (unsigned round = 0; round < 20; round++)
        for (size_t i = 0; i < n; i += 61) {
            unsigned char *byte = (unsigned char *)pin.host + i; /* others may pin it, too */
            unsigned char value = __atomic_load_n(byte, __ATOMIC_RELAXED);

            expect_bytes(b, at + i, &value, 1);
            if (access == WARD_RW)
                __atomic_store_n(byte, 0, __ATOMIC_RELAXED);
        }
    EXPECT(get(&p->generation.ended) == over);
    EXPECT(ward_space_unpin(&pin) == 0);
}

static void *accessor(void *number)
{
    stream = seed + (uintptr_t)number;
    while (goes_on()) {
        struct guest_model *m = &guests[below(GUESTS)];
        size_t first = below(PAGES - SPAN), at = below(page);
        size_t n = next() % 4 ? 1 + below(300) : 1 + below((SPAN - 1) * page);
        size_t what = below(100);
        struct before b;

        look(&b, m, first);
        if (what < 30)
            read_bytes(&b, at, n);
        else if (what < 50)
            read_word(&b, at);
        else if (what < 58)
            read_string(&b, at);
        else if (what < 75)
            write_bytes(&b, at, n);
        else if (what < 82)
            add_nothing(&b, at);
        else if (what < 92)
            ask(&b, at, n);
        else
            pin(&b, at, n < page - at ? n : page - at);
    }
    return NULL;
}

/* --- a file that is truncated ----------------------------------------------------------------- */

static struct {
    struct interval generation;
    unsigned char *at;
    int fd;
} file;

static void *truncater(void *unused)
{
    unsigned char bytes[2 * 4096];

    while (goes_on()) {
        uint64_t generation = get(&file.generation.begun) + 1;

        memset(bytes, tag(generation, 0), sizeof bytes);
        begin(&file.generation);
        EXPECT(pwrite(file.fd, bytes, sizeof bytes, 0) == (ssize_t)sizeof bytes);
        sched_yield();
        EXPECT(ftruncate(file.fd, 0) == 0);
        end(&file.generation);
    }
    return unused;
}

static bool is_of_file(unsigned char byte, uint64_t over)
{
    for (uint64_t g = over + 1; g <= get(&file.generation.begun); g++)
        if (byte == 0 || byte == tag(g, 0))
            return true;
    return false;
}

static void *file_reader(void *number)
{
    unsigned char bytes[4096];

    stream = seed + (uintptr_t)number;
    while (goes_on()) {
        uint64_t over = get(&file.generation.ended);
        size_t at = below(4096), n = 1 + below(4096), done = n;
        struct ward_fault why;

        __atomic_thread_fence(__ATOMIC_SEQ_CST);
        if (ward_space_read(ward_space_self_by_table(), (uintptr_t)file.at + at, bytes, n, &why)) {
            EXPECT(why.kind == WARD_FAULT_BUS);
            done = why.done;
            count(BUS);
        }
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
        for (size_t i = 0; i < done; i++)
            EXPECT(is_of_file(bytes[i], over));
    }
    return NULL;
}

/* --- exception tables ------------------------------------------------------------------------- */

/* Of code that nobody runs, in no order, so that registering has work to do. */
static void *tables(void *number)
{
    static struct ward_recover_entry entries[ENTRIES];
    struct ward_recover_table table;

    stream = seed + (uintptr_t)number;
    while (goes_on()) {
        for (size_t i = 0; i < ENTRIES; i++)
            entries[i] = (struct ward_recover_entry){ (int32_t)below(1 << 20), 16, 0 };
        table = (struct ward_recover_table){ .begin = entries, .end = entries + ENTRIES };
        EXPECT(ward_recover_register(&table) == 0);
        EXPECT(ward_recover_unregister(&table) == 0);
        count(TABLE);
    }
    return NULL;
}

/* --- all together ----------------------------------------------------------------------------- */

static void make_guests(void)
{
    static const unsigned flags[GUESTS] = { WARD_GUEST_CLAMP, WARD_GUEST_IDENTITY,
                                            WARD_GUEST_CHECKED };

    for (size_t i = 0; i < GUESTS; i++) {
        const struct ward_guest_spec spec = { .size = PAGES * page, .flags = flags[i] };

        EXPECT(ward_guest_reserve(&guests[i].guest, &spec) == 0);
        for (size_t k = 0; k < PAGES; k++)
            guests[i].pages[k].settled = ++guests[i].pages[k].changes << 2;
    }
}

static void make_file(void)
{
    file.fd = memfd_create("truncated", MFD_CLOEXEC);
    EXPECT(file.fd >= 0);
    file.at = mmap(NULL, 2 * 4096, PROT_READ, MAP_SHARED, file.fd, 0);
    EXPECT(file.at != MAP_FAILED);
}

static void run(unsigned seconds)
{
    void *(*const works[])(void *) = { changer,  changer,   accessor,    accessor,
                                       accessor, truncater, file_reader, tables };
    pthread_t threads[sizeof works / sizeof works[0]];
    struct timespec until = { .tv_sec = seconds };

    for (size_t i = 0; i < sizeof works / sizeof works[0]; i++)
        EXPECT(pthread_create(&threads[i], NULL, works[i], (void *)(uintptr_t)(i + 1)) == 0);
    nanosleep(&until, NULL); /* so long they run: nothing is synchronised by it */
    __atomic_store_n(&stop, true, __ATOMIC_RELAXED);
    for (size_t i = 0; i < sizeof works / sizeof works[0]; i++)
        EXPECT(pthread_join(threads[i], NULL) == 0);
}

int main(int argc, char **argv)
{
    static const char *const names[EVENTS] = { "reads",  "read faults", "writes", "write faults",
                                               "pins",   "busy",        "shrunk", "bus",
                                               "stable", "tables" };
    unsigned seconds = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 5;

    seed = argc > 2 ? strtoull(argv[2], NULL, 10) : (uint64_t)time(NULL);
    page = ward_host_page_size();
    if (ward_trap_is_emulated_()) {
        printf("faults are not exact under valgrind\n");
        return 77;
    }
    printf("seed %llu\n", (unsigned long long)seed);
    EXPECT(ward_recover_install() == 0);
    make_guests();
    make_file();
    run(seconds);
    for (size_t i = 0; i < EVENTS; i++) {
        printf("%s %llu\n", names[i], (unsigned long long)events[i]);
        EXPECT(events[i] > 0);
    }
    for (size_t i = 0; i < GUESTS; i++)
        EXPECT(ward_guest_fini(&guests[i].guest) == 0);
    return 0;
}
