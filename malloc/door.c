/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include <ward/host.h>

#include "door.h"
#include "guarded.h"
#include "mapped.h"
#include "quarantine.h"
#include "trace.h"

/* A kind of records, which begins on a page. */
struct part {
    const char *name;
    const void *at; /* NULL: there are none */
    size_t bytes;
    unsigned policy; /* that locks it */
    unsigned prot;   /* of its pages at the end of the start */
};

#define OWN "the address is the malloc's own: "

enum { PARTS = 9 };

/* Records of spans are the last of the metadata. */
static size_t bytes_of_spans(void)
{
    return (size_t)(ward_root_.meta + ward_root_.meta_bytes - ward_root_.classes[0].records);
}

static size_t bytes_of_guarded(void)
{
    size_t bytes = 0;

    for (unsigned class = 0; class < GUARDED_CLASSES; class ++)
        bytes += round_up(ward_root_.guarded.classes[class].count * sizeof(struct guarded),
                          ward_root_.page);
    return bytes;
}

static struct part secrets(void)
{
    return (struct part){ OWN "the keys of the canaries", ward_root_.canary,
                          offsetof(struct ward_root, limits) - offsetof(struct ward_root, canary),
                          POLICY_LOCK, WARD_READ };
}

static struct part pools(void)
{
    return (struct part){ OWN "its pools of spans and threads", ward_root_.limits,
                          sizeof ward_root_ - offsetof(struct ward_root, limits), POLICY_LOCK,
                          WARD_RW };
}

static struct part units(void)
{
    const struct shared_root *shared = &ward_root_.shared;

    return (struct part){ OWN "its table of spans", (const void *)(uintptr_t)shared->units,
                          shared->bytes >> shared->unit_log2, POLICY_LOCK, WARD_RW };
}

static struct part part_of(unsigned number)
{
    const struct ward_root *root = &ward_root_;

    switch (number) {
    case 0:
        return (struct part){ OWN "its record of a thread", root->owners,
                              root->owners_most * sizeof(struct owner), POLICY_LOCK, WARD_NONE };
    case 1:
        return (struct part){ OWN "its table of the largest blocks", root->huge,
                              root->huge_count * sizeof(struct huge), POLICY_KEYS, WARD_RW };
    case 2:
        return (struct part){ OWN "recorded stacks", root->traces, ward_trace_bytes_(), POLICY_KEYS,
                              WARD_NONE };
    case 3:
        return (struct part){ OWN "its record of a span", root->classes[0].records,
                              bytes_of_spans(), POLICY_LOCK, WARD_NONE };
    case 4:
        return (struct part){ OWN "its record of a block at a guard page",
                              root->guarded.bytes ? root->guarded.classes[0].slots : NULL,
                              bytes_of_guarded(), POLICY_KEYS, WARD_READ };
    case 5:
        return (struct part){ OWN "the quarantine of a thread", root->queues,
                              root->queues_most * sizeof(struct waiting), POLICY_LOCK, WARD_NONE };
    case 6: return secrets();
    case 7: return pools();
    default: return units();
    }
}

/* --- Locking ---------------------------------------------------------------------------------- */

/* Returns how many of the parts that the policy locks could not be. */
static unsigned lock_parts(unsigned policy)
{
    unsigned failed = 0;

    for (unsigned number = 0; number < PARTS; number++) {
        struct part part = part_of(number);

        if (!part.at || !(part.policy & policy))
            continue;
        failed +=
            ward_host_protect((void *)(uintptr_t)part.at, round_up(part.bytes, ward_root_.page),
                              part.prot | WARD_KEYED) != 0;
    }
    return failed;
}

static void say(const char *text)
{
    ward_host_write(text, strlen(text));
}

static void say_none(int error)
{
    say(error == -ENOTSUP
            ? "==ward== lock: no protection keys on this machine: the records are not locked\n"
            : "==ward== lock: no protection key can be had: the records are not locked\n");
}

static unsigned wanted(const struct options *options)
{
    unsigned cold = options->policy & POLICY_KEYS;

    switch (options->lock) {
    case LOCK_ALL: return POLICY_KEYS | POLICY_LOCK;
    case LOCK_COLD: return POLICY_KEYS;
    case LOCK_OFF: return 0;
    case LOCK_BY_PROFILE: break;
    }
    return cold;
}

/* The policy says that there is a door before the first part is behind it. */
void ward_door_start_(const struct options *options)
{
    unsigned policy =
        options->policy == POLICY_FAST ? 0 : wanted(options); /* a constant instance */
    int key = policy ? ward_host_key() : 0;

    if (key < 0 && (options->lock != LOCK_BY_PROFILE || key != -ENOTSUP))
        say_none(key);
    if (key < 0 || !policy)
        return;
    ward_root_.key = key;
    ward_root_.policy |= policy | (policy & POLICY_LOCK ? POLICY_UNUSUAL : 0);
    if (lock_parts(policy))
        say("==ward== lock: some of the records could not be put behind the protection key\n");
}

/* --- Naming ----------------------------------------------------------------------------------- */

const char *ward_door_names_(const void *addr)
{
    for (unsigned number = 0; number < PARTS; number++) {
        struct part part = part_of(number);

        if (part.at && (uintptr_t)addr - (uintptr_t)part.at < part.bytes)
            return part.name;
    }
    if ((uintptr_t)addr - (uintptr_t)&ward_root_ < sizeof ward_root_)
        return OWN "its policy";
    return NULL;
}
