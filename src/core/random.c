/* SPDX-License-Identifier: MIT */
#include <ward/host.h>
#include <ward/random.h>

#include "core/chacha.h"
#include "core/wipe.h"

WARD_STATIC_ASSERT(WARD_RANDOM_READY + 32 == WARD_CHACHA_BATCH, "a refill is one batch");

int ward_random_root_init(struct ward_random_root *root)
{
    int err = root ? ward_host_random(root->key, sizeof root->key) : -EINVAL;

    if (err && root)
        ward_wipe_(root, sizeof *root);
    return err;
}

int ward_random_keys(const struct ward_random_root *root, enum ward_random_purpose purpose,
                     void *bytes, size_t len)
{
    const uint32_t nonce[3] = { (uint32_t)purpose, 0, 0 };
    unsigned char stream[WARD_CHACHA_BATCH];

    if (!root || !bytes || len > sizeof stream)
        return -EINVAL;
    ward_chacha_batch_(stream, root->key, nonce, 0, 20);
    __builtin_memcpy(bytes, stream, len);
    ward_wipe_(stream, sizeof stream);
    return 0;
}

int ward_random_init(struct ward_random *random)
{
    int err;

    if (!random)
        return -EINVAL;
    __builtin_memset(random, 0, sizeof *random);
    err = ward_host_random(random->key, sizeof random->key);
    if (err)
        ward_wipe_(random, sizeof *random);
    else
        random->epoch = ward_host_fork_epoch();
    return err;
}

/* The first 32 bytes of a batch are the next key, the rest is for use: what was used cannot be
 * computed again from what is kept. */
void ward_random_refill_(struct ward_random *random)
{
    const uint32_t nonce[3] = { WARD_FOR_CHOICE, 0, 0 };
    unsigned char batch[WARD_CHACHA_BATCH];

    if (random->epoch != ward_host_fork_epoch() && ward_random_init(random)) {
        static const char text[] = "==ward== no random bytes after fork\n";

        ward_host_die(text, sizeof text - 1);
    }
    ward_chacha_batch_(batch, random->key, nonce, 0, 8);
    __builtin_memcpy(random->key, batch, sizeof random->key);
    __builtin_memcpy(random->ready, batch + sizeof random->key, WARD_RANDOM_READY);
    ward_wipe_(batch, sizeof batch);
    random->left = WARD_RANDOM_READY;
}
