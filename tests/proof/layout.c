/* SPDX-License-Identifier: MIT */
/* proves: ward_layout_ok ward_layout_init ward_layout_init_array ward_layout_stride */
#include "arith.h"

#include <ward/layout.h>

/*@ predicate is_layout(integer size, integer align) =
      0 < size && is_two(align) && size + (align - 1) <= PTRDIFF_MAX;

    // The distance of neighbours in an array: what m is, if it is the smallest multiple.
    predicate is_stride(integer m, integer size, integer align) =
      m % align == 0 && size <= m < size + align;
*/

/*@ requires layout == \null || \valid_read(layout);
    assigns \nothing;
    ensures \result <==> layout != \null && is_layout(layout->size, layout->align);
*/
bool ward_layout_ok(const struct ward_layout *layout);

/*@ requires out == \null || \valid(out);
    assigns *out;
    behavior null:
      assumes out == \null;
      assigns \nothing;
      ensures \result == -EINVAL;
    behavior good:
      assumes out != \null && is_layout(size, align);
      ensures \result == 0 && out->size == size && out->align == align;
    behavior bad:
      assumes out != \null && !is_layout(size, align);
      ensures \result == -EINVAL && out->size == 0 && out->align == 0;
    complete behaviors;
    disjoint behaviors;
*/
int ward_layout_init(struct ward_layout *out, size_t size, size_t align);

/*@ assigns \nothing;
    ensures is_layout(layout.size, layout.align) ==>
            is_stride(\result, layout.size, layout.align) && 0 < \result <= PTRDIFF_MAX;
    ensures !is_layout(layout.size, layout.align) ==> \result == 0;
*/
size_t ward_layout_stride(struct ward_layout layout);

/*@ requires out == \null || \valid(out);
    assigns *out;
    behavior null:
      assumes out == \null;
      assigns \nothing;
      ensures \result == -EINVAL;
    behavior bad:
      assumes out != \null && (!is_layout(of.size, of.align) || count == 0);
      ensures \result == -EINVAL && out->size == 0 && out->align == 0;
    behavior good:
      assumes out != \null && is_layout(of.size, of.align) && count != 0;
      ensures \result == 0 || \result == -EOVERFLOW;
      ensures \forall integer stride; is_stride(stride, of.size, of.align) ==>
              (\result == 0 <==> is_layout(stride * count, of.align));
      ensures \forall integer stride; \result == 0 && is_stride(stride, of.size, of.align) ==>
              out->size == stride * count && out->align == of.align;
      ensures \result != 0 ==> out->size == 0 && out->align == 0;
    complete behaviors;
    disjoint behaviors;
*/
int ward_layout_init_array(struct ward_layout *out, struct ward_layout of, size_t count);

#include "core/layout.c"
