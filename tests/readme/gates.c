/* SPDX-License-Identifier: MIT */
/* Comes behind the code of docs/gates.md, and tries it. */
#include <stdio.h>

static int failed;

static void expect(bool holds, const char *what)
{
    if (!holds)
        failed = 1;
    if (!holds)
        fprintf(stderr, "docs/gates.md: not so: %s\n", what);
}

#define EXPECT(C) expect((C), #C)

static uint64_t at(const void *p)
{
    return (uintptr_t)p;
}

static void try_all(struct ward_space *space, unsigned char *page)
{
    const struct rect rect = { 1, 2, 3, 4 };
    struct options options = { 1, 2, 3 };
    const uint64_t iov[4] = { at(page + 256), 3, at(page + 300), 2 };
    struct rect mine;
    struct options got;
    uint64_t limit;
    char text[8];

    memcpy(page, &rect, sizeof rect);
    EXPECT(sys_transpose(space, urect_in_at(at(page)), urect_out_at(at(page + 64))) == 0);
    memcpy(&mine, page + 64, sizeof mine);
    EXPECT(mine.x == 2 && mine.y == 1 && mine.width == 4 && mine.height == 3);
    EXPECT(sys_transpose(space, urect_in_at(at(page) + 1), urect_out_at(at(page + 64))) == -EINVAL);
    EXPECT(sys_transpose(space, urect_in_at(at(page)), urect_out_at(at(&mine))) == -EFAULT);

    memcpy(page + 256, "a/b", 4);
    EXPECT(sys_remove(space, ward_char_in_at(at(page + 256))) == 0);
    EXPECT(sys_remove(space, ward_char_in_at(at(".."))) == -EFAULT);
    memset(page + 1024, 'x', 300);
    EXPECT(sys_remove(space, ward_char_in_at(at(page + 1024))) == -ENAMETOOLONG);

    EXPECT(sys_wait(space, ward_u64_in_at(0), &limit) == 0 && limit == UINT64_MAX);
    EXPECT(sys_wait(space, ward_u64_in_at(at(page + 512)), &limit) == 0 && limit == 0);
    EXPECT(sys_wait(space, ward_u64_in_at(at(&limit)), &limit) == -EFAULT);

    memcpy(page + 128, &options, sizeof options);
    EXPECT(sys_open(space, uoptions_in_at(at(page + 128)), 16, &got) == 0 && got.limit == 2 &&
           got.deadline == 0);
    EXPECT(sys_open(space, uoptions_in_at(at(page + 128)), 32, &got) == 0 && got.deadline == 3);
    page[128 + 24] = 1;
    EXPECT(sys_open(space, uoptions_in_at(at(page + 128)), 32, &got) == -E2BIG);

    EXPECT(sys_try_lock(space, ward_u32_inout_at(at(page + 512))) == 0);
    EXPECT(sys_try_lock(space, ward_u32_inout_at(at(page + 512))) == -EBUSY);
    EXPECT(sys_try_lock(space, ward_u32_inout_at(at(&limit))) == -EFAULT);

    memcpy(page + 300, "cd", 2);
    memcpy(page + 600, iov, sizeof iov);
    EXPECT(sys_writev(space, ward_iovec_in_at(at(page + 600)), 2, text, sizeof text) == 5);
    EXPECT(memcmp(text, "a/bcd", 5) == 0);
    EXPECT(sys_writev(space, ward_iovec_in_at(at(iov)), 2, text, sizeof text) == -EFAULT);

    EXPECT(serve(space, at(page + 640)) == 0 && page[640] == (unsigned char)12345);
    EXPECT(serve(space, at(&limit)) == -EFAULT && sys_time(ward_u64_out_at(at(&limit))) == 0);
    EXPECT(limit == 12345);
}

static void try_guest(struct ward_guest *guest)
{
    char name[8];
    uint64_t sum;

    memset(guest, 0, sizeof *guest);
    EXPECT(guest_start(guest, "program", 8) == 0);
    EXPECT(ward_space_read_str(&guest->space, 0x10000, name, sizeof name, NULL) == 7);
    EXPECT(ward_space_write(&guest->space, 0x10000, name, 1, NULL) == -EFAULT);
    EXPECT(ward_space_read(&guest->space, 0x20000, name, 1, NULL) == -EFAULT);
    EXPECT(sys_sum(guest, 0x10000, 3, &sum) == 0 && sum == 'p' + 'r' + 'o');
    EXPECT(sys_sum(guest, 0x1fff0, 17, &sum) == -EFAULT && sum == 0);
    EXPECT(ward_guest_fini(guest) == 0);
}

int main(void)
{
    struct ward_map map;
    const struct ward_region *regions[1] = { &map.region };
    struct ward_within sandbox;
    struct ward_guest guest;
    uint64_t word = 1;
    char ten[10];

    if (ward_map_init(&map, 65536, 0) || sandbox_init(&sandbox, regions))
        return 1;
    try_all(&sandbox.space, map.region.base);
    try_guest(&guest);
    EXPECT(read_what_is_there(map.region.base + 65530, ten, sizeof ten) == 6);
    EXPECT(peek(at(map.region.base), &word) && word != 1);
    EXPECT(!peek(at(map.region.base + 65536), &word) && word == 0);
    on_segv(0, NULL, NULL);
    return failed | (ward_region_fini(&map.region) != 0);
}
