"""A report as files: each rendering, and beside it the digest that ``sha256sum -c`` checks."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from pytest_ato.model.report import Report
from pytest_ato.reports.registry import RENDERERS, SIDECAR

_AT_ONCE: Final = 4
"""Files on their way to the disk: who renders does not wait for each."""


def write(report: Report, directory: Path) -> dict[str, str]:
    """Write all renderings of `report` into `directory`; return their SHA-256 by name.

    Raises `OSError` where it cannot.
    """
    files = ((renderer.file_name, renderer.render(report)) for renderer in RENDERERS)
    return put_all(files, directory)


def put_all(files: Iterable[tuple[str, bytes]], directory: Path) -> dict[str, str]:
    """Write files, given by name, each with its sidecar; return their SHA-256. Takes the next one
    while those before it go to the disk; returns when all are there."""
    with ThreadPoolExecutor(_AT_ONCE, "ato-disk") as disk:
        sums = {name: disk.submit(put_with_digest, directory / name, data) for name, data in files}
    return {name: each.result() for name, each in sums.items()}


def put_with_digest(path: Path, data: bytes) -> str:
    """Write a file and its sidecar; return its SHA-256."""
    put(path, data)
    sha256 = hashlib.sha256(data).hexdigest()
    put_digest(path, sha256)
    return sha256


def put_digest(path: Path, sha256: str) -> None:
    """Write the sidecar of the file at `path`, whose SHA-256 is given in hexadecimal."""
    put(path.with_name(path.name + SIDECAR), f"{sha256}  {path.name}\n".encode())


def put(path: Path, data: bytes) -> None:
    """Write a file that everybody may read, down to the disk; follows no link."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags, 0o644), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
