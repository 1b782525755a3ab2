/* SPDX-License-Identifier: MIT */
/* proves: ward_is_pow2 ward_add ward_mul ward_round_down ward_round_up */
/* proves: ward_within ward_overlap */
#include "arith.h"
