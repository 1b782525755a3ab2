/* SPDX-License-Identifier: MIT */
#include "target.h"

#include <stdio.h>
#include <string.h>

static int digit_of(char byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    if (byte >= 'a' && byte <= 'f')
        return byte - 'a' + 10;
    return byte >= 'A' && byte <= 'F' ? byte - 'A' + 10 : 16;
}

bool parse_number(const char *text, uint64_t *number)
{
    unsigned base = strncmp(text, "0x", 2) == 0 || strncmp(text, "0X", 2) == 0 ? 16 : 10;
    uint64_t value = 0;

    text += base == 16 ? 2 : 0;
    if (!*text)
        return false;
    for (; *text; text++) {
        unsigned digit = (unsigned)digit_of(*text);

        if (digit >= base || value > (UINT64_MAX - digit) / base)
            return false;
        value = value * base + digit;
    }
    *number = value;
    return true;
}

bool parse_pid(const char *text, int *pid)
{
    uint64_t number;

    if (text[strspn(text, "0123456789")] || !parse_number(text, &number) || number == 0 ||
        number > INT32_MAX)
        return false;
    *pid = (int)number;
    return true;
}

int target_parse(struct target *target, const struct command *command, int argc, char **argv)
{
    int at = 1;

    *target = (struct target){ 0 };
    if (at < argc && strcmp(argv[at], "--force") == 0) {
        target->process.flags = WARD_PROCESS_FORCE;
        at++;
    }
    if (at < argc && argv[at][0] == '-')
        return misuse(command, "there is no option %s", argv[at]);
    if (argc - at < 3)
        return misuse(command, "PID, ADDR and TYPE are wanted");
    if (!parse_pid(argv[at], &target->process.pid))
        return misuse(command, "\"%s\" is no process number", argv[at]);
    if (!parse_number(argv[at + 1], &target->address))
        return misuse(command, "\"%s\" is no address", argv[at + 1]);
    target->type = argv[at + 2];
    target->rest = argv + at + 3;
    target->rest_count = argc - at - 3;
    return 0;
}

static const char *say_open_error(int error, bool force)
{
    switch (error) {
    case -ESRCH: return "there is no such process";
    case -EPERM: return "the system does not let you look (ptrace(2), access mode checking)";
    case -ENOTSUP:
        return force ? "this system lacks pidfd_open, or /proc"
                     : "this system lacks pidfd_open or process_vm_readv; --force may do";
    default: return strerror(-error);
    }
}

int target_open(struct target *target, const struct command *command)
{
    unsigned flags = target->process.flags;
    int pid = target->process.pid;
    int error = ward_process_open(&target->process, pid, flags);
    struct ward_process_info info;

    if (error) {
        fprintf(stderr, "ward %s: process %d: %s\n", command->name, pid,
                say_open_error(error, flags != 0));
        return NO_ENTRY;
    }
    ward_process_info_get(&target->process, &info);
    if (!info.notices_exec)
        fprintf(stderr, "ward %s: no /proc: that process %d runs another program is not noticed\n",
                command->name, pid);
    return 0;
}

int target_fail(const struct target *target, const struct command *command, size_t before,
                size_t total, const struct ward_fault *why)
{
    struct ward_fault fault = *why;

    ward_process_explain(&target->process, &fault);
    fprintf(stderr, "ward %s: %zu of %zu bytes %s; byte 0x%llx: ", command->name,
            before + fault.done, total, fault.access == WARD_WRITE ? "written" : "read",
            (unsigned long long)fault.addr);
    if (fault.kind == WARD_FAULT_GONE)
        fprintf(stderr, "process %d has ended, or runs another program\n", target->process.pid);
    else
        fprintf(stderr, "%s\n", ward_fault_name(fault.kind));
    return FAILED;
}
