"""Names below /proc that belong to one process: which process, and which of its files.

Owns the spelling alone; whose number it is, and what that means, is in `peers`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from pytest_ato.detectors.paths import normal, resolved, text
from pytest_ato.model.events import Open

PREFIX: Final = "/proc/"
_ENTRY: Final = re.compile(
    r"/proc/(self|thread-self|[0-9]{1,9})/(?:task/[0-9]+/)?([^/].*)", re.DOTALL
)
_OWN: Final = re.compile(r"/+proc/+(?:self|thread-self)/+(?:task/+[0-9]+/+)?[a-z_]+")


@dataclass(frozen=True, slots=True)
class ProcEntry:
    """One file of one process."""

    number: int
    """The process as the sandbox numbers it; 0: the one that opens it."""
    name: str
    """``environ``, ``mem``, ``root/etc/passwd``, ..."""


def proc_entry(event: Open) -> ProcEntry | None:
    """Take the opened path apart; None when it is no file of a process.

    ``self`` is a link to a number, and the kernel's path has the number: a path that was given as
    ``/proc/self/NAME`` is the caller's own, whatever that number is.
    """
    path = resolved(event)
    match = _ENTRY.fullmatch(path)
    if match is None:
        return None
    who, name = match.groups()
    if not who.isdigit() or (not event.changed and _OWN.fullmatch(text(event.path))):
        return ProcEntry(0, name)
    return ProcEntry(int(who), name)


def given_entry(event: Open) -> ProcEntry | None:
    """The same for the path as the program gave it, before links in it were followed."""
    match = _ENTRY.fullmatch(normal(event.path))
    if match is None:
        return None
    who, name = match.groups()
    return ProcEntry(int(who) if who.isdigit() else 0, name)
