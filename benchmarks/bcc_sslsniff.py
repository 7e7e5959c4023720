"""BCC's own sslsniff, compiled with the headers that the product's loader finds.

bcc_sslsniff.py OPTION ...
"""

from __future__ import annotations

import runpy
import sys
from typing import Any

from bcc_programs import flags

from pytest_ato.capture.loader import bcc_library

PROGRAM = "/usr/sbin/sslsniff-bpfcc"
_INCLUDE = "#include <linux/sched.h>"
_MIN = "\n#undef min\n#define min(a, b) ((a) < (b) ? (a) : (b))\n//"
"""The headers' own has become a macro that its compiler cannot expand."""


def main() -> None:
    """Run it with these arguments; it knows no option for the compiler."""
    bpf: Any = bcc_library.load(bcc_library.find())
    compile_plainly = bpf.__init__

    def compile_here(self: object, text: str) -> None:
        text = text.replace(_INCLUDE, _INCLUDE + _MIN, 1)
        compile_plainly(self, text=text, cflags=flags())

    bpf.__init__ = compile_here
    sys.argv[0] = PROGRAM
    runpy.run_path(PROGRAM, run_name="__main__")


if __name__ == "__main__":
    main()
