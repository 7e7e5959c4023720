"""Texts of records: C strings, and paths put together from the kernel's components.

Owns how bytes become a path. Every byte is the target's: it is carried, never interpreted.
"""

from __future__ import annotations

import posixpath

from pytest_ato.model.octets import Octets, octets


def split(record: bytes, at: int, lengths: tuple[int, ...]) -> list[bytes]:
    """Cut the texts that follow each other from `at`."""
    texts = []
    for length in lengths:
        texts.append(record[at : at + length])
        at += length
    return texts


def text(data: bytes) -> Octets:
    """A C string of which the NUL was copied too."""
    return octets(data.partition(b"\0")[0])


def absolute(components: bytes) -> bytes:
    """``b"passwd\\0etc\\0"`` (leaf first) as ``b"/etc/passwd"``."""
    parts = components.split(b"\0")[:-1]
    if parts == [b"/"]:
        return b"/"
    return b"/" + b"/".join(reversed(parts))


def is_plain(name: bytes) -> bool:
    """Whether a path is absolute and has no ``.``, ``..`` or empty part: it resolves to itself."""
    return name[:1] == b"/" and name[-1:] != b"/" and b"/." not in name and b"//" not in name


def resolved(path: bytes, base: bytes) -> Octets | None:
    """`path` from the directory whose components are `base`, without ``.`` and ``..``.

    Lexical: links inside the path are not followed. None where the base is not known.
    """
    name = path.partition(b"\0")[0]
    if not name:
        return None
    if not name.startswith(b"/"):
        if not base:
            return None
        name = absolute(base) + b"/" + name
    if not is_plain(name):
        name = posixpath.normpath(b"/" + name.lstrip(b"/"))
    return octets(name)
