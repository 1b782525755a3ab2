/* SPDX-License-Identifier: MIT */
#include "moment.h"
#include "trace.h"

struct moment ward_moment_take_(void)
{
    struct moment moment = ward_moment_now_();

    moment.trace = ward_trace_take_(0);
    return moment;
}
