/* fails: incompatible|could not convert|cannot convert|no matching function */
/* SPDX-License-Identifier: MIT */
/* A pool takes back what it hands out, by type. */
#include <ward/ward.h>

struct session {
    long id;
};
WARD_SLAB_DEFINE(sessions, struct session, WARD_HARDENED);

void drop(struct sessions *pool, struct session *session, int *number);

void drop(struct sessions *pool, struct session *session, int *number)
{
    (void)session, (void)number;
#ifdef CONTROL
    sessions_free(pool, session);
#else
    sessions_free(pool, number);
#endif
}
