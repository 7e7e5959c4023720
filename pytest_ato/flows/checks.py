"""Whether flows can be counted here, for `ato doctor`: found out by loading and pinning.

Changes nothing: what is pinned for the trial has a name of its own, and is removed at once.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from pytest_ato.flows import bpffs
from pytest_ato.flows.flowmap import DEFAULT, unpin
from pytest_ato.flows.program import Program, Settings
from pytest_ato.model.check import Check
from pytest_ato.model.errors import AtoError

_WITHOUT: Final = "audits do without, ato flows does not"


def check(place: Path = DEFAULT.parent) -> Check:
    """Return the row of `ato doctor`; `place`: where maps would be pinned."""
    if os.geteuid() != 0:
        return _answer("only root can try", "sudo ato doctor")
    if not bpffs.holds(place):
        return _answer(f"no BPF file system at {place}; {_WITHOUT}", f"mount -t bpf bpf {place}")
    path = place / f"ato_doctor_{os.getpid()}"
    try:
        with Program(Settings(path, max_flows=1)):  # which pins nothing where it fails
            unpin(path)
    except AtoError as error:
        why = str(error).removesuffix("; see: ato doctor")
        return _answer(f"{why}; {_WITHOUT}", f"a writable {place}, and a kernel from 5.15 on")
    return _answer(f"XDP loads, and its map can be pinned in {place}")


def _answer(found: str, cure: str = "") -> Check:
    return Check(topic="flows", state="optional" if cure else "ok", found=found, cure=cure)
