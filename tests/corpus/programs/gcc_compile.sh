#!/bin/sh
# Compile two files, make a library and a program of them, look into it. Nothing of it is run.
set -eu
cd "$HOME"
printf 'int answer(void) { return 42; }\n' >answer.c
printf '#include <stdio.h>\nint answer(void);\nint main(void) { printf("%%d", answer()); }\n' >main.c
gcc -O2 -c answer.c main.c
ar rcs libanswer.a answer.o
gcc -o main main.o -L. -lanswer
nm main | grep -q answer
