/* SPDX-License-Identifier: MIT */
/* How the malloc reads options: of texts and of files, and what it says of those it knows not. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "malloc/files.h"
#include "malloc/options.h"
#include "malloc/root.h"

static char path[] = "/tmp/ward-options-XXXXXX";
static struct options last; /* after take() */
static char said[4096];     /* on standard error by the last take() */

/* Begins with a policy that no profile has. */
enum { NONE = 0x4711 };

static struct options options; /* after the last take() */

/* text NULL: the file at from. */
static unsigned take(const char *text, size_t len, enum options_syntax syntax, const char *from)
{
    FILE *file = tmpfile();
    int kept = dup(2);
    size_t got;

    assert_true(file && kept >= 0 && dup2(fileno(file), 2) == 2);
    options = (struct options){ .policy = NONE };
    errno = 4711;
    if (text)
        ward_options_take_(&options, text, len, syntax, from);
    else
        ward_options_take_file_(&options, from);
    assert_int_equal(errno, 4711);
    assert_true(dup2(kept, 2) == 2);
    close(kept);
    rewind(file);
    got = fread(said, 1, sizeof said - 1, file);
    said[got] = '\0';
    fclose(file);
    last = options;
    return options.policy;
}

static unsigned row(const char *text)
{
    return take(text, strlen(text), OPTIONS_IN_A_ROW, "here");
}

static unsigned lines(const char *text)
{
    return take(text, strlen(text), OPTIONS_BY_LINE, "there");
}

static unsigned file_with(const char *bytes, size_t len)
{
    int fd = open(path, O_WRONLY | O_TRUNC);

    assert_true(fd >= 0 && write(fd, bytes, len) == (ssize_t)len);
    close(fd);
    return take(NULL, 0, OPTIONS_BY_LINE, path);
}

static void each_option_is_taken(void **state)
{
    (void)state;
    assert_int_equal(row("profile=pages"), POLICY_CHECKS | POLICY_PAGES | POLICY_FAMILY);
    row("sample=off:align=1");
    assert_true(options.no_sample && options.exact);
    row("sample=off:align=1:sample=on:align=16");
    assert_false(options.no_sample || options.exact);
    row("foreign=pass");
    assert_true(options.passes_foreign);
    row("foreign=pass:foreign=abort");
    assert_false(options.passes_foreign);
    row("lock=all");
    assert_int_equal(options.lock, LOCK_ALL);
    row("lock=cold:lock=off");
    assert_int_equal(options.lock, LOCK_OFF);
    row("align=2");
    assert_non_null(strstr(said, "unknown value: \"align=2\""));
}

static void the_last_of_a_row_wins(void **state)
{
    (void)state;
    assert_int_equal(row("profile=fast"), POLICY_FAST);
    assert_int_equal(row("profile=balanced"), POLICY_BALANCED);
    assert_int_equal(row("profile=balanced:profile=fast"), POLICY_FAST);
    assert_int_equal(row("profile=fast,profile=balanced"), POLICY_BALANCED);
    assert_int_equal(row(":, profile = fast \t,:"), POLICY_FAST);
    assert_int_equal(row(""), NONE);
    assert_string_equal(said, "");
}

static void statistics_are_of_all_processes_or_of_one(void **state)
{
    static const char *const wrong[] = { "stats",
                                         "stats=",
                                         "stats=0",
                                         "stats=-1",
                                         "stats=1x",
                                         "stats=4294967296",
                                         "stats=99999999999999999999" };

    (void)state;
    row("");
    assert_int_equal(last.stats, 0);
    row("stats=all");
    assert_true(last.stats == STATS_ALL);
    row("stats=all:stats=4711");
    assert_int_equal(last.stats, 4711);
    row("stats=4711:stats=no");
    assert_int_equal(last.stats, 0);
    assert_string_equal(said, "");
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        row(wrong[i]);
        assert_int_equal(last.stats, 0);
        assert_non_null(strstr(said, "unknown value"));
    }
}

static void the_profile_has_its_name(void **state)
{
    (void)state;
    row("profile=balanced:profile=fast");
    assert_string_equal(last.profile, "fast");
}

static void a_line_has_one_option_and_a_comment(void **state)
{
    (void)state;
    assert_int_equal(lines("profile=fast\n"), POLICY_FAST);
    assert_int_equal(lines("# profile=fast\n\n  profile=balanced # so: it, is\r\n"),
                     POLICY_BALANCED);
    assert_int_equal(lines("profile=balanced\nprofile=fast"), POLICY_FAST);
    assert_int_equal(lines("#profile=fast"), NONE);
    assert_string_equal(said, "");
    assert_int_equal(lines("profile=fast:profile=balanced\n"), NONE);
    assert_string_equal(
        said, "==ward== there: unknown value: \"profile=fast:profile=balanced\", ignored\n");
}

static void what_is_not_known_is_said_and_ignored(void **state)
{
    (void)state;
    assert_int_equal(row("profile=fast:colour=red"), POLICY_FAST);
    assert_string_equal(said, "==ward== here: unknown option: \"colour=red\", ignored\n");
    assert_int_equal(row("profile=fast,profile=fastest"), POLICY_FAST);
    assert_string_equal(said, "==ward== here: unknown value: \"profile=fastest\", ignored\n");
    assert_int_equal(row("profile=fas"), NONE);
    assert_string_equal(said, "==ward== here: unknown value: \"profile=fas\", ignored\n");
    assert_int_equal(row("profile=slow"), NONE);
    assert_string_equal(said, "==ward== here: unknown value: \"profile=slow\", ignored\n");
    assert_int_equal(row("profess=fast"), NONE);
    assert_string_equal(said, "==ward== here: unknown option: \"profess=fast\", ignored\n");
    assert_int_equal(row("profile="), NONE);
    assert_string_equal(said, "==ward== here: unknown value: \"profile=\", ignored\n");
    assert_int_equal(row("profile"), NONE);
    assert_string_equal(said, "==ward== here: unknown value: \"profile\", ignored\n");
    assert_int_equal(row("profiles=fast"), NONE);
    assert_string_equal(said, "==ward== here: unknown option: \"profiles=fast\", ignored\n");
    assert_int_equal(row("=fast"), NONE);
    assert_string_equal(said, "==ward== here: unknown option: \"=fast\", ignored\n");
}

static struct output output_of(const char *text)
{
    row(text);
    assert_string_equal(said, "");
    return options.output;
}

static void reports_go_where_they_are_wanted(void **state)
{
    struct output output = output_of("report=/var/log/ward.%p.txt");

    (void)state;
    assert_string_equal(output.path, "/var/log/ward.%p.txt");
    assert_int_equal(output.form, OUTPUT_TEXT);
    output = output_of("report=/var/log/ward.json");
    assert_string_equal(output.path, "/var/log/ward.json");
    assert_int_equal(output.form, OUTPUT_JSON);
    output = output_of("report=/tmp/x:report=json");
    assert_string_equal(output.path, "");
    assert_int_equal(output.form, OUTPUT_JSON);
    output = output_of("report=json:report=text:report_bytes=no");
    assert_int_equal(output.form, OUTPUT_TEXT);
    assert_true(output.hides_bytes);
    assert_false(output_of("report_bytes=no:report_bytes=yes").hides_bytes);
}

static void report_has_no_other_place(void **state)
{
    char text[8 + OUTPUT_PATH_CAP] = "report=/";

    (void)state;
    for (const char **bad = (const char *[]){ "report=", "report", "report=xml", "report=ward.txt",
                                              "report_bytes=", "report_bytes=1", NULL };
         *bad; bad++) {
        row(*bad);
        assert_non_null(strstr(said, "unknown value"));
    }
    memset(text + 8, 'x', OUTPUT_PATH_CAP - 1);
    row(text);
    assert_non_null(strstr(said, "unknown value"));
    text[7 + OUTPUT_PATH_CAP - 1] = '\0';
    row(text);
    assert_string_equal(said, "");
}

static void any_bytes_are_read_and_few_are_shown(void **state)
{
    static const char zero[] = "profile=fast\0\n\x1b[31m";
    char text[3000];

    (void)state;
    assert_int_equal(take(zero, sizeof zero - 1, OPTIONS_IN_A_ROW, "here"), NONE);
    assert_string_equal(said, "==ward== here: unknown value: \"profile=fast???[31m\", ignored\n");
    memset(text, 'x', sizeof text);
    assert_int_equal(take(text, sizeof text, OPTIONS_IN_A_ROW, "here"), NONE);
    assert_true(strlen(said) < 200);
    text[sizeof text - 1] = '\0';
    assert_int_equal(take("x", 1, OPTIONS_BY_LINE, text), NONE);
    assert_string_equal(said + strlen(said) - 10, ", ignored\n");
}

static void blanks_are_nothing(void **state)
{
    char *exact = malloc(2);

    (void)state;
    memcpy(exact, " \t", 2);
    assert_int_equal(take(exact, 2, OPTIONS_IN_A_ROW, "here"), NONE);
    assert_int_equal(take(exact, 2, OPTIONS_BY_LINE, "here"), NONE);
    assert_string_equal(said, "");
    free(exact);
}

static void every_end_of_a_text_is_one(void **state)
{
    static const char text[] = "profile=fast:profile=balanced";

    (void)state;
    for (size_t len = 0; len < sizeof text; len++) {
        char *exact = malloc(len ? len : 1); /* so that a read behind it is noticed */
        unsigned expected = len == sizeof text - 1 ? POLICY_BALANCED
                            : len >= 12            ? POLICY_FAST
                                                   : NONE;

        memcpy(exact, text, len);
        assert_int_equal(take(exact, len, OPTIONS_IN_A_ROW, "here"), expected);
        free(exact);
    }
}

static void files_are_read_whole_or_not(void **state)
{
    char text[4096];

    (void)state;
    assert_int_equal(file_with("profile=fast\n", 13), POLICY_FAST);
    assert_int_equal(file_with("", 0), NONE);
    assert_string_equal(said, "");
    memset(text, ' ', sizeof text);
    memcpy(text, "profile=fast\n#", 14);
    assert_int_equal(file_with(text, sizeof text - 1), POLICY_FAST);
    assert_int_equal(file_with(text, sizeof text), NONE);
    assert_non_null(strstr(said, "4096 bytes"));
}

static void what_is_no_file_is_not_there(void **state)
{
    (void)state;
    assert_int_equal(take(NULL, 0, OPTIONS_BY_LINE, "/nowhere/at/all"), NONE);
    assert_string_equal(said, "");
    assert_int_equal(take(NULL, 0, OPTIONS_BY_LINE, "/dev/null"), NONE);
    assert_string_equal(said, "");
    assert_int_equal(take(NULL, 0, OPTIONS_BY_LINE, "/tmp"), NONE);
    assert_string_equal(said, "==ward== /tmp: cannot be read, ignored\n");
}

static void a_fifo_is_not_waited_for(void **state)
{
    (void)state;
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    alarm(20);
    assert_int_equal(take(NULL, 0, OPTIONS_BY_LINE, path), NONE);
    alarm(0);
}

static void the_program_knows_its_name(void **state)
{
    char name[256];

    (void)state;
    assert_true(ward_files_program_(name, sizeof name));
    assert_string_equal(name, program_invocation_short_name);
    assert_false(ward_files_program_(name, strlen(program_invocation_short_name)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_option_is_taken),
        cmocka_unit_test(the_last_of_a_row_wins),
        cmocka_unit_test(statistics_are_of_all_processes_or_of_one),
        cmocka_unit_test(the_profile_has_its_name),
        cmocka_unit_test(a_line_has_one_option_and_a_comment),
        cmocka_unit_test(what_is_not_known_is_said_and_ignored),
        cmocka_unit_test(reports_go_where_they_are_wanted),
        cmocka_unit_test(report_has_no_other_place),
        cmocka_unit_test(any_bytes_are_read_and_few_are_shown),
        cmocka_unit_test(blanks_are_nothing),
        cmocka_unit_test(every_end_of_a_text_is_one),
        cmocka_unit_test(files_are_read_whole_or_not),
        cmocka_unit_test(what_is_no_file_is_not_there),
        cmocka_unit_test(a_fifo_is_not_waited_for),
        cmocka_unit_test(the_program_knows_its_name),
    };
    int fd = mkstemp(path), failed;

    if (fd < 0)
        return 1;
    close(fd);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(path);
    return failed;
}
