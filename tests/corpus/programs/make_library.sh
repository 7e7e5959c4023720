#!/bin/sh
# A static library and a program that uses it, built by make.
set -e
printf 'int twice(int n) { return 2 * n; }\n' > twice.c
printf '#include <stdio.h>\nint twice(int);\nint main(void) { printf("%%d\\n", twice(21)); return 0; }\n' > main.c
printf 'all: main\nmain: main.o libtwice.a\n\tcc -o $@ main.o -L. -ltwice\nlibtwice.a: twice.o\n\tar rcs $@ $^\n%%.o: %%.c\n\tcc -O1 -c $<\n' > Makefile
make -s
nm libtwice.a > /dev/null
readelf -h main > /dev/null
