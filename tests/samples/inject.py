#!/usr/bin/python3
"""inject WAY: have other programs run code, or load code of one's own. For code_injection.

preload    write the list of libraries that every program loads: refused
library    compile a library and have one of the system's programs load it
extension  compile a library and load it into this interpreter
"""

import ctypes
import os
import subprocess
import sys
from pathlib import Path

home = Path(os.environ["HOME"])


def library() -> Path:
    source, built = home / "answer.c", home / "answer.so"
    source.write_text("int vendor_answer(void) { return 42; }\n")
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", built, source], check=True)
    return built


match sys.argv[1]:
    case "preload":
        try:
            Path("/etc/ld.so.preload").write_text("/tmp/x.so\n")
        except OSError as error:
            print(error)
    case "library":
        subprocess.run(["/bin/true"], env={"LD_PRELOAD": str(library())}, check=True)
    case "extension":
        if ctypes.CDLL(library()).vendor_answer() != 42:
            sys.exit("the extension does not work")
