"""Paths as detectors need them: as text, as a key that is stable over runs, by kind of place.

Owns how a path becomes part of a finding's key. Looks at the name alone: never at a file system,
so a name that was made at random and still reads like a word keeps its spelling.
"""

from __future__ import annotations

import posixpath
import re
from typing import Final

from pytest_ato.model.events import FileEvent, Link, Open, Rename
from pytest_ato.model.octets import Octets, show

TEMPORARY: Final = ("/tmp/", "/var/tmp/", "/dev/shm/")  # noqa: S108  (names to compare with)
"""Directories that anyone may write and that nothing is expected to stay in."""

WRITING: Final = 0o3 | 0o1000
"""O_ACCMODE (O_WRONLY is 1, O_RDWR is 2) and O_TRUNC; a bare O_CREAT puts nothing into a file."""

_KEY_LENGTH: Final = 200

# The random part of well-known temporary names: Python's tempfile (8 of a-z0-9_), mktemp(1),
# GCC's ccXXXXXX.s, PyInstaller's _MEIXXXXXX, bash's here-documents.
_MADE: Final = (
    (re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"), "*"),
    (re.compile(r"(?<![a-z0-9])tmp[a-z0-9_]{8}(?=\.|$)"), "tmp*"),
    (re.compile(r"(?<![a-z0-9])tmp\.[A-Za-z0-9]{6,12}$"), "tmp.*"),
    (re.compile(r"^cc[A-Za-z0-9]{6}(?=\.|$)"), "cc*"),
    (re.compile(r"^_MEI[A-Za-z0-9]{6}$"), "_MEI*"),
    (re.compile(r"^sh-thd\.[A-Za-z0-9]{6}$"), "sh-thd.*"),
)
_TOKEN: Final = re.compile(r"[A-Za-z0-9]+")
# What mkstemp(3) (six characters at the end) and Python's tempfile (eight) put behind a prefix. In
# a temporary place they are taken for random even where they read like a word, as one in thirty
# does: a key that is less exact beats one that changes.
_SUFFIX: Final = re.compile(r"(?<=[-_.])(?:[A-Za-z0-9]{6}$|[a-z0-9_]{8}(?=\.|$))")
_WORD: Final = re.compile(r"(?:[A-Z]?[a-z]{2,}+)++[0-9]{0,3}|[A-Z]{2,}[0-9]{0,3}|[A-Za-z]")
_HEX: Final = re.compile(r"(?=.*[0-9])[0-9a-fA-F]{8,}")
_NUMBERED: Final = re.compile(r"([A-Za-z]+)[0-9]{4,}")
_UNLIKE_WORDS: Final = re.compile(r"[b-df-hj-np-tv-xz]{5}|q[^u]|[aeiou]{4}|^[^aeiouy]{4,}$")
_HOME: Final = re.compile(r"(?:/root|/home/[^/]+)(?=/|$)")
_PROCESS: Final = re.compile(r"^/proc/[0-9]+(?=/|$)")
_DELETED: Final = " (deleted)"


def text(path: Octets) -> str:
    """The path as text to compare: bytes that are not UTF-8 become backslash escapes."""
    return path if isinstance(path, str) else path.b64.decode("utf-8", "backslashreplace")


def resolved(event: FileEvent) -> str:
    """The absolute path that the event is about, or the program's own spelling of it."""
    return normal(event.path if event.file is None else event.file)


def destination(event: Rename | Link) -> str:
    """The new name that a rename or link makes, like `resolved`."""
    return normal(event.to if event.to_file is None else event.to_file)


def is_temporary(path: str) -> bool:
    """Whether `path` lies in a directory for temporary files."""
    return path.startswith(TEMPORARY)


def opens_for_writing(event: Open) -> bool:
    """Whether the call asked to change the file's content, granted or not."""
    return bool(event.flags & WRITING)


def home_relative(path: str, home: str = "") -> str:
    """Put ``~`` for the home directory: `home`, ``/root`` or any ``/home/NAME``."""
    if home and (path == home or path.startswith(home + "/")):
        return "~" + path[len(home) :]
    return _HOME.sub("~", path, count=1) if _HOME.match(path) else path


def stable_path(path: Octets, home: str = "") -> str:
    """A printable form of `path` that is the same in every run of the same program.

    The home directory becomes ``~``; process ids, the random part of temporary names, long
    numbers and long hexadecimal words become ``*``. At most 200 characters.
    """
    plain = normal(text(path).removesuffix(_DELETED))
    plain = _PROCESS.sub("/proc/*", home_relative(plain, home))
    in_temporary = is_temporary(plain) or plain.startswith("/memfd:")
    parts = [_stable_part(part, in_temporary) for part in plain.split("/")]
    if is_temporary(plain):
        kept = next(place for place in TEMPORARY if plain.startswith(place)).count("/")
        parts[:kept] = plain.split("/")[:kept]
    return show("/".join(parts), _KEY_LENGTH)


def normal(path: Octets) -> str:
    """The shortest form of a path, whatever its slashes and dots; empty for an empty one.

    Only a path that the kernel opened is free of "..", and normpath keeps two leading slashes.
    """
    plain = posixpath.normpath(text(path)) if path else ""
    return plain[1:] if plain.startswith("//") else plain


def _stable_part(part: str, in_temporary: bool) -> str:
    for pattern, stable in _MADE:
        part = pattern.sub(stable, part)
    if in_temporary:
        part = _SUFFIX.sub("*", part)
    return _TOKEN.sub(lambda match: _stable_token(match.group(), in_temporary), part)


def _stable_token(token: str, in_temporary: bool) -> str:
    if token.isdigit():
        return "*" if in_temporary or len(token) >= 4 else token
    if _HEX.fullmatch(token):
        return "*"
    numbered = _NUMBERED.fullmatch(token)
    if numbered:
        return numbered.group(1) + "*"
    return _unless_word(token) if in_temporary and len(token) >= 6 else token


def _unless_word(token: str) -> str:
    """`token`, if each of its parts reads like words with a short number behind; else ``*``."""
    for part in token.split("_"):
        if not _WORD.fullmatch(part) or _UNLIKE_WORDS.search(part.lower()):
            return "*"
    return token
