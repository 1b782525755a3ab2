/* SPDX-License-Identifier: MIT */
/*
 * ward/ward.h: everything. Each header below also stands alone.
 */
#ifndef WARD_WARD_H
#define WARD_WARD_H

#include <ward/arith.h>
#include <ward/base.h>
#include <ward/bug.h>
#include <ward/bump.h>
#include <ward/differ.h>
#include <ward/guard.h>
#include <ward/guest.h>
#include <ward/heap.h>
#include <ward/host.h>
#include <ward/huge.h>
#include <ward/iov.h>
#include <ward/layout.h>
#include <ward/locked.h>
#include <ward/map.h>
#include <ward/mem.h>
#include <ward/notif.h>
#include <ward/pin.h>
#include <ward/policy.h>
#include <ward/process.h>
#include <ward/prot.h>
#include <ward/random.h>
#include <ward/recover.h>
#include <ward/region.h>
#include <ward/seal.h>
#include <ward/self.h>
#include <ward/slab.h>
#include <ward/space.h>
#include <ward/split.h>
#include <ward/static.h>
#include <ward/status.h>
#include <ward/user.h>

#endif
