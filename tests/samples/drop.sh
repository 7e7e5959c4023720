#!/bin/sh
# drop WAY: write a program and run it, in ways that differ in how suspicious they are. For
# dropped_executable.
#
#   temporary  write it to /tmp, run and delete it: high
#   library    compile a shared object and have a program map it: low, as every build does so
#   compile    compile and run: low
#   unpack     unpack an archive and run what was in it: low
#   text       write a file, make it executable, never run it: silent
set -eu
cd "$HOME"
case $1 in
temporary) cp /bin/true /tmp/agent; /tmp/agent; rm /tmp/agent ;;
library) echo 'int vendor_answer(void) { return 42; }' >library.c
	gcc -shared -fPIC -o /tmp/library.so library.c
	python3 -c "import ctypes; ctypes.CDLL(\"/tmp/library.so\")"; rm /tmp/library.so ;;
compile) echo 'int main(void) { return 0; }' >hello.c
	gcc -o hello hello.c; ./hello ;;
unpack) mkdir -p bundle; cp /bin/true bundle/tool; tar -czf bundle.tar.gz bundle; rm -r bundle
	tar -xzf bundle.tar.gz; ./bundle/tool ;;
text) printf '#!/bin/sh\n' >script; chmod 755 script ;;
esac
