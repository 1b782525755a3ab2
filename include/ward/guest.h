/* SPDX-License-Identifier: MIT */
/*
 * ward/guest.h: the memory of a guest: a region as an address space of its own.
 *
 *      guest address 0                    limit              size
 *           |  mapped  |  -  | mapped r-- |  -  |  can grow   |      the region, host pages
 *
 *      metadata, elsewhere:  | a state byte per page | a count of pins per page |
 *
 * A host (an emulator, a sandbox, an interpreter) gives its guest pages by map, unmap and protect,
 * and reaches them through `space` like any other memory that must not be trusted. What the guest
 * may hand in is any number. Addresses begin at 0, or are those of the host (WARD_GUEST_IDENTITY).
 *
 * The truth about a page is its state, in the metadata of the region: mapped or not, its
 * protection, and whether the host's page is open. A run of pages with equal states is an area;
 * there are no other objects, and nothing allocates. The protections are those of the host pages as
 * well: unmap and protect change these first and the states after, so that an access is never
 * better informed than the processor. Host pages are never executable.
 *
 *   invariant   a host page is accessible only if its state is mapped and open, and then as its
 *               protection says; a page that is not mapped has no contents
 *
 * A page is opened when it is populated or first touched: the access faults, the fault hook finds
 * by the state that it may, opens the area around it (at most 64 KiB) and lets it try again. So a
 * guest needs faults that are recovered: call ward_recover_install() before the first access, or
 * ask ward_recover_try in a handler of your own. A mapped page reads as zero until somebody writes
 * to it, also after unmap and map.
 *
 * What the states do not allow is a fault: WARD_FAULT_UNMAPPED or WARD_FAULT_PROT. (In no-fault
 * mode nobody looks at the states of a direct guest, and the kind is the processor's.) A host may
 * be asked first (ward_guest_hooks): to map a page on demand, to copy one that is shared, or to
 * serve addresses that are no memory at all (registers of a device).
 *
 * Threads: everything but init, reserve and fini may run in parallel, accesses among it. These take
 * no lock unless they fault; the others, and faults, take the guest's lock for as long as they
 * change something, and never while a hook of the host's runs. Signal handlers: accesses in
 * no-fault mode (ward_nofault_begin) to pages that are open, and nothing else.
 *
 * Fork: a child has a copy. Pins are the parent's alone. What another thread of the parent was
 * about to do to a page when it forked is done or not done, page by page.
 *
 * Cost: an access what it costs in any direct space; map two stores per eight pages; unmap one or
 * two system calls; protect one. Each boundary between pages of different protection may cost a
 * mapping of the system's (vm.max_map_count). Metadata: 5 bytes per page.
 */
#ifndef WARD_GUEST_H
#define WARD_GUEST_H

#include <ward/map.h>
#include <ward/pin.h>
#include <ward/region.h>
#include <ward/space.h>
#include <ward/split.h>

enum ward_guest_flag {
    WARD_GUEST_IDENTITY = 1, /* a guest address is the host address; else the region begins at 0 */
    WARD_GUEST_NULL = 2,     /* the page at guest address 0 may be mapped */
    WARD_GUEST_CLAMP = 4,   /* no address made on a mispredicted branch lies outside (ward/space.h);
                             * the size is a power of two, else -EINVAL */
    WARD_GUEST_CHECKED = 8, /* every access looks at the states first: slower, not direct, and then
                             * pages can be write-only: reading one is -EFAULT */
};

enum { WARD_GUEST_PINS = 65535 }; /* the most that a page can have */

struct ward_guest;

/* What the host does about an access that the states do not allow. Any of them may be NULL. They
 * run in the accessing thread with no lock held, may change the guest, and may be asked again about
 * the same access. (Who accesses the same page here is asked about that, without end.) In no-fault
 * mode nobody is asked. Embed the guest in what they need to know. */
struct ward_guest_hooks {
    /* NULL: WARD_FAIL. WARD_RETRY: the page is as it should be now. WARD_SERVE: by the two below.
     * With WARD_FAIL it may leave a better kind in fault->kind. */
    enum ward_answer (*fault)(struct ward_guest *, struct ward_fault *fault);
    /* Bytes done, of n that lie in one page; fewer: why->addr, why->kind are set. */
    size_t (*read)(struct ward_guest *, uint64_t a, void *dst, size_t n, struct ward_fault *why);
    size_t (*write)(struct ward_guest *, uint64_t a, const void *src, size_t n,
                    struct ward_fault *why);
};

/* Everything that can be asked of a guest. Zero means the default throughout. */
struct ward_guest_spec {
    size_t size;    /* of the address space (reserve only): bytes, rounded up to pages; > 0 */
    size_t limit;   /* bytes of it that may be mapped at first, rounded up to pages; 0: all */
    unsigned flags; /* of ward_guest_flag */
    const struct ward_guest_hooks *hooks; /* borrowed; NULL: none */
};

/* All fields are for reading only, and not those behind `hooks`. */
struct ward_guest {
    struct ward_space space; /* what accesses name: first and last never change */
    struct ward_region *region;
    const struct ward_guest_hooks *hooks;
    unsigned flags;
    unsigned page_log2;
    struct ward_space way; /* to pages that the states allow */
    uint8_t *states;       /* one per page; the lock must be held to change them */
    uint32_t *pins;        /* one per page; the lock must be held to count up */
    size_t pinned;         /* the sum of these */
    size_t limit;          /* bytes from first; the lock must be held to change it */
    uint32_t lock;
    bool torn;           /* forked while somebody held the lock, and not mended yet */
    struct ward_map own; /* what ward_guest_reserve mapped; else all zero */
    struct ward_split own_split;
};

/* Pages of equal state. */
struct ward_guest_area {
    uint64_t first; /* guest address, of a page */
    uint64_t bytes; /* a multiple of the page size; 0 after a failure */
    unsigned prot;  /* of ward_prot; WARD_NONE if it is not mapped */
    bool mapped;
};

WARD_EXTERN_C_BEGIN

/* Bytes of metadata for a guest of size bytes in pages of the host's size; 0: size is too large. */
WARD_API size_t ward_guest_meta_bytes(size_t size);

/*
 * Makes a guest of a region, with nothing mapped. The region is the guest's until fini: its
 * contents are dropped, and its metadata region (ward_region_meta) holds the states. Both outlive
 * the guest. spec may be NULL. On failure *guest is all zero, and all that can have changed in the
 * region is that its contents are dropped.
 *
 * -EINVAL: guest is NULL, region is no region, unknown flags, a limit beyond the size, or
 * WARD_GUEST_CLAMP and the size is no power of two; -ENOTSUP: the region has no metadata region, no
 * pages that can be protected, or is lazy, locked, secret, or not copied by fork; -ENOSPC: the
 * metadata region is too small; else what the regions answer.
 */
WARD_API WARD_CHECKED int ward_guest_init(struct ward_guest *guest, struct ward_region *region,
                                          const struct ward_guest_spec *spec);

/* The recipe: reserves spec->size bytes of address space with guards, which costs no memory before
 * pages are touched, and metadata elsewhere. Errors as above, and -ENOMEM. */
WARD_API WARD_CHECKED int ward_guest_reserve(struct ward_guest *guest,
                                             const struct ward_guest_spec *spec);

/* Ends the guest; nobody accesses it any more. What reserve mapped is unmapped; a region of the
 * caller's is readable and writable again (a closed one closed) and its contents are dropped.
 * *guest is all zero then. NULL and an object that is all zero are nothing: 0. -EBUSY: something is
 * pinned, and nothing changed; else what the region answers, and fini may be tried again: the
 * contents may be gone by then. */
WARD_API int ward_guest_fini(struct ward_guest *guest);

/*
 * The following work on whole pages: -EINVAL where a or n is no multiple of the page size or the
 * protection is none; -ERANGE: beyond the limit. Length 0 within the limit succeeds and does
 * nothing. On error nothing changed.
 *
 * Protections are sets of WARD_READ, WARD_WRITE and WARD_EXEC, or WARD_NONE. WARD_EXEC is for the
 * host to look up: it makes nothing accessible. WARD_WRITE without WARD_READ is -ENOTSUP unless the
 * guest is WARD_GUEST_CHECKED.
 */

/* Gives the guest [a, a + n), reading as zero. -EBUSY: a part of it is mapped already; -EPERM: the
 * page at address 0, without WARD_GUEST_NULL. */
WARD_API WARD_CHECKED int ward_guest_map(struct ward_guest *guest, uint64_t a, size_t n,
                                         unsigned prot);

/* Takes [a, a + n) away, and drops what it held; pages that are not mapped stay so. -EBUSY: a part
 * of it is pinned; else what the region answers (-ENOMEM: the system is out of mappings). When it
 * returns, no access reaches the pages. */
WARD_API WARD_CHECKED int ward_guest_unmap(struct ward_guest *guest, uint64_t a, size_t n);

/* Changes the protection and keeps what the pages hold. -EBUSY: a part is pinned, whatever the new
 * protection is; -EFAULT: a part is not mapped. When it returns, all accesses meet the new one. */
WARD_API WARD_CHECKED int ward_guest_protect(struct ward_guest *guest, uint64_t a, size_t n,
                                             unsigned prot);

/* Raises, or lowers, the limit to `limit` bytes from the first address. Growing never moves
 * anything. Shrinking unmaps what is beyond. -EINVAL: no multiple of the page size, or the wrong
 * direction; -ERANGE: beyond the reservation; -EBUSY: a page beyond the new limit is pinned. */
WARD_API WARD_CHECKED int ward_guest_grow(struct ward_guest *guest, size_t limit);
WARD_API WARD_CHECKED int ward_guest_shrink(struct ward_guest *guest, size_t limit);

/* Bytes from the first address that may be mapped. */
WARD_API size_t ward_guest_limit(const struct ward_guest *guest);

/* The area that holds address a, as it is just now: begin at the first address and go on at
 * area->first + area->bytes to list them all. -ERANGE: a is outside; then *area is all zero. */
WARD_API WARD_CHECKED int ward_guest_get(const struct ward_guest *guest, uint64_t a,
                                         struct ward_guest_area *area);

/* Constant time: do the fields keep the invariants above? False for NULL. */
WARD_API bool ward_guest_ok(const struct ward_guest *guest);

WARD_EXTERN_C_END

#endif
