/* SPDX-License-Identifier: MIT */
/* ward doctor: what this machine gives, or what a program would be missing. */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "preload.h"
#include "probes.h"
#include "program.h"
#include "symbols.h"

/* --- The machine ------------------------------------------------------------------------------ */

static void print_probe(const struct probe *probe)
{
    char detail[PROBE_DETAIL] = "";
    int error = probe->try(detail);
    const char *word = !probe->without ? "" : error ? "no" : "yes";

    printf("%-4s%-24s %s", word, probe->name, detail);
    if (error) {
        printf("%s%s\n%28s without it: %s", *detail ? ": " : "",
               error == -EFAULT ? "it is accepted, and does nothing" : strerror(-error), "",
               probe->without ? probe->without : "it is not known");
    }
    putchar('\n');
}

static int examine_machine(void)
{
    char library[PATH_MAX];
    const char *why;
    bool found = preload_find(library, &why);

    for (size_t i = 0; i < probes_count; i++)
        print_probe(&probes[i]);
    printf("%-4s%-24s %s\n", found ? "yes" : "no", "hardened malloc", found ? library : why);
    return found ? DONE : FAILED;
}

/* --- A program -------------------------------------------------------------------------------- */

/* Prints what is wrong; returns how many things. */
static unsigned print_symbols(const struct symbols *symbols)
{
    unsigned wrong = 0;

    if (symbols->sanitizer) {
        printf("no  it was built with %s, which brings a malloc of its own: the two do not\n"
               "    go together\n",
               symbols->sanitizer);
        wrong++;
    }
    if (symbols->own_malloc && !symbols->has_ward) {
        printf(
            "no  it defines malloc itself%s%s: the loader takes that one, and ward's is not used\n",
            symbols->allocator ? ": " : "", symbols->allocator ? symbols->allocator : "");
        wrong++;
    } else if (symbols->allocator) {
        printf("no  it uses %s by name: what it takes from there and gives to free is\n"
               "    reported as a wild free\n",
               symbols->allocator);
        wrong++;
    } else if (symbols->linked) {
        printf(
            "?   it is linked with %s: ward's malloc comes first; what it takes from there\n"
            "    under other names than malloc's, and gives to free, is reported as a wild free\n",
            symbols->linked);
    }
    if (symbols->is_go) {
        puts(
            "no  it is written in Go, which allocates for itself: only its parts in C are checked");
        wrong++;
    }
    if (!symbols->known)
        puts("?   it has no table of dynamic symbols: that it has a malloc of its own is not seen");
    return wrong;
}

static int examine_open(const char *executable, int fd, const char *library)
{
    enum obstacle obstacle = program_obstacle_of(fd, library);
    struct symbols symbols = { .known = true };
    bool linked = obstacle == TAKES_NO_OPTION;
    unsigned wrong = obstacle != NO_OBSTACLE && !linked;

    if (obstacle)
        printf("%s %s %s\n", linked ? "?  " : "no ", executable, program_say(obstacle));
    if (obstacle != OTHER_MACHINE)
        symbols_look(fd, &symbols);
    if (obstacle == IS_STATIC || symbols.has_ward)
        symbols.known = true;
    wrong += print_symbols(&symbols);
    if (!wrong)
        puts(symbols.has_ward || symbols.names_ward
                 ? "yes the hardened malloc is linked into it"
                 : "yes ward run can give it the hardened malloc");
    return wrong ? FAILED : DONE;
}

static int examine_program(const char *name)
{
    char library[PATH_MAX], path[PATH_MAX], executable[PATH_MAX];
    const char *why;
    int status, fd;

    if (!preload_find(library, &why)) {
        fprintf(stderr, "ward doctor: %s\n", why);
        return FAILED;
    }
    fd = program_find(name, path);
    if (fd == 0)
        fd = program_open(path, executable);
    if (fd < 0) {
        fprintf(stderr, "ward doctor: %s: %s\n", *name ? name : "\"\"", strerror(-fd));
        return NO_ENTRY;
    }
    printf("%s\n", path);
    if (strcmp(path, executable) != 0)
        printf("    is a script: what counts is %s\n", executable);
    status = examine_open(executable, fd, library);
    close(fd);
    return status;
}

static int doctor(int argc, char **argv)
{
    if (argc > 1 && argv[1][0] == '-')
        return misuse(&doctor_command, "there is no option %s", argv[1]);
    if (argc > 2)
        return misuse(&doctor_command, "\"%s\" is too much", argv[2]);
    return argc > 1 ? examine_program(argv[1]) : examine_machine();
}

const struct command doctor_command = {
    .name = "doctor",
    .arguments = "[PROG]",
    .purpose = "says what this machine gives, or what a program would be missing",
    .help =
        "Without PROG everything that ward would like to have is tried: it is there, or what is\n"
        "done without it is said. With PROG that program is looked at, or what a script is\n"
        "executed by: whether the hardened malloc gets into it, and whether it would be used.\n\n"
        "The exit status is 0; 1 if the malloc is not found, or not for PROG; 2 if the command\n"
        "line makes no sense; 3 if PROG cannot be opened.\n",
    .run = doctor,
};
