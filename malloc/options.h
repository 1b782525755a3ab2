/* SPDX-License-Identifier: MIT */
/* What was asked for. */
#ifndef WARD_MALLOC_OPTIONS_H
#define WARD_MALLOC_OPTIONS_H

/* The policy of the chosen profile. */
unsigned ward_options_policy_(void);

#endif
