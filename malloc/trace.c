/* SPDX-License-Identifier: MIT */
#include <stdatomic.h>

#include "door.h"
#include "memory.h"
#include "trace.h"
#include "unwind.h"

/* Written before anybody can find it, and never again. */
struct trace_node {
    uintptr_t pc;
    uint32_t parent;
    uint32_t next; /* of those with the same head */
};

struct trace_store {
    _Atomic uint32_t heads[1 << TRACE_HEADS_LOG2];
    struct trace_node nodes[TRACE_NODES];
};

enum { ROOT_COMPLETE = 1, ROOT_CUT = 2, FIRST_NODE = 3 };

static _Atomic uint32_t used = FIRST_NODE; /* nodes, the numbers that are none among them */
static _Atomic size_t committed;           /* bytes of the store */

size_t ward_trace_bytes_(void)
{
    return sizeof(struct trace_store);
}

static _Atomic uint32_t *head_of(uintptr_t pc, uint32_t parent)
{
    uint64_t mixed = (pc ^ (uint64_t)parent << 40) * UINT64_C(0x9e3779b97f4a7c15);

    return &ward_root_.traces->heads[mixed >> (64 - TRACE_HEADS_LOG2)];
}

enum { FIRST_STEP = 256 << 10 };

static bool commit(size_t bytes)
{
    struct prefix store = { (unsigned char *)ward_root_.traces, FIRST_STEP,
                            round_up(sizeof(struct trace_store), ward_root_.page), false };

    return ward_memory_commit_(&store, &committed, bytes);
}

/* From number on among those with the same head, up to `last`. 0: it is not there. */
static uint32_t find_node(uint32_t number, uint32_t last, uintptr_t pc, uint32_t parent)
{
    const struct trace_node *nodes = ward_root_.traces->nodes;

    for (; number != last; number = nodes[number].next)
        if (nodes[number].pc == pc && nodes[number].parent == parent)
            return number;
    return 0;
}

/* A number of its own; 0: there are no more. */
static uint32_t take_number(void)
{
    uint32_t number = atomic_load(&used);

    do {
        if (number >= TRACE_NODES)
            return 0;
    } while (!atomic_compare_exchange_weak(&used, &number, number + 1));
    if (commit(offsetof(struct trace_store, nodes) +
               ((size_t)number + 1) * sizeof(struct trace_node)))
        return number;
    return 0;
}

/* Two threads may be at it at once: who comes second looks at what came before. */
static uint32_t add_node(_Atomic uint32_t *head, uint32_t first, uintptr_t pc, uint32_t parent)
{
    uint32_t number = take_number(), known = 0, seen = first;
    struct trace_node *node = &ward_root_.traces->nodes[number];

    if (number == 0)
        return 0;
    *node = (struct trace_node){ pc, parent, first };
    while (!atomic_compare_exchange_strong(head, &node->next, number)) {
        known = find_node(node->next, seen, pc, parent);
        if (known)
            return known;
        seen = node->next;
    }
    return number;
}

static uint32_t get_node(uintptr_t pc, uint32_t parent)
{
    _Atomic uint32_t *head = head_of(pc, parent);
    uint32_t first = atomic_load_explicit(head, memory_order_acquire);
    uint32_t number = find_node(first, 0, pc, parent);

    return number ? number : add_node(head, first, pc, parent);
}

static uint32_t put(const uintptr_t *pcs, unsigned count, bool complete)
{
    uint32_t number = complete ? ROOT_COMPLETE : ROOT_CUT;

    if (count == 0 || !ward_root_.traces || !commit(offsetof(struct trace_store, nodes)))
        return 0;
    while (count > 0 && number != 0)
        number = get_node(pcs[--count], number);
    return number;
}

uint32_t ward_trace_put_(const uintptr_t *pcs, unsigned count, bool complete)
{
    bool opened = door_open(POLICY_KEYS);
    uint32_t number = put(pcs, count, complete);

    door_close(opened);
    return number;
}

__attribute__((noinline)) uint32_t ward_trace_take_(unsigned skip)
{
    uintptr_t pcs[TRACE_DEPTH];
    bool complete;
    unsigned count = ward_unwind_quickly_(pcs, TRACE_DEPTH, skip + 1, &complete);

    return ward_trace_put_(pcs, count, complete);
}

/* The last number may be one that there was no memory for. */
static uint32_t known_nodes(void)
{
    size_t bytes = atomic_load(&committed), before = offsetof(struct trace_store, nodes);
    size_t room = bytes < before ? 0 : (bytes - before) / sizeof(struct trace_node);
    uint32_t known = atomic_load(&used);

    return known < room ? known : (uint32_t)room;
}

static unsigned get(uint32_t number, uintptr_t *pcs, unsigned max, bool *complete)
{
    uint32_t known = known_nodes();
    unsigned count = 0;

    *complete = false;
    if (number < FIRST_NODE || number >= known || !ward_root_.traces)
        return 0;
    while (number >= FIRST_NODE && number < known && count < max) {
        const struct trace_node *node = &ward_root_.traces->nodes[number];

        pcs[count++] = node->pc;
        number = node->parent < number ? node->parent : 0; /* the outer one was there before */
    }
    *complete = number == ROOT_COMPLETE;
    return count;
}

unsigned ward_trace_get_(uint32_t number, uintptr_t *pcs, unsigned max, bool *complete)
{
    bool opened = door_open(POLICY_KEYS);
    unsigned count = get(number, pcs, max, complete);

    door_close(opened);
    return count;
}
