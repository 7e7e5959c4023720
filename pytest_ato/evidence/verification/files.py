"""Verification of the files of an audit's folder against their sidecars and the signed record."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import Final

from pytest_ato.model.errors import UsageError, VerificationError
from pytest_ato.model.octets import show

EVENTS: Final = "events.jsonl"
_SIDECAR: Final = ".sha256"
_FORM: Final = re.compile(rb"([0-9a-f]{64})  ([^\n/]+)\n")
_MOST: Final = 100
LARGEST: Final = 256 << 20
"""Bytes of one file that are read at once; the raw log and the log of evidence are not."""


def digests(directory: Path) -> dict[str, str]:
    """Return the SHA-256 of each file, which its sidecar agrees with.

    Raises `VerificationError` for the first file or sidecar that is not as it should be.
    """
    names = _names(directory)
    found = {name: digest(directory / name) for name in names if not name.endswith(_SIDECAR)}
    for name, sha256 in found.items():
        sidecar = name + _SIDECAR
        if sidecar not in names:
            raise VerificationError(f"{sidecar} is missing")
        if _read_sidecar(directory / sidecar, name) != sha256:
            raise VerificationError(f"{name} was changed: it is not the file that {sidecar} names")
    for sidecar in (name for name in names if name.endswith(_SIDECAR)):
        name = sidecar.removesuffix(_SIDECAR)
        if name not in found and name != EVENTS:
            raise VerificationError(f"{name} is missing; {sidecar} is there")
    return found


def against_record(found: Mapping[str, str], signed: Mapping[str, object], log: str) -> None:
    """Compare files with the digests that the log's last record names.

    Raises `VerificationError`. The raw log may be absent: it is not given to everybody.
    """
    for name, sha256 in signed.items():
        if name not in found:
            if name != EVENTS:
                raise VerificationError(f"{show(name, 80)} is missing; the log has its digest")
        elif found[name] != sha256:
            raise VerificationError(
                f"{show(name, 80)} was changed, its sidecar with it: the signed log has another "
                "digest of it"
            )
    for name in found:
        if name not in signed and name != log:
            raise VerificationError(
                f"{show(name, 80)} is not covered by the signed log: it was added"
            )


def digest(path: Path) -> str:
    """Return the SHA-256 of a regular file; raises `UsageError`."""
    with open_regular(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read(path: Path) -> bytes:
    """Return all of a regular file; raises `UsageError`, and `VerificationError` for one that is
    larger than what this package writes."""
    with open_regular(path) as file:
        data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise VerificationError(f"{show(path.name, 80)} is larger than {LARGEST >> 20} MiB")
    return data


@contextmanager
def open_regular(path: Path) -> Iterator[BufferedReader]:
    """Open a regular file, and not what would block or never end; raises `UsageError`."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise UsageError(f"{show(str(path), 300)} is no regular file")
            yield file
    except OSError as error:
        raise UsageError(f"cannot read {show(str(path), 300)}: {error.strerror}") from None


def _names(directory: Path) -> list[str]:
    try:
        entries = sorted(os.scandir(directory), key=lambda entry: entry.name)
    except OSError as error:
        raise UsageError(f"cannot read {show(str(directory), 300)}: {error.strerror}") from None
    if len(entries) > _MOST:
        raise UsageError(f"{show(str(directory), 300)} is no report: it has {len(entries)} files")
    for entry in entries:
        if not entry.is_file(follow_symlinks=False):
            raise VerificationError(f"{show(entry.name, 80)} is no regular file")
    return [entry.name for entry in entries]


def _read_sidecar(path: Path, name: str) -> str:
    with path.open("rb") as file:
        match = _FORM.fullmatch(file.read(1024))
    if match is None or match[2] != os.fsencode(name):
        raise VerificationError(f"{path.name} was changed: it is no checksum of {name}")
    return match[1].decode()
