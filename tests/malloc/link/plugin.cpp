// SPDX-License-Identifier: MIT
// plugin: C++ that a program in C loads. What throws is then found only by name, in a library that
// is not for all to see.
#include <cstddef>
#include <new>

static volatile std::size_t much = static_cast<std::size_t>(-1) / 4;
static int calls;

static void gives_up()
{
    calls++;
    std::set_new_handler(nullptr);
}

extern "C" int plugin();

extern "C" int plugin()
{
    std::set_new_handler(gives_up);
    try {
        ::operator delete(::operator new(much));
    } catch (const std::bad_alloc &) {
        return calls == 1 ? 42 : 1;
    }
    return 2;
}
