/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <ward/base.h>

#include "command.h"

static const struct command *const commands[] = {
    &run_command,    &explain_command,  &symbolize_command, &stat_command,
    &doctor_command, &selftest_command, &peek_command,      &poke_command,
};

enum { COMMANDS = sizeof commands / sizeof commands[0] };

int misuse(const struct command *command, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    fprintf(stderr, "ward %s: ", command->name);
    (void)vfprintf(stderr, format, arguments);
    fprintf(stderr, "\nusage: ward %s %s\n", command->name, command->arguments);
    va_end(arguments);
    return MISUSED;
}

const char *option_value(char **argv, int argc, int *at, const char *name)
{
    const char *option = argv[*at];
    size_t len = strlen(name);

    if (strncmp(option, name, len) != 0 || (option[len] != '\0' && option[len] != '='))
        return NULL;
    if (option[len] == '=')
        return option + len + 1;
    return ++*at < argc ? argv[*at] : "";
}

static const struct command *find(const char *name)
{
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

static void print_commands(FILE *to)
{
    fputs("usage: ward COMMAND [ARGUMENT...]\n\n", to);
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf(to, "    %-10s %s\n", commands[i]->name, commands[i]->purpose);
    fputs("    help       what a command does: ward help COMMAND\n"
          "    version    the version of ward\n",
          to);
}

static int unknown(const char *name)
{
    fprintf(stderr, "ward: there is no command \"%s\"\n", name);
    print_commands(stderr);
    return MISUSED;
}

static bool is_either(const char *word, const char *one, const char *other)
{
    return strcmp(word, one) == 0 || strcmp(word, other) == 0;
}

/* name NULL: of all. Of help and version there is no more to say than stands there. */
static int help(const char *name)
{
    const struct command *command = name ? find(name) : NULL;

    if (!name || is_either(name, "help", "version") || is_either(name, "--help", "-h"))
        print_commands(stdout);
    else if (!command)
        return unknown(name);
    else
        printf("usage: ward %s %s\n\n%s.\n\n%s", command->name, command->arguments,
               command->purpose, command->help);
    return DONE;
}

static int version(void)
{
    printf("ward %d.%d.%d\n", WARD_VERSION_MAJOR, WARD_VERSION_MINOR, WARD_VERSION_PATCH);
    return DONE;
}

static int surplus(const char *word)
{
    fprintf(stderr, "ward: \"%s\" is too much\n", word);
    return MISUSED;
}

static int run(int argc, char **argv)
{
    const struct command *command;

    if (argc < 2) {
        print_commands(stderr);
        return MISUSED;
    }
    if (is_either(argv[1], "help", "--help") || strcmp(argv[1], "-h") == 0)
        return argc > 3 ? surplus(argv[3]) : help(argc > 2 ? argv[2] : NULL);
    if (is_either(argv[1], "version", "--version"))
        return argc > 2 ? surplus(argv[2]) : version();
    command = find(argv[1]);
    if (!command)
        return unknown(argv[1]);
    if (argc > 2 && is_either(argv[2], "--help", "-h"))
        return help(command->name);
    return command->run(argc - 1, argv + 1);
}

/* What was printed counts only if it arrived. */
int main(int argc, char **argv)
{
    int status = run(argc, argv);

    if (fflush(stdout) || ferror(stdout)) {
        perror("ward: standard output");
        status = status ? status : FAILED;
    }
    return status;
}
