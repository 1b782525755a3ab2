// SPDX-License-Identifier: MIT
// operators: every operator new and delete, and what they do when memory is short. Whose they are,
// the size of a block shows.
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <malloc.h>
#include <new>
#include <string>
#include <vector>

static int failures, calls;

static void check(bool holds, const char *what)
{
    if (!holds)
        std::fprintf(stderr, "not so: %s\n", what);
    failures += !holds;
}

static constexpr std::align_val_t A{ 128 };
static volatile std::size_t much = static_cast<std::size_t>(-1) / 4;

static bool is_aligned(void *block)
{
    return reinterpret_cast<std::size_t>(block) % 128 == 0;
}

static void every_form()
{
    struct {
        void *block;
        const char *what;
    } made[] = {
        { ::operator new(61), "new" },
        { ::operator new[](61), "new[]" },
        { ::operator new(61, std::nothrow), "new, nothrow" },
        { ::operator new[](61, std::nothrow), "new[], nothrow" },
        { ::operator new(61, A), "new, aligned" },
        { ::operator new[](61, A), "new[], aligned" },
        { ::operator new(61, A, std::nothrow), "new, aligned, nothrow" },
        { ::operator new[](61, A, std::nothrow), "new[], aligned, nothrow" },
    };

    for (std::size_t i = 0; i < 8; i++)
        check(malloc_usable_size(made[i].block) == 61 && (i < 4 || is_aligned(made[i].block)),
              made[i].what);
    ::operator delete(made[0].block);
    ::operator delete[](made[1].block);
    ::operator delete(made[2].block, std::nothrow);
    ::operator delete[](made[3].block, std::nothrow);
    ::operator delete(made[4].block, A);
    ::operator delete[](made[5].block, A);
    ::operator delete(made[6].block, A, std::nothrow);
    ::operator delete[](made[7].block, A, std::nothrow);
    ::operator delete(::operator new(62), 62);
    ::operator delete[](::operator new[](62), 62);
    ::operator delete(::operator new(62, A), 62, A);
    ::operator delete[](::operator new[](62, A), 62, A);
}

static bool throws_bad_alloc()
{
    try {
        ::operator delete(::operator new(much));
    } catch (const std::bad_alloc &) {
        return true;
    }
    return false;
}

static void third_time_gives_up()
{
    if (++calls == 3)
        std::set_new_handler(nullptr);
}

struct own {};

static void throws_its_own()
{
    calls++;
    throw own();
}

static void handlers()
{
    check(throws_bad_alloc(), "without a handler it throws");
    check(!::operator new(much, std::nothrow), "without a handler, nothrow");
    std::set_new_handler(third_time_gives_up);
    check(throws_bad_alloc() && calls == 3, "the handler is called until there is none");
    calls = 0;
    std::set_new_handler(third_time_gives_up);
    check(!::operator new(much, A, std::nothrow) && calls == 3, "the same, nothrow");
    calls = 0;
    std::set_new_handler(throws_its_own);
    try {
        ::operator delete[](::operator new[](much));
        check(false, "the handler's exception");
    } catch (const own &) {
        check(calls == 1, "the handler's exception");
    }
    std::set_new_handler(nullptr);
}

int main()
{
    std::vector<std::string> strings;

    every_form();
    handlers();
    for (int i = 0; i < 1000; i++)
        strings.push_back(std::string(static_cast<std::size_t>(i), 'x'));
    return failures != 0;
}
