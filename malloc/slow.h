/* SPDX-License-Identifier: MIT */
/*
 * What the slow paths of spans share. They are told by subject:
 *
 *   span.c     whose a span is, and what becomes of it when its thread ends or a process forks
 *   hand.c     sees to it that there is a free slot at hand
 *   issue.c    an allocation that finds none there, or one that is not fit
 *   free.c     a free that is not that of a live block of its own thread; seats of the quarantine
 *   remote.c   what other threads free
 *   trim.c     gives back what no block needs (trim.h)
 *
 * Who takes an owner calls from its thread; spans are the owner's where nothing else is said.
 */
#ifndef WARD_MALLOC_SLOW_H
#define WARD_MALLOC_SLOW_H

#include "memory.h"
#include "span.h"

/* --- A place ---------------------------------------------------------------------------------- */

WARD_INLINE unsigned char *block_at(const struct place *place)
{
    return place->span->base + (size_t)place->slot * place->class->bytes;
}

WARD_INLINE _Atomic uint16_t *state_at(const struct place *place)
{
    return &place->span->states[place->slot];
}

/* The slot is never issued again. */
WARD_INLINE void retire(const struct place *place)
{
    STORE(state_at(place), SLOT_RETIRED);
}

/* The bitmap of slots that others freed. */
WARD_INLINE _Atomic uint64_t *pending_of(struct span *span, const struct class_info *class)
{
    return (_Atomic uint64_t *)(void *)((unsigned char *)span + class->pending);
}

/* --- A size ----------------------------------------------------------------------------------- */

/* A block's size has become another in a slot of `bytes`, which may be less than there was: what is
 * its no more is cleared by policy, so is the old canary, and there is one behind its end again. */
WARD_INLINE void slack_move(unsigned char *block, size_t bytes, size_t was, size_t size)
{
    bool has_slack = (ward_root_.policy & POLICY_SLACK) != 0;

    if (has_slack && was < bytes)
        slack_set(block, was, bytes - was, 0);
    if (ward_root_.policy & POLICY_ZERO && size < was)
        ward_memory_clear_(block + size, (was < bytes ? was : bytes) - size);
    if (has_slack)
        slack_set(block, size, bytes - size, slack_word(block));
}

/* --- span.c ----------------------------------------------------------------------------------- */

/* The span, which is nobody's, is the owner's; or nobody's again. */
void ward_span_own_(struct owner *owner, struct span *span);
void ward_span_disown_(struct owner *owner, struct span *span);

/* Takes it from the list of those with enough free slots, where it is. */
void ward_span_unlist_(struct owner *owner, struct span *span);

/* Sets when a push has to look up: when there are enough free slots, then when all are free. */
void ward_span_watch_(struct span *span);

/* Gives a span without blocks to whoever needs one, and its pages back unless some may be kept.
 * They are clear where the policy wants them so. */
void ward_span_release_(struct owner *owner, struct span *span);

/* The same of a hand's span, which stays the owner's: its pages go back. */
void ward_span_clear_out_(struct span *span);

/* --- hand.c ----------------------------------------------------------------------------------- */

/* Sees to it that there is a free slot at hand. False: no memory. */
bool ward_hand_refill_(struct owner *owner, unsigned class);

/* What is at hand goes back to its span. */
void ward_hand_put_back_(struct owner *owner, struct hand *hand);

/* --- free.c ----------------------------------------------------------------------------------- */

/* All that sit in the quarantine leave. */
void ward_span_vacate_(struct owner *owner);

/* --- remote.c --------------------------------------------------------------------------------- */

/* Frees a block of another owner, or nobody's. Its slot was in state `was`. Of two threads that
 * free it one finds another state. */
void ward_remote_free_(unsigned char *block, const struct place *place, uint32_t was);

/* Makes free what others freed of one span, which stays whose it is and out of the lists, however
 * many slots get free. */
void ward_remote_fold_apart_(struct owner *owner, struct span *span);

/* The same of the spans that were queued for the owner. One that changed hands meanwhile goes to
 * its new one. */
void ward_remote_fold_queue_(struct owner *owner);

/* The same of all its spans, if there are half as many again as when this was last done: queues
 * are a hint, which a thread that ends, or a fork, can lose. */
void ward_remote_fold_all_(struct owner *owner);

#endif
