/* SPDX-License-Identifier: MIT */
/* liar: a program with a note that names a status, which is wrong as its argument says: an offset
 * in it and a number to put there, 32 bits each. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ward/status.h>

struct ward_status liars_status;

__asm__(".pushsection .note.ward, \"a\", %note\n"
        ".balign 4\n"
        ".long 5, 8, 1\n"
        ".asciz \"ward\"\n"
        ".balign 4\n"
        "1: .quad liars_status - 1b\n"
        ".popsection\n");

int main(int argc, char **argv)
{
    struct ward_status *status = &liars_status;
    char byte;

    status->magic = WARD_STATUS_MAGIC;
    status->version = WARD_STATUS_VERSION;
    status->bytes = sizeof *status;
    status->hand_bytes = status->huge_bytes = 8;
    status->owners_made = status->owners = (uintptr_t)status;
    memset(status->profile, '\x1b', sizeof status->profile);
    for (int i = 1; i + 1 < argc; i += 2) {
        uint32_t value = (uint32_t)strtoul(argv[i + 1], NULL, 0);

        memcpy((char *)status + atoi(argv[i]), &value, sizeof value);
    }
    if (write(1, "\n", 1) != 1)
        return 1;
    return read(0, &byte, 1) < 0;
}
