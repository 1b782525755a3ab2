/* SPDX-License-Identifier: MIT */
#include <pthread.h>

#include <ward/host.h>

#include "door.h"
#include "memory.h"
#include "moment.h"
#include "output.h"
#include "owner.h"
#include "quarantine.h"
#include "report.h"
#include "start.h"

/* What an empty hand holds. Neither this nor who owns nothing is ever written to. */
static const struct span no_span = { .class = CLASS_COUNT };
const _Atomic uint16_t ward_no_slot_ = SLOT_RETIRED;

#define EMPTY                                                                                      \
    {                                                                                              \
        .span = (struct span *)(uintptr_t)&no_span,                                                \
        .state = (_Atomic uint16_t *)(uintptr_t)&ward_no_slot_                                     \
    }
#define EMPTY_4  EMPTY, EMPTY, EMPTY, EMPTY
#define EMPTY_16 EMPTY_4, EMPTY_4, EMPTY_4, EMPTY_4

_Static_assert(CLASS_SMALL == 64, "as many as there are hands");

/* Owns nothing; 0 is the owner of what nobody owns. */
static const struct owner nobody = {
    .hands = { EMPTY_16, EMPTY_16, EMPTY_16, EMPTY_16 },
    .number = UINT32_MAX,
};

/* Said again: else its address is asked of the dynamic linker. */
#define NOBODY ((struct owner *)(uintptr_t)&nobody)
__thread struct owner *ward_owner_ __attribute__((tls_model("initial-exec"))) = NOBODY;

static pthread_key_t ending;
static struct owner_pool *const pool = &ward_root_.owner_pool;

/* This thread's owner was given back. */
static __thread bool has_ended __attribute__((tls_model("initial-exec")));

static void empty_hands(struct owner *owner)
{
    for (unsigned class = 0; class < CLASS_SMALL; class ++)
        owner->hands[class] = (struct hand)EMPTY;
}

uintptr_t ward_owner_next_at_(void)
{
    return (uintptr_t)&pool->next;
}

/* --- Taking one, giving it back --------------------------------------------------------------- */

static void push(struct owner *owner)
{
    uint64_t was = atomic_load(&pool->idle), now;

    do {
        STORE(&owner->stack, (uint32_t)was);
        now = ((was >> 32) + 1) << 32 | owner->number;
    } while (!atomic_compare_exchange_weak(&pool->idle, &was, now));
}

static struct owner *pop(void)
{
    uint64_t was = atomic_load(&pool->idle), now;

    do {
        if ((uint32_t)was == 0)
            return NULL;
        now = ((was >> 32) + 1) << 32 | LOAD(&ward_root_.owners[(uint32_t)was].stack);
    } while (!atomic_compare_exchange_weak(&pool->idle, &was, now));
    return &ward_root_.owners[(uint32_t)was];
}

enum { FIRST_STEP = 32 << 10 };

/* A number is taken when there is memory for it, so that none is taken in vain. */
static struct owner *make(void)
{
    struct prefix owners = {
        (unsigned char *)ward_root_.owners, FIRST_STEP,
        round_up(ward_root_.owners_most * sizeof(struct owner), ward_root_.page), false
    };
    uint32_t number = atomic_load(&pool->next);

    do {
        if (number >= ward_root_.owners_most ||
            !ward_memory_commit_(&owners, &pool->committed, (number + 1) * sizeof(struct owner)))
            return NULL;
    } while (!atomic_compare_exchange_weak(&pool->next, &number, number + 1));
    ward_root_.owners[number].number = number;
    return &ward_root_.owners[number];
}

/* Runs among the destructors of a thread's own data. Others may still allocate: they get an owner
 * again, and this runs again; but not after the last round of them. */
static void end(void *at)
{
    bool opened = ward_owner_enter_();
    struct owner *owner = ward_owner_;

    (void)at; /* the same; but the C library keeps it where the program can write */
    ward_owner_ = NOBODY;
    has_ended = true;
    if (owner != NOBODY) {
        ward_span_abandon_(owner);
        if (atomic_exchange(&owner->taken, 0) > 1)
            atomic_fetch_sub(&pool->late, 1);
        push(owner);
    }
    door_close(opened);
}

/* Was it taken in this process? Else its thread is gone, too, but a fork that was no fork() may
 * have cut it off half way, and nothing was put right since. */
static bool is_of_here(const struct owner *owner)
{
    return owner->random.epoch == *ward_root_.fork_word;
}

/* One of a thread that took it after its end, and is gone. NULL: there is none. */
static struct owner *take_over(void)
{
    size_t room = atomic_load(&pool->committed) / sizeof(struct owner),
           count = atomic_load(&pool->next);

    if (atomic_load(&pool->late) == 0)
        return NULL;
    for (size_t i = 1; i < count && i < room; i++) {
        struct owner *owner = &ward_root_.owners[i];
        uint32_t thread = atomic_load(&owner->taken);

        if (thread > 1 && ward_moment_is_gone_(atomic_load(&pool->process), thread) &&
            is_of_here(owner) && atomic_compare_exchange_strong(&owner->taken, &thread, 1)) {
            atomic_fetch_sub(&pool->late, 1);
            ward_span_abandon_(owner);
            return owner;
        }
    }
    return NULL;
}

/* Its thread, which had one before, may end without end() being called. */
static void mark_late(struct owner *owner)
{
    atomic_fetch_add(&pool->late, 1);
    atomic_store(&owner->taken, ward_output_ids_().thread);
}

/* Empty hands of a new thread before the first of the sample, at least: a process that runs for two
 * milliseconds takes none, for the first costs a fifth of that. */
enum { UNSAMPLED = 64 };

static struct owner *take(void)
{
    struct owner *owner = pop();

    if (!owner)
        owner = take_over();
    if (!owner)
        owner = make();
    if (!owner)
        return NULL;
    empty_hands(owner);
    if (ward_random_init(&owner->random)) {
        push(owner);
        return NULL;
    }
    owner->until_sample =
        UNSAMPLED + ward_random_below_(&owner->random, ward_root_.fork_word, 4 * UNSAMPLED);
    atomic_store(&owner->taken, 1);
    owner->home = &ward_owner_;
    if (has_ended)
        mark_late(owner);
    ward_owner_ = owner;
    (void)pthread_setspecific(ending, owner);
    return owner;
}

static struct owner *begin(void)
{
    bool opened = door_open(POLICY_LOCK); /* at the first call of all it is closed */
    struct owner *owner = take();

    door_close(opened);
    return owner;
}

/* --- Coming in -------------------------------------------------------------------------------- */

/* Where this thread's owner is stands where the program can write. */
static bool is_own(const struct owner *owner)
{
    size_t off = (uintptr_t)owner - (uintptr_t)ward_root_.owners;
    size_t number = off / sizeof *owner;

    return owner == NOBODY ||
           (off % sizeof *owner == 0 && number < ward_root_.owners_most &&
            off + sizeof *owner <= atomic_load(&pool->committed) && owner->home == &ward_owner_);
}

bool ward_owner_enter_(void)
{
    bool opened = door_open(POLICY_LOCK);

    if (WARD_UNLIKELY(ward_root_.policy & POLICY_LOCK && !is_own(ward_owner_))) {
        struct owner *wrong = ward_owner_;

        ward_owner_ = NOBODY;
        ward_report_(WARD_BUG_METADATA, wrong, NULL, "what a thread knows of itself was changed");
    }
    return opened;
}

bool ward_owner_enter_first_(void)
{
    (void)ward_start_();
    return ward_owner_enter_();
}

/* --- Forks ------------------------------------------------------------------------------------ */

static bool has_others(const struct owner *self, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++)
        if (&ward_root_.owners[i] != self && atomic_load(&ward_root_.owners[i].taken))
            return true;
    return false;
}

/* Its thread is not here. */
static void bequeath(struct owner *owner, uint32_t number)
{
    owner->number = number;
    owner->owned = NULL;
    owner->owned_spans = owner->looked_spans = 0;
    owner->grows = false;
    for (unsigned class = 0; class < CLASS_SMALL; class ++)
        owner->partial[class] = NULL;
    for (unsigned seat = 0; seat < QUARANTINE_SEATS; seat++)
        owner->seats[seat].span = NULL;
    if (ward_root_.policy & POLICY_LONG)
        ward_quarantine_forget_(owner);
    atomic_store(&owner->taken, 0);
    push(owner);
}

/* From now on they live in this process. */
static void settle(void)
{
    atomic_store(&pool->epoch, ward_host_fork_epoch());
    atomic_store(&pool->process, ward_output_ids_().process);
    atomic_store(&pool->late, 0);
}

/* The threads of all owners but self are not here. If there were none, nothing was cut off. Who
 * forked may own nothing. */
static void inherit(struct owner *self)
{
    uint32_t count = atomic_load(&pool->next);
    size_t room = atomic_load(&pool->committed) / sizeof *self;

    settle();
    if (self != NOBODY)
        atomic_store(&self->taken, 1);
    count = count < room ? count : (uint32_t)room;
    if (!has_others(self, count))
        return;
    atomic_store(&pool->idle, 0);
    for (uint32_t i = 1; i < count; i++) {
        struct owner *owner = &ward_root_.owners[i];

        atomic_store(&owner->queue, NULL);
        if (owner != self)
            bequeath(owner, i);
    }
    ward_span_inherit_(self);
}

/* The first in a child that there may be: its only thread is the one that forked. */
static void forked(void)
{
    bool opened = ward_owner_enter_();

    if (ward_root_.owners && atomic_load(&pool->epoch) != ward_host_fork_epoch())
        inherit(ward_owner_);
    door_close(opened);
}

/* As early as may be; who forked before had no other thread. */
__attribute__((constructor)) static void watch_forks(void)
{
    (void)pthread_atfork(NULL, NULL, forked);
}

/* A child that was made by other means than fork(). If this thread has an owner, it is the one that
 * made it. Else nobody knows whose spans are whose: they stay as they are. */
static void notice(struct owner *owner)
{
    if (owner == NOBODY)
        settle();
    else
        inherit(owner);
}

bool ward_owner_start_(void)
{
    atomic_store(&pool->next, 1); /* 0 is nobody */
    settle();
    return pthread_key_create(&ending, end) == 0;
}

static bool is_forked(void)
{
    return WARD_UNLIKELY(atomic_load(&pool->epoch) != *ward_root_.fork_word);
}

static WARD_COLD struct owner *noticed(struct owner *owner)
{
    notice(owner);
    return owner;
}

/* A thread without an owner may come from where the door is closed, as who comes first did not know
 * that there would be one. */
static WARD_COLD struct owner *nobody_here(void)
{
    bool opened;

    if (!ward_start_())
        return NULL;
    opened = door_open(POLICY_LOCK);
    if (is_forked())
        notice(NOBODY);
    door_close(opened);
    return NOBODY;
}

struct owner *ward_owner_here_(void)
{
    struct owner *owner = ward_owner_;

    if (WARD_UNLIKELY(owner == NOBODY))
        return nobody_here();
    return is_forked() ? noticed(owner) : owner;
}

struct owner *ward_owner_get_(void)
{
    struct owner *owner = ward_owner_here_();

    return owner == NOBODY ? begin() : owner;
}
