"""One fact of what a target did, and the form of its value that is the same in every run.

Owns the kinds, and the normalisation beyond that of `paths`: locales, content-addressed stores,
random names. Looks at the text alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from pytest_ato.detectors.paths import stable_path
from pytest_ato.detectors.processes import ProcessState

_LOCALE: Final = re.compile(
    r"(?<=/)(?:[a-z]{2,3}_[A-Z]{2}|C|POSIX)(?:\.[\w-]+)?(?:@[a-z]+)?(?=/|$)|"
    r"(?<=/locale/)[a-z]{2,3}(?=/)"
)
_RANDOM_NAME: Final = re.compile(
    r"(/)(?:[_*]*\*[_*]*(?=/|$)|(?:(?<=^/tmp/)|(?<=^/var/tmp/)|(?<=^/dev/shm/))[a-z0-9_]{8}$)"
)
"""Python's tempfile tries a place with a file of eight characters, any of which may read like a
word: less exact beats one that changes."""
_STORE: Final = re.compile(r"(/[^/]+)((?:/[0-9a-f]{1,2}){1,4})(?=/\*)")
"""Folders named by the first digits of the hash that follows, below the folder of the store."""
_RANDOM_LABEL: Final = re.compile(
    r"(?=[^.]*[0-9])[0-9a-f]{8,}|[0-9]{4,}|[0-9a-f]{8}(?:-[0-9a-f]{4,}){3,}"
)


class Kind(StrEnum):
    """Kinds of facts, in the order of reports; the value is the key in a baseline."""

    DOMAIN = "domains"
    ADDRESS = "addresses"
    PORT = "ports"
    LISTENER = "listeners"
    WRITTEN = "files"
    TEMPORARY = "temporary_files"
    READ = "reads"
    CHILD = "children"
    PRIVILEGE = "privileges"
    SYSCALL = "syscalls"


WORDS: Final = {
    Kind.DOMAIN: "the name",
    Kind.ADDRESS: "the address",
    Kind.PORT: "port",
    Kind.LISTENER: "the listening port",
    Kind.WRITTEN: "the written file",
    Kind.TEMPORARY: "the temporary file",
    Kind.READ: "the read file",
    Kind.CHILD: "the program",
    Kind.PRIVILEGE: "the privilege",
    Kind.SYSCALL: "the system call",
}
"""What a title calls a fact of each kind, before its value."""


@dataclass(slots=True)
class Fact:
    """One thing that the target did, at its first time."""

    kind: Kind
    value: str
    """Normalised, printable."""
    raw: str
    """As observed, printable: a name, an address, ``443/tcp``, a path with ``~`` for the home."""
    ts: int
    process: ProcessState | None
    detail: str
    """What was seen, in words."""
    count: int = 1


def stable_file(path: str, home: str) -> str:
    """`stable_path`, with locales and the folders of content-addressed stores as ``*``, too."""
    value = _LOCALE.sub("*", stable_path(path, home))
    return _STORE.sub(lambda found: found[1] + "/*" * found[2].count("/"), value)


def stable_temporary(path: str) -> str:
    """A stable path in a temporary place, less exact still."""
    return _RANDOM_NAME.sub(r"\1*", path)


def stable_name(name: str) -> str:
    """A DNS name that is the same in every run: labels that are numbers or hashes become ``*``."""
    return ".".join("*" if _RANDOM_LABEL.fullmatch(label) else label for label in name.split("."))


def by_kind(facts: Iterable[Fact]) -> dict[Kind, list[Fact]]:
    """Facts by kind, each kind in the order of its values."""
    found: dict[Kind, list[Fact]] = {kind: [] for kind in Kind}
    for fact in facts:
        found[fact.kind].append(fact)
    return {kind: sorted(each, key=lambda fact: fact.value) for kind, each in found.items()}
