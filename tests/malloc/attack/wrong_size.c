/* dies: wrong-size; report: "given    63 bytes" */
/* SPDX-License-Identifier: MIT */
#include "heap.h"

void delete_sized(void *block, size_t size) __asm__("_ZdlPvm") __attribute__((weak));

int main(void)
{
    delete_sized(hidden(malloc(64)), 63);
    return 0;
}
