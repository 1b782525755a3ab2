// SPDX-License-Identifier: MIT
// bare: of its C++ library it takes next to nothing, so that a static one has to be asked for the
// function that throws (docs/malloc.md).
#include <cstddef>
#include <new>

static volatile std::size_t much = static_cast<std::size_t>(-1) / 4;

int main()
{
    try {
        ::operator delete(::operator new(much));
    } catch (const std::bad_alloc &) {
        return 0;
    }
    return 1;
}
