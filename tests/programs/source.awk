# SPDX-License-Identifier: MIT
# A large C file that is the same each time: `count` functions, in rows of which each calls another.
BEGIN {
    print "#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>"
    for (i = 0; i < count; i++) {
        printf "struct s%d { int a[%d]; char *name; struct s%d *next; double d; };\n", \
            i, i % 7 + 1, i ? i - 1 : 0
        printf "int f%d(struct s%d *s, int n)\n{\n    int sum = %d;\n", i, i, i
        printf "    for (int i = 0; i < n; i++) {\n        s->a[i %% %d] += sum * %d;\n", \
            i % 7 + 1, i % 31 + 2
        printf "        switch ((sum + i) %% 6) {\n"
        for (k = 0; k < 5; k++)
            printf "        case %d: sum = sum * %d + (int)s->d; s->d /= %d.5; break;\n", \
                k, i % 13 + k, k + 1
        printf "        default: if (s->name) sum += (int)strlen(s->name);\n        }\n    }\n"
        if (i % 6 > 1)
            printf "    if (n > 3)\n        sum += f%d((struct s%d *)s->next, n - 1);\n", i - 1, i - 1
        printf "    return sum;\n}\n"
    }
    printf "int main(int argc, char **argv)\n{\n    struct s%d *s = calloc(1, sizeof *s);\n", count - 1
    printf "    (void)argv;\n    printf(\"%%d\\n\", f%d(s, argc));\n    free(s);\n    return 0;\n}\n", \
        count - 1
}
