/* SPDX-License-Identifier: MIT */
/*
 * tga_view FILE: shows a picture in the TGA format, compressed by run lengths, as text.
 *
 * An ordinary small parser that knows nothing of ward, and it has a bug on purpose, of a kind that
 * real readers of such formats had again and again: decode() asks whether there are pixels left,
 * but not whether there are as many as the packet brings. examples/data/crafted.tga ends with a
 * packet that is 19 pixels too long. They lie where the C library's malloc keeps the size of the
 * next block, and behind that the title: the file chooses both, and nothing fails.
 *
 *     tga_view examples/data/crafted.tga               the title is what the pixels say
 *     ward run -- tga_view examples/data/crafted.tga   the title is right, and the bug is reported
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COMPRESSED = 10, SIDE_MOST = 4096, REPEATED = 0x80 };

struct pixel {
    unsigned char blue, green, red;
};

struct image {
    size_t width, height;
    char *title;
    struct pixel *pixels; /* width * height, row by row from the top */
};

/* The fields of the header that matter here. */
static bool read_header(FILE *in, struct image *image, size_t *title_len)
{
    unsigned char header[18];

    if (fread(header, 1, sizeof header, in) != sizeof header)
        return false;
    *title_len = header[0];
    image->width = header[12] | (size_t)header[13] << 8;
    image->height = header[14] | (size_t)header[15] << 8;
    return header[1] == 0 && header[2] == COMPRESSED && header[16] == 24 && image->width > 0 &&
           image->height > 0 && image->width <= SIDE_MOST && image->height <= SIDE_MOST;
}

/* Packets are a count and a pixel to repeat, or a count and as many pixels. */
static bool decode(FILE *in, struct image *image)
{
    size_t count = image->width * image->height, at = 0;

    while (at < count) {
        int packet = getc(in);
        size_t run = ((unsigned)packet & 0x7f) + 1;
        struct pixel pixel;

        if (packet == EOF)
            return false;
        if (!(packet & REPEATED)) {
            if (fread(&image->pixels[at], sizeof pixel, run, in) != run)
                return false;
            at += run;
            continue;
        }
        if (fread(&pixel, sizeof pixel, 1, in) != 1)
            return false;
        while (run--)
            image->pixels[at++] = pixel;
    }
    return true;
}

static bool read_image(FILE *in, struct image *image)
{
    size_t title_len;

    if (!read_header(in, image, &title_len))
        return false;
    image->pixels = malloc(image->width * image->height * sizeof *image->pixels);
    image->title = malloc(title_len + 1);
    if (!image->pixels || !image->title || fread(image->title, 1, title_len, in) != title_len)
        return false;
    image->title[title_len] = '\0';
    return decode(in, image);
}

static void print_image(const struct image *image)
{
    static const char shades[] = " .:-=+*#%@";

    printf("\"%s\", %zu x %zu\n", image->title, image->width, image->height);
    for (size_t row = 0; row < image->height; row++) {
        for (size_t column = 0; column < image->width; column++) {
            const struct pixel *pixel = &image->pixels[row * image->width + column];
            unsigned sum = 2u * pixel->red + 5u * pixel->green + pixel->blue;

            putchar(shades[sum * (sizeof shades - 2) / (8 * 255)]);
        }
        putchar('\n');
    }
}

int main(int argc, char **argv)
{
    struct image image = { 0, 0, NULL, NULL };
    FILE *in = argc == 2 ? fopen(argv[1], "rb") : NULL;
    bool done;

    if (!in) {
        fprintf(stderr, argc == 2 ? "tga_view: cannot open %s\n" : "usage: tga_view FILE\n",
                argc == 2 ? argv[1] : "");
        return 2;
    }
    done = read_image(in, &image);
    fclose(in);
    if (done)
        print_image(&image);
    else
        fprintf(stderr, "tga_view: %s is no such picture\n", argv[1]);
    fflush(stdout);
    free(image.title);
    free(image.pixels);
    return done ? 0 : 1;
}
