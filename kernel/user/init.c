/* SPDX-License-Identifier: MIT */
/* The first program: runs the others, and looks at what they leave behind: nothing. */
#include "user.h"

static int32_t run(const char *name)
{
    char path[24] = { 0 };
    const char *argv[] = { path, 0 };
    int32_t status = -1;
    int64_t pid = CALL(CALL_FORK);

    for (size_t i = 0; name[i]; i++)
        path[i] = name[i];
    if (pid == 0) {
        (void)CALL(CALL_EXEC, AT(path), AT(argv), 0);
        quit(99);
    }
    EXPECT(pid > 0);
    EXPECT_IS(pid, CALL(CALL_WAIT, AT(&status)));
    return status;
}

int main(int argc, char **argv, char **envp)
{
    static struct dirent names[32];
    int64_t count, directory;
    struct info before, after;
    int failed = 0;

    (void)argc, (void)argv, (void)envp;
    while (CALL(CALL_OPEN, AT("console")) < 2)
        ;
    directory = CALL(CALL_OPEN, AT("."));
    count = CALL(CALL_GETDENTS, directory, AT(names), 32);
    EXPECT(count > 0);
    for (int64_t i = 0; i < count; i++) {
        int32_t status;
        uint64_t start = 0, end = 0;

        if (memcmp(names[i].name, "init", 5) == 0)
            continue;
        before = info_get();
        (void)CALL(CALL_CLOCK, AT(&start));
        status = run(names[i].name);
        (void)CALL(CALL_CLOCK, AT(&end));
        after = info_get();
        if (status == 0)
            say("%s: passed, %d ms\n", names[i].name, (int64_t)((end - start) / 1000000));
        else
            say("%s: FAILED with %d\n", names[i].name, (int64_t)status);
        failed += status != 0;
        if (before.frames != after.frames || before.blocks != after.blocks) {
            say("%s left %d frames and %d blocks\n", names[i].name,
                (int64_t)(after.frames - before.frames), (int64_t)(after.blocks - before.blocks));
            failed++;
        }
    }
    say("%d programs, %d failed\n", count - 1, (int64_t)failed);
    return failed != 0;
}
