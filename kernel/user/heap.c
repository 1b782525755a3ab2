/* SPDX-License-Identifier: MIT */
/* Bugs of the kernel's own: in its heap they are reported, and strays of its processor fault. */
#include "machine_user.h"
#include "user.h"

static char here = 1;

static int kernel_loads(void *argument)
{
    (void)argument;
    here = 2; /* the page is there, and writable */
    (void)CALL(CALL_TEST, TEST_STRAY, AT(&here));
    return 0;
}

static int kernel_jumps(void *argument)
{
    (void)argument;
    (void)CALL(CALL_TEST, TEST_EXECUTE, AT(main));
    return 0;
}

static int kernel_recurses(void *argument)
{
    (void)argument;
    (void)CALL(CALL_TEST, TEST_STACK);
    return 0;
}

static int kernel_waits_for_itself(void *argument)
{
    (void)argument;
    (void)CALL(CALL_TEST, TEST_DEADLOCK);
    return 0;
}

int main(int argc, char **argv, char **envp)
{
    (void)argc, (void)argv, (void)envp;
    EXPECT_IS(0, CALL(CALL_TEST, TEST_HEAP_ATTACKS));
    EXPECT_IS(STATUS_PANIC, run_child(kernel_loads, 0));
    EXPECT_IS(STATUS_PANIC, run_child(kernel_jumps, 0));
    EXPECT_IS(STATUS_STACK, run_child(kernel_recurses, 0));
    EXPECT_IS(STATUS_PANIC, run_child(kernel_waits_for_itself, 0));
    EXPECT_IS(0, CALL(CALL_TEST, TEST_NO_FRAMES));
    EXPECT_IS(0, machine_attacks((uint64_t)CALL(CALL_TEST, TEST_KERNEL_ADDRESS)));
    return 0;
}
