/* SPDX-License-Identifier: MIT */
/* ward symbolize: adds the names of functions, and lines of source, to reports. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "core/bug.h"
#include "symbolize.h"

/* As it was read, but for the newline at its end, if it had one. */
struct line {
    char *text;
    size_t len;
    bool ends;
};

/* The build ids are said behind the stacks, so the lines of a report are read before the first is
 * printed. */
struct lines {
    struct line *at;
    size_t count;
};

/* A line of a stack: "    #0  0x5561ff4cc09c /usr/bin/prog+0x109c". */
struct place {
    size_t before; /* characters before the path */
    char *path;
    uint64_t offset;
};

/* --- Lines ------------------------------------------------------------------------------------ */

static bool add_line(struct lines *lines, struct line line)
{
    struct line *grown = lines->at;

    if ((lines->count & (lines->count - 1)) == 0)
        grown = realloc(lines->at, (lines->count ? 2 * lines->count : 1) * sizeof *grown);
    if (!grown)
        return false;
    lines->at = grown;
    lines->at[lines->count++] = line;
    return true;
}

/* False: there is no more, or it cannot be had. */
static bool read_line(FILE *from, struct line *line)
{
    size_t cap = 0;
    ssize_t len;

    line->text = NULL;
    len = getline(&line->text, &cap, from);
    if (len < 0) {
        free(line->text);
        return false;
    }
    line->ends = line->text[len - 1] == '\n';
    line->len = (size_t)len - line->ends;
    line->text[line->len] = '\0';
    return true;
}

static void free_lines(struct lines *lines)
{
    for (size_t i = 0; i < lines->count; i++)
        free(lines->at[i].text);
    free(lines->at);
    *lines = (struct lines){ NULL, 0 };
}

/* --- What they say ---------------------------------------------------------------------------- */

/* Leaves a path that is to be freed. */
static bool parse_place(const char *line, struct place *place)
{
    unsigned number;
    unsigned long long pc;
    int used = 0;
    const char *plus = NULL;
    char *end;

    if (sscanf(line, " #%u 0x%llx %n", &number, &pc, &used) < 2 || used == 0)
        return false;
    for (const char *at = line + used; (at = strstr(at, "+0x")); at++)
        plus = at;
    if (!plus || plus == line + used)
        return false;
    place->before = (size_t)used;
    place->offset = strtoull(plus + 3, &end, 16);
    if (*end)
        return false;
    place->path = strndup(line + used, (size_t)(plus - line) - place->before);
    return place->path != NULL;
}

/* "    /usr/bin/prog at 0x5561ff4cb000, build id 93ac61": the id, or NULL. */
static const char *id_of(const char *line, const char *path)
{
    static const char label[] = ", build id ";
    size_t len = strlen(path);
    const char *id = strstr(line, label);

    line += strspn(line, " ");
    if (!id || strncmp(line, path, len) != 0 || strncmp(line + len, " at 0x", 6) != 0)
        return NULL;
    return id + sizeof label - 1;
}

/* Behind the line, since a file may hold more than one report. "": not said. */
static const char *find_id(const struct lines *lines, size_t from, const char *path)
{
    for (size_t i = from; i < lines->count; i++) {
        const char *id = id_of(lines->at[i].text, path);

        if (id)
            return id;
    }
    return "";
}

/* --- Printing --------------------------------------------------------------------------------- */

static void print_why(const char *line, const char *why)
{
    fputs(line, stdout);
    if (why)
        printf(" (%s)", why);
}

static void print_name(const char *line, const struct place *place, const struct name *name)
{
    printf("%.*s%s", (int)place->before, line, name->function ? name->function : "??");
    if (name->file)
        printf(" at %s:%d", name->file, name->line);
    printf(" (%s)", line + place->before);
}

/* False: it is no line of a stack. */
static bool print_place(struct names *names, const struct lines *lines, size_t i)
{
    const char *line = lines->at[i].text;
    bool is_struck = i > 0 && strstr(lines->at[i - 1].text, "struck") && strstr(line, "#0 ");
    struct place place = { .path = NULL };
    struct name name;
    const char *id;

    if (strlen(line) != lines->at[i].len || !parse_place(line, &place))
        return false;
    id = find_id(lines, i, place.path);
    if (names_find(names, place.path, id, symbolize_address(place.offset, is_struck), &name))
        print_name(line, &place, &name);
    else
        print_why(line, names_lack(names, place.path, id));
    free(place.path);
    return true;
}

static void print_line(struct names *names, const struct lines *lines, size_t i)
{
    const struct line *line = &lines->at[i];

    if (line->text[0] == '{' && symbolize_json(names, line->text, stdout))
        return;
    if (!print_place(names, lines, i))
        (void)fwrite(line->text, 1, line->len, stdout);
    if (line->ends)
        putchar('\n');
}

static void print_lines(struct names *names, struct lines *lines)
{
    for (size_t i = 0; i < lines->count; i++)
        print_line(names, lines, i);
    (void)fflush(stdout);
    free_lines(lines);
}

/* What is no report goes on at once; one ends with the line of WARD_BUG_BLAME_. */
static bool copy(struct names *names, FILE *from, struct lines *lines)
{
    enum { REPORT_MOST = 1000 };
    bool in_report = false;
    struct line line;

    while (read_line(from, &line)) {
        if (!add_line(lines, line)) {
            free(line.text);
            return false;
        }
        in_report |= strstr(line.text, "==ward== WARD-") != NULL;
        if (in_report && !strstr(line.text, WARD_BUG_BLAME_) && lines->count < REPORT_MOST)
            continue;
        print_lines(names, lines);
        in_report = false;
    }
    return !ferror(from);
}

static int symbolize_file(FILE *from, const char *path)
{
    struct names *names = names_open();
    struct lines lines = { NULL, 0 };
    bool done;
    int error;

    if (!names)
        fputs("ward symbolize: this ward was built without libdw, and knows no names\n", stderr);
    done = copy(names, from, &lines);
    error = errno;
    print_lines(names, &lines);
    names_close(names);
    if (!done)
        fprintf(stderr, "ward symbolize: %s: %s\n", path, strerror(error));
    return done && names ? DONE : FAILED;
}

static int symbolize(int argc, char **argv)
{
    FILE *from = stdin;
    int status;

    if (argc > 2)
        return misuse(&symbolize_command, "\"%s\" is too much", argv[2]);
    if (argc == 2 && argv[1][0] == '-' && argv[1][1])
        return misuse(&symbolize_command, "there is no option %s", argv[1]);
    if (argc == 2 && strcmp(argv[1], "-") != 0) {
        from = fopen(argv[1], "r");
        if (!from) {
            fprintf(stderr, "ward symbolize: %s: %s\n", argv[1], strerror(errno));
            return FAILED;
        }
    }
    status = symbolize_file(from, argc == 2 ? argv[1] : "standard input");
    if (from != stdin)
        (void)fclose(from);
    return status;
}

const struct command symbolize_command = {
    .name = "symbolize",
    .arguments = "[FILE]",
    .purpose = "adds the names of functions to a report",
    .help =
        "Copies FILE, or standard input, to standard output. Where a line is one of a stack, the\n"
        "name of the function and its line of source are added, as far as the object file and\n"
        "its debugging information tell; in a report as JSON they are members of the frames.\n"
        "Names of C++ are shown as in the source, where its runtime is installed. All other\n"
        "lines stay as they are.\n\n"
        "    ward run PROG 2>&1 | ward symbolize\n\n"
        "The files must be the ones that ran, by their build ids. Debugging information is\n"
        "also looked for below /usr/lib/debug, and on the servers that DEBUGINFOD_URLS names.\n\n"
        "The exit status is 0; 1 if FILE cannot be read, or this ward knows no names at all;\n"
        "2 if the command line makes no sense.\n",
    .run = symbolize,
};
