/* SPDX-License-Identifier: MIT */
#include <ward/host.h>
#include <ward/seal.h>

static struct ward_seal *seal_of(struct ward_region *region)
{
    return (struct ward_seal *)region;
}

/* Seals what inner has committed beyond what is sealed already. Sealing nothing is a question to
 * the host whether it could. */
static int seal_added(struct ward_seal *seal)
{
    size_t committed = ward_region_committed(seal->inner);
    int error = ward_host_advise(seal->region.base + seal->sealed, committed - seal->sealed,
                                 WARD_HOST_SEAL);

    if (error || committed == 0)
        return error;
    seal->sealed = committed;
    seal->inner->facts |= WARD_IS_SEALED;
    seal->region.facts = seal->inner->facts;
    return 0;
}

/* If sealing fails, inner has committed more than the seal says it has: trying again seals it. */
static int seal_commit(struct ward_region *region, size_t off, size_t len)
{
    struct ward_seal *seal = seal_of(region);
    int error = off + len <= seal->sealed ? 0 : ward_region_commit(seal->inner, off, len);

    if (error || off + len <= seal->sealed)
        return error;
    return seal_added(seal);
}

static int seal_release(struct ward_region *region, size_t off, size_t len)
{
    return ward_region_release(seal_of(region)->inner, off, len);
}

/* All that is committed is sealed, and the front refuses that before it comes here. */
static int seal_protect(struct ward_region *region, size_t off, size_t len, unsigned prot)
{
    (void)region, (void)off, (void)len, (void)prot;
    return -EPERM;
}

static size_t seal_committed(const struct ward_region *region)
{
    return ((const struct ward_seal *)region)->sealed;
}

static struct ward_region *seal_meta(const struct ward_region *region)
{
    return ward_region_meta(((const struct ward_seal *)region)->inner);
}

/* The system refuses to empty pages that were read-only when they were sealed; the answer is the
 * same. */
static int seal_fini(struct ward_region *region)
{
    struct ward_seal *seal = seal_of(region);
    size_t sealed = seal->sealed;
    int ignored = sealed > 0 ? ward_region_release(seal->inner, 0, sealed) : 0;

    (void)ignored;
    *seal = (struct ward_seal){ 0 };
    return sealed > 0 ? -EPERM : 0;
}

static const struct ward_region_ops seal_ops = {
    .name = "seal",
    .commit = seal_commit,
    .release = seal_release,
    .protect = seal_protect,
    .committed = seal_committed,
    .meta = seal_meta,
    .fini = seal_fini,
};

int ward_seal_init(struct ward_seal *seal, struct ward_region *inner)
{
    int error;

    if (!seal)
        return -EINVAL;
    *seal = (struct ward_seal){ 0 };
    if (!ward_region_ok(inner))
        return -EINVAL;
    if (!(inner->facts & WARD_IS_MAPPED))
        return -ENOTSUP;
    seal->region = *inner;
    seal->region.ops = &seal_ops;
    seal->inner = inner;
    error = seal_added(seal);
    if (error)
        *seal = (struct ward_seal){ 0 };
    return error;
}
