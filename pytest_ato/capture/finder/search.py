"""What one file has to be watched: symbols, Go's table and code put together.

Owns the order of questions and the sentence that says what could not be answered. Never raises for
what a file contains.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator
from typing import BinaryIO, Final

from pytest_ato import elf
from pytest_ato.capture.finder import gotable, symbols
from pytest_ato.capture.finder.code import MAX_CODE, Code, Places
from pytest_ato.capture.finder.functions import C_FUNCTIONS, GO_FUNCTIONS
from pytest_ato.capture.finder.symbols import Image, Symbol
from pytest_ato.capture.finder.wire import SITES, Found, Site

_MAX_FILE: Final = 2 << 30
_UNSIZED: Final = 1024
"""Bytes that are looked at of a function whose size nothing tells."""


def look(number: int, file: BinaryIO) -> Found:
    """Answer for the open file."""
    try:
        size = file.seek(0, 2)
        if size > _MAX_FILE:
            return Found(number=number, problem="it is too large to be looked into")
        with mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as data, memoryview(data) as view:
            return _look(number, file, view)
    except (elf.NotElf, struct.error) as error:
        return Found(number=number, problem=f"it is no ELF file that can be read: {error}")
    except ValueError:  # nothing to map
        return Found(number=number, problem="it is empty")
    except OSError as error:
        return Found(number=number, problem=f"it cannot be read: {error.strerror}")
    except MemoryError:
        return Found(number=number, problem="it takes too much memory to be looked into")


def _look(number: int, file: BinaryIO, view: memoryview) -> Found:
    image = Image(file, view)
    machine = struct.unpack_from("<H", image.header, 18)[0]
    if machine != elf.MACHINES["x86_64"]:
        return Found(number=number, problem="it is for another processor")
    sites: list[Site] = []
    problems: list[str] = []
    for symbol in (
        *symbols.functions(image, C_FUNCTIONS),
        *gotable.functions(image, GO_FUNCTIONS),
    ):
        own = tuple(_sites(image, symbol))
        if not own:
            problems.append(f"{symbol.name} has no code that can be watched")
        sites += own
    if len(sites) > SITES:
        problems.append(f"it has {len(sites)} places to watch: only the first {SITES} are")
    return Found(
        number=number,
        sites=tuple(sorted(sites[:SITES], key=lambda site: site.offset)),
        problem="; ".join(dict.fromkeys(problems[:4])),
    )


def _sites(image: Image, symbol: Symbol) -> Iterator[Site]:
    offset = image.code_offset(symbol.address)
    if offset is None:
        return
    code = Code(image.piece(offset, min(symbol.size or _UNSIZED, MAX_CODE)))
    go = symbol.name in GO_FUNCTIONS
    if go:
        places = code.go_function()
        if not places.leaves or not code.whole:
            return
    else:
        places = code.c_function(C_FUNCTIONS[symbol.name].arguments)
    yield Site(
        offset=offset + places.enter,
        symbol=symbol.name,
        stack=places.stack,
        shift=places.shift,
        emulated=places.emulated,
    )
    yield from _ends(symbol, offset, places, sized=bool(symbol.size))


def _ends(symbol: Symbol, offset: int, places: Places, *, sized: bool) -> Iterator[Site]:
    if symbol.name in C_FUNCTIONS and C_FUNCTIONS[symbol.name].ends_handle:
        return
    if not places.leaves or not sized:
        yield Site(offset=offset, symbol=symbol.name, leaves=True, returns=True)
        return
    for leave, emulated in places.leaves:
        yield Site(
            offset=offset + leave,
            symbol=symbol.name,
            stack=places.stack,
            leaves=True,
            emulated=emulated,
        )
