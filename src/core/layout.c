/* SPDX-License-Identifier: MIT */
#include <ward/layout.h>

bool ward_layout_ok(const struct ward_layout *layout)
{
    return layout && layout->size > 0 && ward_is_pow2(layout->align) &&
           layout->align <= (size_t)PTRDIFF_MAX &&
           layout->size <= (size_t)PTRDIFF_MAX - (layout->align - 1);
}

int ward_layout_init(struct ward_layout *out, size_t size, size_t align)
{
    struct ward_layout made = { size, align };
    bool ok = ward_layout_ok(&made);

    if (!out)
        return -EINVAL;
    out->size = ok ? size : 0;
    out->align = ok ? align : 0;
    return ok ? 0 : -EINVAL;
}

size_t ward_layout_stride(struct ward_layout layout)
{
    if (!ward_layout_ok(&layout))
        return 0;
    return ward_round_down(layout.size + (layout.align - 1), layout.align);
}

int ward_layout_init_array(struct ward_layout *out, struct ward_layout of, size_t count)
{
    size_t bytes = 0;

    if (!out)
        return -EINVAL;
    out->size = 0;
    out->align = 0;
    if (!ward_layout_ok(&of) || count == 0)
        return -EINVAL;
    if (!ward_mul(ward_layout_stride(of), count, &bytes))
        return -EOVERFLOW;
    return ward_layout_init(out, bytes, of.align) ? -EOVERFLOW : 0;
}
