/* SPDX-License-Identifier: MIT */
/* One form so far: words in general registers. */
#include "arch/one_form.h"

const struct ward_bulk_form_ *const ward_bulk_forms_[] = { &ward_bulk_general_ };
const size_t ward_bulk_form_count_ = 1;

WARD_ARCH_ONE_FORM_(ward_bulk_general_)
