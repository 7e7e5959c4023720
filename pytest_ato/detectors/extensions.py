"""Programs of the system that load native code from where their user keeps it.

Owns their names: interpreters, runtimes, editors, compilers, databases, the loader itself. In any
other program of the system's, a library of the user's was put there from outside. A name counts
only for an image of the system's.
"""

from __future__ import annotations

import re
from typing import Final

from pytest_ato.detectors.paths import text
from pytest_ato.detectors.processes import ProcessState
from pytest_ato.detectors.programs import base_name, is_interpreter, shell_name

_SYSTEM: Final = ("/usr/", "/bin/", "/sbin/", "/lib/", "/lib64/", "/lib32/")
_LOADER: Final = re.compile(r"ld-linux[-\w.]*\.so\.[0-9]+|ld-musl[-\w]*\.so\.[0-9]+|ld-[0-9.]+\.so")
_EXTENSIBLE: Final = re.compile(
    r"java|javac|jshell|jar|dotnet|mono|R|Rscript|julia|octave|guile[-\d.]*|beam\.smp|ocamlrun|"
    r"emacs[-\w.]*|n?vim[-\w.]*|gdb|lldb[-\d.]*|sqlite3|psql|postgres|openssl|gimp[-\d.]*|"
    r"cc1(?:plus|obj)?|lto1|clang(?:\+\+)?[-\d.]*|opt[-\d.]*|(?:[\w-]+-)?ld(?:\.[a-z]+)?|qemu-[-\w]+|"
    r"valgrind|memcheck-[-\w]+|gst-[-\w.]+|nginx|apache2|httpd|electron|chrom[-\w]+|wine[-\w]*"
)


def loads_no_extension(process: ProcessState) -> bool:
    """Whether the image is the system's, and maps libraries of the system's alone."""
    if not text(process.file).startswith(_SYSTEM):
        return False
    name = base_name(process.file)
    is_runtime = is_interpreter(process.file) and not shell_name(process.file)
    return not (is_runtime or _LOADER.fullmatch(name) or _EXTENSIBLE.fullmatch(name))
