/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/auxv.h>

#include <ward/host.h>

#include "files.h"
#include "options.h"
#include "root.h"

enum { NAME_CAP = 256, FILE_CAP = 4096, SHOWN = 80 };

extern char **environ;

extern const char *ward_options __attribute__((weak, visibility("default")));

static const struct profile {
    const char *name;
    unsigned policy;
} profiles[] = {
    { "fast", POLICY_FAST }, /* `ward run` knows the names, too */
    { "balanced", POLICY_BALANCED },
    { "strict", POLICY_STRICT },
    { "pages", POLICY_CHECKS | POLICY_PAGES | POLICY_FAMILY },
};

/* A part of a text. */
struct piece {
    const char *at;
    size_t len;
};

/* --- Saying what is wrong --------------------------------------------------------------------- */

struct line {
    char text[512];
    size_t len;
};

/* What is not printable does not reach a terminal as it is. */
static void put(struct line *line, const char *text, size_t len)
{
    for (size_t i = 0; i < len && line->len < sizeof line->text; i++)
        line->text[line->len++] = (char)(text[i] >= ' ' && text[i] <= '~' ? text[i] : '?');
}

static void put_string(struct line *line, const char *text)
{
    put(line, text, strlen(text));
}

/* option: NULL: none in particular. */
static void warn(const char *source, const char *what, const struct piece *option)
{
    struct line line = { .len = 0 };

    put_string(&line, "==ward== ");
    put(&line, source, strnlen(source, sizeof line.text / 2));
    put_string(&line, ": ");
    put_string(&line, what);
    if (option) {
        put_string(&line, ": \"");
        put(&line, option->at, option->len < SHOWN ? option->len : SHOWN);
        put_string(&line, "\"");
    }
    put_string(&line, ", ignored");
    line.text[line.len++] = '\n';
    ward_host_write(line.text, line.len);
}

/* --- Taking texts apart ----------------------------------------------------------------------- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct piece trim(struct piece piece)
{
    while (piece.len && is_blank(piece.at[0]))
        piece.at++, piece.len--;
    while (piece.len && is_blank(piece.at[piece.len - 1]))
        piece.len--;
    return piece;
}

static bool is(struct piece piece, const char *text)
{
    return piece.len == strlen(text) && memcmp(piece.at, text, piece.len) == 0;
}

/* These are false if there is no such value. */

static bool take_profile(struct options *options, struct piece value)
{
    for (size_t i = 0; i < sizeof profiles / sizeof *profiles; i++)
        if (is(value, profiles[i].name)) {
            options->policy = profiles[i].policy;
            options->profile = profiles[i].name;
            return true;
        }
    return false;
}

static bool take_stats(struct options *options, struct piece value)
{
    unsigned pid = 0;

    if (is(value, "all") || is(value, "no")) {
        options->stats = is(value, "all") ? STATS_ALL : 0;
        return true;
    }
    for (size_t i = 0; i < value.len; i++) {
        if (value.at[i] < '0' || value.at[i] > '9' || pid > INT32_MAX / 10 - 1)
            return false;
        pid = pid * 10 + (unsigned)(value.at[i] - '0');
    }
    options->stats = pid;
    return pid > 0;
}

static bool take_choice(bool *chosen, struct piece value, const char *yes, const char *no)
{
    if (!is(value, yes) && !is(value, no))
        return false;
    *chosen = is(value, yes);
    return true;
}

static bool take_sample(struct options *options, struct piece value)
{
    return take_choice(&options->no_sample, value, "off", "on");
}

static bool take_stacks(struct options *options, struct piece value)
{
    return take_choice(&options->moments, value, "all", "sample");
}

static bool take_foreign(struct options *options, struct piece value)
{
    return take_choice(&options->passes_foreign, value, "pass", "abort");
}

static bool take_align(struct options *options, struct piece value)
{
    return take_choice(&options->exact, value, "1", "16");
}

static bool ends_in(struct piece piece, const char *end)
{
    size_t len = strlen(end);

    return piece.len >= len && memcmp(piece.at + piece.len - len, end, len) == 0;
}

static bool take_report(struct options *options, struct piece value)
{
    struct output *output = &options->output;

    if (!is(value, "text") && !is(value, "json") &&
        (value.len == 0 || value.at[0] != '/' || value.len >= sizeof output->path))
        return false;
    output->form = is(value, "json") || ends_in(value, ".json") ? OUTPUT_JSON : OUTPUT_TEXT;
    value.len = value.at[0] == '/' ? value.len : 0;
    memcpy(output->path, value.at, value.len);
    output->path[value.len] = '\0';
    return true;
}

static bool take_report_bytes(struct options *options, struct piece value)
{
    return take_choice(&options->output.hides_bytes, value, "no", "yes");
}

static bool take_faults(struct options *options, struct piece value)
{
    return take_choice(&options->no_faults, value, "off", "on");
}

static bool take_lock(struct options *options, struct piece value)
{
    static const char *const choices[] = {
        [LOCK_OFF] = "off", [LOCK_COLD] = "cold", [LOCK_ALL] = "all"
    };

    for (unsigned i = LOCK_OFF; i <= LOCK_ALL; i++)
        if (is(value, choices[i])) {
            options->lock = (enum options_lock)i;
            return true;
        }
    return false;
}

static const struct name {
    const char *name;
    bool (*take)(struct options *options, struct piece value);
} names[] = {
    { "profile", take_profile }, { "sample", take_sample },
    { "align", take_align },     { "stacks", take_stacks },
    { "stats", take_stats },     { "faults", take_faults },
    { "report", take_report },   { "report_bytes", take_report_bytes },
    { "foreign", take_foreign }, { "lock", take_lock },
};

static const struct name *find_name(struct piece name)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (is(name, names[i].name))
            return &names[i];
    return NULL;
}

static void take_option(struct options *options, struct piece option, const char *source)
{
    const char *equals = memchr(option.at, '=', option.len);
    struct piece name = option, value = { NULL, 0 };
    const struct name *known;

    if (equals) {
        name.len = (size_t)(equals - option.at);
        value = trim((struct piece){ equals + 1, option.len - name.len - 1 });
    }
    known = find_name(trim(name));
    if (!known)
        warn(source, "unknown option", &option);
    else if (!equals || !known->take(options, value))
        warn(source, "unknown value", &option);
}

/* Up to the next of the separators, or the end. */
static struct piece first_of(const char *text, size_t len, const char *separators)
{
    struct piece piece = { text, 0 };

    while (piece.len < len && !(text[piece.len] && strchr(separators, text[piece.len])))
        piece.len++;
    return piece;
}

void ward_options_take_(struct options *options, const char *text, size_t len,
                        enum options_syntax syntax, const char *source)
{
    while (len) {
        struct piece whole = first_of(text, len, syntax == OPTIONS_BY_LINE ? "\n" : ":,");
        struct piece option =
            syntax == OPTIONS_BY_LINE ? first_of(whole.at, whole.len, "#") : whole;
        size_t used = whole.len < len ? whole.len + 1 : len;

        option = trim(option);
        if (option.len)
            take_option(options, option, source);
        text += used;
        len -= used;
    }
}

/* --- Sources ---------------------------------------------------------------------------------- */

void ward_options_take_file_(struct options *options, const char *path)
{
    char text[FILE_CAP];
    bool opened;
    ptrdiff_t len = ward_files_read_(path, text, sizeof text, &opened);

    if (len == -EACCES || (len < 0 && opened))
        warn(path, "cannot be read", NULL);
    else if (len == FILE_CAP)
        warn(path, "as large as 4096 bytes, or larger", NULL);
    else if (len > 0)
        ward_options_take_(options, text, (size_t)len, OPTIONS_BY_LINE, path);
}

/* To ask costs a twentieth of what it costs to learn the name of the program. */
static bool is_there(const char *directory)
{
    bool opened;

    return ward_files_read_(directory, NULL, 0, &opened) != -ENOENT;
}

static void take_file_of_program(struct options *options)
{
    static const char directory[] = "/etc/ward.d/", end[] = ".conf";
    char path[sizeof directory + NAME_CAP + sizeof end];
    size_t len = sizeof directory - 1;

    memcpy(path, directory, sizeof directory);
    if (!is_there(path) || !ward_files_program_(path + len, NAME_CAP))
        return;
    len += strlen(path + len);
    memcpy(path + len, end, sizeof end);
    ward_options_take_file_(options, path);
}

static void take_string(struct options *options, const char *text, const char *source)
{
    if (text)
        ward_options_take_(options, text, strlen(text), OPTIONS_IN_A_ROW, source);
}

static const char *from_environment(void)
{
    static const char name[] = "WARD_OPTIONS=";

    if (getauxval(AT_SECURE))
        return NULL;
    for (char **at = environ; at && *at; at++)
        if (strncmp(*at, name, sizeof name - 1) == 0)
            return *at + sizeof name - 1;
    return NULL;
}

struct options ward_options_get_(void)
{
    struct options options = { .policy = POLICY_BALANCED, .profile = "balanced" };

    take_string(&options, WARD_MALLOC_OPTIONS, "built in");
    take_string(&options, &ward_options ? ward_options : NULL, "ward_options");
    ward_options_take_file_(&options, "/etc/ward.conf");
    take_file_of_program(&options);
    take_string(&options, from_environment(), "WARD_OPTIONS");
    return options;
}
