/* SPDX-License-Identifier: MIT */
#include <ward/inline/touch.h>

#include "core/bulk.h"

enum { WORD = 8, WORDS = 4 * WORD };

/* The bytes of n that come before the first multiple of a word. */
static size_t ragged(uintptr_t at, size_t n)
{
    size_t head = (size_t)(-at & (WORD - 1));

    return head < n ? head : n;
}

/* --- Byte by byte ----------------------------------------------------------------------------- */

struct ward_bulk_ ward_bulk_bytes_in_(void *dst, uintptr_t from, size_t n, size_t done)
{
    unsigned char *to = dst;
    uint64_t byte = 0;

    for (; done < n; done++) {
        if (ward_touch_load_(from + done, 1, &byte))
            return (struct ward_bulk_){ done, byte };
        to[done] = (unsigned char)byte;
    }
    return (struct ward_bulk_){ done, 0 };
}

struct ward_bulk_ ward_bulk_bytes_out_(uintptr_t to, const void *src, size_t n, size_t done)
{
    const unsigned char *from = src;

    for (; done < n; done++) {
        uint64_t byte = from[done];

        if (ward_touch_store_(to + done, 1, &byte))
            return (struct ward_bulk_){ done, byte };
    }
    return (struct ward_bulk_){ done, 0 };
}

struct ward_bulk_ ward_bulk_bytes_fill_(uintptr_t to, unsigned char value, size_t n, size_t done)
{
    for (; done < n; done++) {
        uint64_t byte = value;

        if (ward_touch_store_(to + done, 1, &byte))
            return (struct ward_bulk_){ done, byte };
    }
    return (struct ward_bulk_){ done, 0 };
}

/* --- Word by word ----------------------------------------------------------------------------- */

/* Each begins with the bytes up to a foreign multiple of eight, so that a word lies in one page: it
 * faults whole or not at all. What is not there is not called: most copies are of whole words.
 * Where our side is aligned as well, words are moved as words also by machines that otherwise move
 * bytes. */
WARD_INLINE bool word_in(unsigned char *to, uintptr_t from, size_t i, bool aligned,
                         struct ward_bulk_ *got)
{
    uint64_t word = 0;

    if (ward_touch_load_(from + i, WORD, &word)) {
        *got = (struct ward_bulk_){ i, word };
        return false;
    }
    __builtin_memcpy(aligned ? __builtin_assume_aligned(to + i, WORD) : to + i, &word, WORD);
    return true;
}

WARD_INLINE struct ward_bulk_ words_in(unsigned char *to, uintptr_t from, size_t n, size_t i,
                                       bool aligned)
{
    struct ward_bulk_ got;

    for (; n - i >= WORDS; i += WORDS)
        if (!word_in(to, from, i, aligned, &got) || !word_in(to, from, i + 8, aligned, &got) ||
            !word_in(to, from, i + 16, aligned, &got) || !word_in(to, from, i + 24, aligned, &got))
            return got;
    for (; n - i >= WORD; i += WORD)
        if (!word_in(to, from, i, aligned, &got))
            return got;
    return (struct ward_bulk_){ i, 0 };
}

struct ward_bulk_ ward_bulk_general_in_(void *dst, uintptr_t from, size_t n)
{
    size_t head = ragged(from, n);
    struct ward_bulk_ got = { 0, 0 };

    if (head > 0)
        got = ward_bulk_bytes_in_(dst, from, head, 0);
    if (got.kind)
        return got;
    if ((((uintptr_t)dst + head) & (WORD - 1)) == 0)
        got = words_in(dst, from, n, head, true);
    else
        got = words_in(dst, from, n, head, false);
    return got.kind || got.done == n ? got : ward_bulk_bytes_in_(dst, from, n, got.done);
}

WARD_INLINE bool word_out(uintptr_t to, const unsigned char *from, size_t i, bool aligned,
                          struct ward_bulk_ *got)
{
    uint64_t word;

    __builtin_memcpy(&word, aligned ? __builtin_assume_aligned(from + i, WORD) : from + i, WORD);
    if (!ward_touch_store_(to + i, WORD, &word))
        return true;
    *got = (struct ward_bulk_){ i, word };
    return false;
}

WARD_INLINE struct ward_bulk_ words_out(uintptr_t to, const unsigned char *from, size_t n, size_t i,
                                        bool aligned)
{
    struct ward_bulk_ got;

    for (; n - i >= WORDS; i += WORDS)
        if (!word_out(to, from, i, aligned, &got) || !word_out(to, from, i + 8, aligned, &got) ||
            !word_out(to, from, i + 16, aligned, &got) ||
            !word_out(to, from, i + 24, aligned, &got))
            return got;
    for (; n - i >= WORD; i += WORD)
        if (!word_out(to, from, i, aligned, &got))
            return got;
    return (struct ward_bulk_){ i, 0 };
}

struct ward_bulk_ ward_bulk_general_out_(uintptr_t to, const void *src, size_t n)
{
    size_t head = ragged(to, n);
    struct ward_bulk_ got = { 0, 0 };

    if (head > 0)
        got = ward_bulk_bytes_out_(to, src, head, 0);
    if (got.kind)
        return got;
    if ((((uintptr_t)src + head) & (WORD - 1)) == 0)
        got = words_out(to, src, n, head, true);
    else
        got = words_out(to, src, n, head, false);
    return got.kind || got.done == n ? got : ward_bulk_bytes_out_(to, src, n, got.done);
}

struct ward_bulk_ ward_bulk_general_fill_(uintptr_t to, unsigned char value, size_t n)
{
    struct ward_bulk_ head = ward_bulk_bytes_fill_(to, value, ragged(to, n), 0);
    size_t i = head.done;

    if (head.kind)
        return head;
    for (; n - i >= WORD; i += WORD) {
        uint64_t word = value * UINT64_C(0x0101010101010101);

        if (ward_touch_store_(to + i, WORD, &word))
            return (struct ward_bulk_){ i, word };
    }
    return ward_bulk_bytes_fill_(to, value, n, i);
}

/* --- Strings ---------------------------------------------------------------------------------- */

/* The zero itself counts as copied, not as done. */
static struct ward_bulk_ bytes_str(char *dst, uintptr_t from, size_t n, size_t done, bool *ended)
{
    uint64_t byte = 0;

    *ended = false;
    for (; done < n && !*ended; done += !*ended) {
        if (ward_touch_load_(from + done, 1, &byte))
            return (struct ward_bulk_){ done, byte };
        dst[done] = (char)(unsigned char)byte;
        *ended = byte == 0;
    }
    return (struct ward_bulk_){ done, 0 };
}

static bool has_zero(uint64_t word)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);

    return ((word - ones) & ~word & (ones << 7)) != 0;
}

/* The word in which the zero is was fetched already: it is taken apart here, not read again. */
static size_t split_word(char *dst, uint64_t word)
{
    unsigned char bytes[WORD];
    size_t i = 0;

    __builtin_memcpy(bytes, &word, WORD);
    for (; bytes[i] != 0; i++)
        dst[i] = (char)bytes[i];
    dst[i] = 0;
    return i;
}

struct ward_bulk_ ward_bulk_general_str_(char *dst, uintptr_t from, size_t n)
{
    bool ended;
    struct ward_bulk_ head = bytes_str(dst, from, ragged(from, n), 0, &ended);
    size_t i = head.done;
    uint64_t word = 0;

    if (head.kind || ended)
        return head;
    for (; n - i >= WORD; i += WORD) {
        if (ward_touch_load_(from + i, WORD, &word))
            return (struct ward_bulk_){ i, word };
        if (has_zero(word))
            return (struct ward_bulk_){ i + split_word(dst + i, word), 0 };
        __builtin_memcpy(dst + i, &word, WORD);
    }
    return bytes_str(dst, from, n, i, &ended);
}

/* --- The form --------------------------------------------------------------------------------- */

static bool always(void)
{
    return true;
}

const struct ward_bulk_form_ ward_bulk_general_ = {
    .name = "general",
    .usable = always,
    .in = ward_bulk_general_in_,
    .out = ward_bulk_general_out_,
    .fill = ward_bulk_general_fill_,
    .str = ward_bulk_general_str_,
};

/* --- By one form ------------------------------------------------------------------------------ */

int ward_bulk_in_by_(const struct ward_bulk_form_ *form, void *space, uintptr_t from, void *dst,
                     size_t n, void *why, ward_bulk_rest_ *rest)
{
    struct ward_bulk_ got = form->in(dst, from, n);

    return got.kind ? rest(space, from, dst, n, why, got) : 0;
}

int ward_bulk_out_by_(const struct ward_bulk_form_ *form, void *space, uintptr_t to,
                      const void *src, size_t n, void *why, ward_bulk_rest_ *rest)
{
    struct ward_bulk_ got = form->out(to, src, n);
    union {
        const void *src;
        void *ours;
    } bytes = { src }; /* rest only hands them back */

    return got.kind ? rest(space, to, bytes.ours, n, why, got) : 0;
}

ptrdiff_t ward_bulk_str_by_(const struct ward_bulk_form_ *form, void *space, uintptr_t from,
                            char *dst, size_t n, void *why, ward_bulk_str_rest_ *rest)
{
    struct ward_bulk_ got = form->str(dst, from, n);

    if (got.kind == 0 && got.done < n)
        return (ptrdiff_t)got.done;
    return rest(space, from, dst, n, why, got);
}
