/* SPDX-License-Identifier: MIT */
/* ward explain: what the code of a report means. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <ward/bug.h>

#include "command.h"
#include "target.h"

/* Wrapped, and indented by four where a line begins. */
struct explanation {
    const char *means, *sure, *next;
};

static const struct explanation explanations[] = {
    [WARD_BUG_DOUBLE_FREE] = {
        "The program freed a block that was free already.",
        "Certain: the block was recorded as free. When a block was freed twice and given\n"
        "    out again in between, it is the second owner's free that is reported.",
        "Look for two places that believe they own the block. One of them is often in a\n"
        "    path of errors. The report shows the last of the frees; with\n"
        "    WARD_OPTIONS=stacks=all also the first, and where the block was allocated.",
    },
    [WARD_BUG_WILD_FREE] = {
        "The program freed an address where there is no block, and never was.",
        "Certain that it is none of this allocator's. It may be another allocator's, on a\n"
        "    stack, or a pointer that was never set or was overwritten.",
        "Look where the pointer comes from. If another library gave it out, it has a\n"
        "    function of its own to take it back.",
    },
    [WARD_BUG_INTERIOR_FREE] = {
        "The program freed an address inside a block, not its start.",
        "Certain.",
        "Look for a pointer that was moved on, and freed instead of the one that was kept;\n"
        "    or for a member of a structure that was freed.",
    },
    [WARD_BUG_WRONG_SIZE] = {
        "The program freed a block, and named a size or an alignment that it has not.",
        "Certain. The block itself is sound.",
        "In C++ look for an object that is deleted by a pointer to a base class without a\n"
        "    virtual destructor, or new[] and delete; in C for a size that was computed twice.",
    },
    [WARD_BUG_OVERFLOW] = {
        "Bytes behind the end of a block were written.",
        "Certain that they changed. Likely it was by an overflow of this block; it can be\n"
        "    a stray write of something else. The report names the first changed byte.",
        "Look for what fills the block: a size without the final zero byte, a loop that runs\n"
        "    once too often. The write came earlier than the report: with `ward run --profile\n"
        "    pages` the program stops at it, as it does in a build with -fsanitize=address.",
    },
    [WARD_BUG_UNDERFLOW] = {
        "Bytes before a block were written.",
        "Certain that they changed. Likely it was by an index below zero.",
        "Look for what writes backwards from the block's start, or subtracts too much.",
    },
    [WARD_BUG_WRITE_AFTER_FREE] = {
        "A block was written to after it was freed.",
        "Certain that free memory changed. Likely a pointer to the block was used after\n"
        "    its free; it can be an overflow of a neighbour, or a stray write.",
        "Look for who keeps a pointer to the block when it is freed. The write came earlier\n"
        "    than the report: with `ward run --profile pages` the program stops at it.",
    },
    [WARD_BUG_STALE_HANDLE] = {
        "A handle was used whose block was freed.",
        "Certain.",
        "Look for who keeps the handle when the block is freed.",
    },
    [WARD_BUG_METADATA] = {
        "The allocator's own records are damaged.",
        "Certain that they make no sense. They lie where no overflow reaches them, so the\n"
        "    cause is a write to a wild address, broken memory, or a bug in ward.",
        "Treat it as an attack until you know better. If it comes again with another\n"
        "    address each time, test the machine's memory; if not, please report it.",
    },
    [WARD_BUG_FORKED] = {
        "A child process used memory that a fork leaves behind, or wipes.",
        "Certain.",
        "Let the child make its allocator anew, or exec.",
    },
    [WARD_BUG_OUT_OF_BOUNDS] = {
        "The program read or wrote beyond a block, and met a guard.",
        "Certain that the address is no block's. Likely it was meant for the block that\n"
        "    the report names, which is the nearest; a wild pointer can hit a guard, too.",
        "The report was made at the very instruction: look at its stack. The stack of the\n"
        "    allocation tells how large the block was meant to be.",
    },
    [WARD_BUG_USE_AFTER_FREE] = {
        "The program read or wrote a block after it was freed.",
        "Certain that no block is there now, and that there was one. Likely it is that one\n"
        "    that was meant; a wild pointer can hit a freed block, too.",
        "The report was made at the very instruction: look at its stack, and at that of the\n"
        "    free. Look for who still holds the pointer then.",
    },
    [WARD_BUG_MISMATCH] = {
        "The program freed a block by a function that does not belong to its allocation.",
        "Certain: malloc and delete, new and delete[], new with an alignment and delete\n"
        "    without do not belong together. The program goes on.",
        "Free with what belongs to the allocation that the report names. Destructors that\n"
        "    do not run, or run for one object of many, are the usual harm.",
    },
};

_Static_assert(sizeof explanations / sizeof *explanations == WARD_BUG_KIND_END_,
               "every kind of bug is explained");

enum { PREFIX = sizeof "WARD-" - 1 };

/* In any case, with or without WARD- . False: no such code. */
static bool is_code(const char *word, enum ward_bug_kind kind)
{
    const char *code = ward_bug_code(kind);

    return strcasecmp(word, code) == 0 || strcasecmp(word, code + PREFIX) == 0;
}

static void print_all(FILE *to)
{
    for (unsigned kind = 1; kind < WARD_BUG_KIND_END_; kind++)
        fprintf(to, "%-22s %s\n", ward_bug_code((enum ward_bug_kind)kind),
                explanations[kind].means);
}

static void print_code(enum ward_bug_kind kind)
{
    const struct explanation *about = &explanations[kind];

    printf("%s (CWE-%u)\n\nWhat it means\n    %s\n\nHow sure it is\n    %s\n\nWhat to do next\n"
           "    %s\n",
           ward_bug_code(kind), ward_bug_cwe(kind), about->means, about->sure, about->next);
}

/* The number in "415" or "CWE-415"; 0: it is no such word. */
static uint64_t cwe_of(const char *word)
{
    const char *digits = strncasecmp(word, "CWE-", 4) == 0 ? word + 4 : word;
    uint64_t cwe = 0;

    return parse_number(digits, &cwe) ? cwe : 0;
}

/* Several codes may have one CWE number: each is explained. */
static int print_matching(const char *word)
{
    uint64_t cwe = cwe_of(word);
    unsigned count = 0;

    for (unsigned kind = 1; kind < WARD_BUG_KIND_END_; kind++) {
        if (!is_code(word, (enum ward_bug_kind)kind) &&
            (cwe == 0 || cwe != ward_bug_cwe((enum ward_bug_kind)kind)))
            continue;
        if (count++)
            putchar('\n');
        print_code((enum ward_bug_kind)kind);
    }
    if (count)
        return DONE;
    fprintf(stderr, "ward explain: there is no code \"%s\"; there are\n\n", word);
    print_all(stderr);
    return MISUSED;
}

static int explain(int argc, char **argv)
{
    if (argc > 2)
        return misuse(&explain_command, "\"%s\" is too much", argv[2]);
    if (argc < 2) {
        print_all(stdout);
        return DONE;
    }
    return print_matching(argv[1]);
}

const struct command explain_command = {
    .name = "explain",
    .arguments = "[CODE|CWE]",
    .purpose = "says what the code of a report means",
    .help =
        "CODE is as in the report, such as WARD-DOUBLE-FREE, or without WARD-. Without CODE all\n"
        "are listed. A CWE number, such as CWE-415 or 415, stands for all codes that have it.\n\n"
        "The exit status is 0; 2 if there is no such code.\n",
    .run = explain,
};
