/* SPDX-License-Identifier: MIT */
#include "arch/no_key.h"
