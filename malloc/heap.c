/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include <ward/host.h>

#include "big.h"
#include "door.h"
#include "guarded.h"
#include "heap.h"
#include "mapped.h"
#include "owner.h"
#include "quarantine.h"
#include "report.h"
#include "slow.h"
#include "start.h"

/* --- Allocating and freeing, by policy -------------------------------------------------------- */

/* Apart from the blocks most asked for, which so need no registers but those a call may use. */
static __attribute__((noinline)) void *alloc_wide(size_t size)
{
    return span_alloc(POLICY_BALANCED, size, size + 1, CLASS_SMALL_MAX);
}

void *ward_heap_alloc_balanced_(size_t size)
{
    if (WARD_LIKELY(size < CLASS_FINE_MAX))
        return span_alloc(POLICY_BALANCED, size, size + 1, CLASS_FINE_MAX);
    return alloc_wide(size);
}

void ward_heap_free_balanced_(void *block)
{
    span_free(POLICY_BALANCED, block);
}

/* --- What few ask for ------------------------------------------------------------------------- */

static void *alloc_rare(size_t size)
{
    bool opened = ward_owner_enter_();
    void *block = ward_heap_alloc_balanced_(size);

    if (ward_root_.policy & POLICY_MOMENTS && block)
        ward_rows_issued_(block);
    door_close(opened);
    return block;
}

void *ward_heap_alloc_unusual_(size_t size)
{
    if (WARD_UNLIKELY(ward_root_.policy & POLICY_RARE))
        return alloc_rare(size);
    return ward_heap_alloc_balanced_(size);
}

static void free_with_care(void *block, unsigned family)
{
    if (ward_root_.policy & POLICY_FAMILY && family != FAMILY_ANY)
        ward_rows_check_(block, family);
    if (ward_root_.policy & POLICY_MOMENTS)
        ward_rows_freed_(block);
    ward_span_free_slow_(block);
}

static void free_rare(void *block, unsigned family)
{
    bool opened = ward_owner_enter_();

    if ((ward_root_.policy & (POLICY_LONG | POLICY_MOMENTS)) != POLICY_LONG ||
        !ward_quarantine_free_(block, family))
        free_with_care(block, family);
    door_close(opened);
}

void ward_heap_free_unusual_(void *block, unsigned family)
{
    if (WARD_UNLIKELY(ward_root_.policy & POLICY_RARE))
        free_rare(block, family);
    else if (!(ward_root_.policy & POLICY_LONG) || !ward_quarantine_free_(block, family))
        free_with_care(block, family);
}

/* --- Zeroed, aligned -------------------------------------------------------------------------- */

/* Is a block zero as it comes? What was checked whole is; and what came from the system. */
static bool is_clear(const void *block, size_t size)
{
    size_t bytes = bytes_for(size);

    if (bytes > CLASS_SMALL_MAX)
        return ward_big_is_clean_(block);
    return ward_root_.policy & POLICY_ZERO &&
           (bytes <= CHECKED_WHOLE || ward_root_.policy & POLICY_WHOLE);
}

void *ward_heap_alloc_zeroed_(size_t size)
{
    void *block = heap_alloc(size);

    if (block && !is_clear(block, size))
        clear_any(block, size);
    return block;
}

/* The least class of at least bytes whose slots are all aligned; 0: none. */
static size_t aligned_class(size_t align, size_t bytes)
{
    while (bytes <= CLASS_SMALL_MAX && class_bytes(class_of(bytes)) & (align - 1))
        bytes = class_bytes(class_of(bytes)) + 1;
    return bytes <= CLASS_SMALL_MAX ? class_bytes(class_of(bytes)) : 0;
}

static void *alloc_aligned(size_t align, size_t size)
{
    struct owner *owner = ward_owner_get_();
    size_t bytes;
    void *block;

    if (align <= CLASS_STEP)
        return heap_alloc(size);
    if (!owner || size > (size_t)PTRDIFF_MAX / 2 || align > (size_t)PTRDIFF_MAX / 2) {
        errno = ENOMEM;
        return NULL;
    }
    if (ward_root_.policy & POLICY_PAGES) {
        block = ward_guarded_page_(size, align);
        if (block)
            return block;
    }
    bytes = bytes_for(size);
    if (align > ward_root_.page && ward_root_.policy & POLICY_SAMPLE)
        bytes++; /* none that could go to a guard page, which is aligned to no more than that */
    bytes = ward_root_.policy & POLICY_PAGES ? 0 : aligned_class(align, bytes);
    if (bytes && bytes - size <= SLACK_MAX)
        return span_alloc(ward_root_.policy, size, bytes, CLASS_SMALL_MAX);
    block =
        ward_big_alloc_(owner, size, size + 1, align > ward_root_.page ? align : ward_root_.page);
    if (!block)
        errno = ENOMEM;
    return block;
}

/* The first call of all comes this way, too: its policy is not known yet. */
static void *alloc_aligned_rare(size_t align, size_t size)
{
    bool opened = ward_owner_enter_first_();
    void *block = alloc_aligned(align, size);

    if (ward_root_.policy & POLICY_MOMENTS && block)
        ward_rows_issued_(block);
    door_close(opened);
    return block;
}

void *ward_heap_alloc_aligned_(size_t align, size_t size)
{
    if (WARD_LIKELY((int)ward_root_.policy > 0))
        return alloc_aligned(align, size);
    return alloc_aligned_rare(align, size);
}

/* --- Size ------------------------------------------------------------------------------------- */

/* Is it where blocks of a class with many slots to a span start? */
static bool find_slot(const void *block, struct place *place)
{
    return find(block, place) && place->slot != NO_SLOT && place->class->slots > 1;
}

/* The requested size of the block there; SIZE_MAX: there is none. */
static size_t size_in(const struct place *place)
{
    uint32_t state = LOAD(state_at(place));

    return state < SLOT_LIVE ? SIZE_MAX : place->class->bytes - (state - SLOT_LIVE);
}

/* The requested size of a live block; SIZE_MAX: it is none. The door is open. */
static size_t size_of(const void *block)
{
    struct place place;

    if (guarded_has(block))
        return ward_guarded_size_(block);
    if (!find(block, &place)) /* or nothing was allocated yet */
        return ward_owner_here_() ? ward_mapped_size_(block) : SIZE_MAX;
    if (place.slot == NO_SLOT)
        return SIZE_MAX;
    return place.class->slots == 1 ? ward_big_size_(&place) : size_in(&place);
}

size_t ward_heap_size_(const void *block)
{
    bool opened = WARD_UNLIKELY(ward_root_.policy & POLICY_LOCK) && ward_owner_enter_();
    size_t size = size_of(block);

    door_close(opened);
    if (size == SIZE_MAX && ward_foreign_has_(block))
        return ward_root_.foreign.usable((void *)(uintptr_t)block);
    return size == SIZE_MAX ? 0 : size;
}

/* Reports what does not match, and is true then. */
WARD_INLINE bool is_missized(const void *block, size_t align, size_t size)
{
    size_t was = block ? size_of(block) : SIZE_MAX; /* what is said of none is right */
    bool aligned = align == 0 || (!(align & (align - 1)) && !((uintptr_t)block & (align - 1)));

    if (WARD_LIKELY(was == SIZE_MAX || (was == size && aligned)))
        return false;
    ward_report_size_(block, was, (struct report_given){ true, size, align });
    return true;
}

static void free_sized_unusual(void *block, size_t align, size_t size, unsigned family)
{
    bool opened = ward_owner_enter_();

    if (!is_missized(block, align, size))
        ward_heap_free_unusual_(block, family);
    door_close(opened);
}

void ward_heap_free_sized_(void *block, size_t align, size_t size, unsigned family)
{
    if (WARD_UNLIKELY((int)ward_root_.policy < 0))
        free_sized_unusual(block, align, size, family);
    else if (!is_missized(block, align, size))
        heap_free(block, family);
}

static void set_size(unsigned char *block, const struct place *place, size_t was, size_t size)
{
    size_t bytes = place->class->bytes;

    STORE(&place->span->states[place->slot], (uint16_t)(SLOT_LIVE + (bytes - size)));
    slack_move(block, bytes, was, size);
}

/* Would a block of that size be here, too? Some are in a larger class than usual. */
static bool stays(const struct class_info *class, size_t was, size_t size)
{
    size_t bytes = bytes_for(size);

    if (bytes > CLASS_SMALL_MAX)
        return false;
    return class_of(bytes) == (unsigned)(class - ward_root_.classes) ||
           (bytes <= class->bytes && class->bytes - size <= SLACK_MAX &&
            class_of(bytes) == class_of(bytes_for(was)));
}

/* In place, as long as the class is the same. False: it has to move. */
static bool resize_slot(void *block, const struct place *place, size_t was, size_t size)
{
    size_t slack = place->class->bytes - was;

    if (size > (size_t)PTRDIFF_MAX || !stays(place->class, was, size))
        return false;
    if (ward_root_.policy & POLICY_SLACK && !slack_is(block, was, slack)) {
        ward_report_overflow_(block, was, slack);
        return false;
    }
    set_size(block, place, was, size);
    return true;
}

/* The same of any other block. */
static bool resize_other(void *block, size_t size)
{
    struct place place;

    return size <= (size_t)PTRDIFF_MAX && find(block, &place) && ward_big_resize_(&place, size);
}

static void *resize_foreign(void *block, size_t size)
{
    bool shut = door_shut();
    void *moved = ward_root_.foreign.resize(block, size);

    door_reopen(shut);
    return moved;
}

/* For a block of another size. One that grows finds more room where another one grew (big.h). */
static void *alloc_to_move(size_t was, size_t size)
{
    struct owner *owner;
    void *to;

    if (size <= CLASS_SMALL_MAX || size < was || !(owner = ward_owner_get_()))
        return heap_alloc(size);
    owner->grows = true;
    to = heap_alloc(size);
    owner->grows = false;
    return to;
}

static void *resize_or_move(void *block, size_t size)
{
    struct place place;
    bool is_slot = find_slot(block, &place);
    size_t was = is_slot ? size_in(&place) : size_of(block);
    void *moved;

    if (was == SIZE_MAX && ward_foreign_has_(block))
        return resize_foreign(block, size);
    if (was == SIZE_MAX) {
        heap_free(block, FAMILY_ANY); /* which says what it is */
        errno = ENOMEM;
        return NULL;
    }
    if (is_slot ? resize_slot(block, &place, was, size) : resize_other(block, size))
        return block;
    moved = was > CLASS_SMALL_MAX ? ward_big_move_(block, size) : NULL;
    if (moved)
        return moved;
    moved = alloc_to_move(was, size);
    if (moved) {
        memcpy(moved, block, was < size ? was : size);
        heap_free(block, FAMILY_ANY);
    }
    return moved;
}

static void *resize_unusual(void *block, size_t size)
{
    bool opened = ward_owner_enter_();
    void *moved;

    if (ward_root_.policy & POLICY_FAMILY)
        ward_rows_check_(block, FAMILY_MALLOC);
    moved = resize_or_move(block, size);
    door_close(opened);
    return moved;
}

void *ward_heap_resize_(void *block, size_t size)
{
    if (WARD_UNLIKELY((int)ward_root_.policy < 0))
        return resize_unusual(block, size);
    return resize_or_move(block, size);
}

size_t ward_heap_page_(void)
{
    return ward_start_() ? ward_root_.page : 4096;
}

void ward_heap_die_(const char *text)
{
    ward_host_die(text, strlen(text));
}
