/* survives; report: "WARD-MISMATCH"; report: "allocated by new[], freed by free" */
/* SPDX-License-Identifier: MIT */
#include "../heap.h"

void *new_array(size_t size) __asm__("_Znam") __attribute__((weak));

/* It is reported, and all goes on. */
int main(void)
{
    free(hidden(new_array(64)));
    return 0;
}
