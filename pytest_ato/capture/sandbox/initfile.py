"""The sandbox's init as a file: where it is, and where in it the function of the canary is."""

from __future__ import annotations

import mmap
from pathlib import Path
from typing import Final

from pytest_ato.capture import abi
from pytest_ato.capture.finder.symbols import Image, functions
from pytest_ato.capture.loader.interface import Place

INIT: Final = Path(__file__).parent.parent / "objects" / "init"
_BEGIN, _END = "ato_canary", "ato_canary_end"
_CODE: Final = abi.TLS_CANARY | abi.TLS_INT | abi.TLS_WRITES


def canary_places() -> tuple[Place, ...]:
    """Where the canary of probes on files is watched, beginning and end; see canary.h."""
    with (
        INIT.open("rb") as file,
        mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as data,
        memoryview(data) as view,
    ):
        image = Image(file, view)
        found = {one.name: one.address for one in functions(image, (_BEGIN, _END))}
        offsets = {name: image.code_offset(address) for name, address in found.items()}
    return tuple(
        Place(offset, name, _CODE, leaves=name == _END)
        for name in (_BEGIN, _END)
        if (offset := offsets.get(name)) is not None
    )
