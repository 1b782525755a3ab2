/* siglongjmp out of a function that holds a lock leaves it locked. */
/* SPDX-License-Identifier: MIT */
#include "why_not.h"

#include <pthread.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void add_locked(const void *at, unsigned *sum)
{
    pthread_mutex_lock(&lock);
    *sum += just_read(at);
    pthread_mutex_unlock(&lock);
}

static int add_locked_ward(const void *at, unsigned *sum)
{
    uint8_t byte;
    int error;

    pthread_mutex_lock(&lock);
    error = ward_u8_read(ward_space_self(), ward_u8_in_at(address(at)), &byte, NULL);
    *sum += byte;
    pthread_mutex_unlock(&lock);
    return error;
}

int main(void)
{
    unsigned char *none = map_two(PROT_NONE) + page_size();
    unsigned sum = 0;

    RIGHT(add_locked_ward(none, &sum) == -EFAULT && sum == 0);
    RIGHT(pthread_mutex_trylock(&lock) == 0 && pthread_mutex_unlock(&lock) == 0);

    catch_by_jumping();
    if (sigsetjmp(why_back, 1) == 0)
        add_locked(none, &sum);
    WRONG(pthread_mutex_trylock(&lock) == EBUSY);
    return 0;
}
