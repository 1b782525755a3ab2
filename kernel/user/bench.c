/* SPDX-License-Identifier: MIT */
/* Has the kernel measure what it costs to reach this program's memory. */
#include "user.h"

int main(int argc, char **argv, char **envp)
{
    char *page = map(2 * PAGE);
    int64_t result;

    (void)argc, (void)argv, (void)envp;
    memset(page, 1, 2 * PAGE);
    result = CALL(CALL_TEST, TEST_BENCH, AT(page));
    return result != 0 && result != -ENOSYS; /* not every image has it */
}
