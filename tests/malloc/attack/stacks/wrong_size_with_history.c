/* dies: wrong-size; report: "allocated by thread "; report: "beside" */
/* SPDX-License-Identifier: MIT */
#include "../heap.h"

void delete_sized(void *block, size_t size) __asm__("_ZdlPvm") __attribute__((weak));

int main(void)
{
    delete_sized(hidden(malloc(40)), 39);
    return 0;
}
