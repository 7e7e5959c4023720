"""Programs through BCC, compiled with the headers that the product's own loader finds.

Owns the compiling. Must run where tracefs is mounted (`programs.WITH_TRACEFS`).
"""

from __future__ import annotations

import os
from typing import Any

from pytest_ato.capture.loader import bcc_library, headers

RING = "BPF_RINGBUF_OUTPUT(events, 8192);"
"""32 MiB, as large as capture's own for opens."""


def build(text: str) -> Any:  # noqa: ANN401 (BCC has no types)
    """Compile and attach; returns BCC's `BPF` object."""
    bpf: Any = bcc_library.load(bcc_library.find())
    return bpf(text=text.encode(), cflags=flags())


def flags() -> list[str]:
    """What its compiler needs, which looks through the tree of headers by itself."""
    found = headers.find()
    os.environ["BCC_KERNEL_SOURCE"] = str(found.source)
    return [*found.flags(), "-Wno-macro-redefined"]
