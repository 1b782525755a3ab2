/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "span.h"

/* Behind a piece that is not clear some are not looked at: more, the longer that goes on. */
void ward_span_clear_large_(unsigned char *at, size_t bytes)
{
    enum { PIECE = 512, RUN = 4096 };
    size_t run = RUN, len;

    for (; bytes >= PIECE; at += len, bytes -= len) {
        len = PIECE;
        if (slot_is_clear(at, PIECE, PIECE)) {
            run = RUN;
            continue;
        }
        len = run < bytes ? run : bytes;
        memset(at, 0, len);
        run *= 4;
    }
    memset(at, 0, bytes);
}
