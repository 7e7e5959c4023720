"""A report as files: each rendering, and beside it the digest that ``sha256sum -c`` checks."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from pytest_ato.model.report import Report
from pytest_ato.reports.registry import RENDERERS, SIDECAR


def write(report: Report, directory: Path) -> dict[str, str]:
    """Write all renderings of `report` into `directory`; return their SHA-256 by name.

    Raises `OSError` where it cannot.
    """
    return {
        renderer.file_name: put_with_digest(directory / renderer.file_name, renderer.render(report))
        for renderer in RENDERERS
    }


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
