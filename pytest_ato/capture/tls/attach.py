"""From what the finder says of a file to probes on it.

Owns the check: a place is watched only where the file has code that is loaded, under the name of a
function that there is. A probe elsewhere would change bytes that are no instruction's.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import Final, Literal

import msgspec

from pytest_ato import elf
from pytest_ato.capture import abi
from pytest_ato.capture.finder import wire
from pytest_ato.capture.finder.functions import FUNCTIONS, on_stack
from pytest_ato.capture.loader.interface import Loader, Place
from pytest_ato.capture.plaintext import VIA
from pytest_ato.model.events import Watched

_MAX_SHIFT: Final = 1 << 16
_NUMBERS: Final = {name: number for number, name in enumerate(FUNCTIONS)}
_OUTSIDE: Final = "some of what was found in it lies outside its code"

How = Literal["emulated", "stepped", "refused"]


@dataclass(frozen=True)
class Attached:
    """What is watched of a file."""

    event: Watched
    handle: int = 0
    """Of the loader."""

    def with_problem(self, problem: str) -> Attached:
        """The same, with one more sentence about what cannot be watched."""
        text = "; ".join(filter(None, (self.event.problem, problem)))
        return replace(self, event=msgspec.structs.replace(self.event, problem=text))


def attach(loader: Loader, descriptor: int, found: wire.Found, event: Watched) -> Attached:
    """Watch what was found in the file behind `descriptor`; `event` says which file it is."""
    if not found.sites:
        return Attached(msgspec.structs.replace(event, problem=found.problem))
    with os.fdopen(os.dup(descriptor), "rb", buffering=0) as file:
        try:
            code = [segment for segment in elf.segments(file) if segment.executable]
        except (elf.NotElf, OSError) as error:
            return Attached(msgspec.structs.replace(event, problem=f"it is no ELF file: {error}"))
    sites = [site for site in found.sites if _is_possible(site, code)]
    entries = [site for site in sites if not site.leaves]
    functions: dict[str, How] = {
        site.symbol: "emulated" if site.emulated else "stepped" for site in entries
    }
    library = next((VIA[FUNCTIONS[name].library] for name in functions), "")
    problem = found.problem if len(sites) == len(found.sites) else _OUTSIDE
    try:
        handle = loader.watch(f"/proc/self/fd/{descriptor}", [_place(site) for site in sites])
        refusal = "" if handle else "this kernel has no program for it"
    except OSError as error:
        handle, refusal = 0, str(error.strerror)
    if refusal:
        functions = dict.fromkeys(functions, "refused")
        problem = f"the kernel refused to watch it: {refusal}"
    told = msgspec.structs.replace(event, library=library, functions=functions, problem=problem)
    return Attached(told, handle)


def _is_possible(site: wire.Site, code: list[elf.Segment]) -> bool:
    inside = any(0 <= site.offset - segment.offset < segment.size for segment in code)
    return inside and site.symbol in FUNCTIONS and 0 <= site.shift < _MAX_SHIFT


def _place(site: wire.Site) -> Place:
    function = FUNCTIONS[site.symbol]
    if site.stack and function.library == abi.TLS_GOLANG:
        function = on_stack(function)
    return Place(
        offset=site.offset,
        function=site.symbol,
        cookie=site.shift << 16 | _NUMBERS[site.symbol] << abi.TLS_WHICH | function.code,
        leaves=site.leaves,
        returns=site.leaves and site.returns and function.library != abi.TLS_GOLANG,
    )
