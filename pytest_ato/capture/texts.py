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


def is_plain(path: Octets) -> bool:
    """Whether a path is absolute and has no part that is empty or begins with a dot: it resolves to
    itself."""
    return (
        isinstance(path, str)
        and path[:1] == "/"
        and path[-1] != "/"
        and "/." not in path
        and "//" not in path
    )


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
    whole = octets(name)
    return whole if is_plain(whole) else octets(posixpath.normpath(b"/" + name.lstrip(b"/")))
