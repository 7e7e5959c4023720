"""A report as files: each rendering, and beside it the digest that ``sha256sum -c`` checks."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from pytest_ato.model.report import Report
from pytest_ato.reports.registry import RENDERERS, SIDECAR


def write(report: Report, directory: Path) -> None:
    """Write all renderings of `report` into `directory`; raises `OSError` where it cannot."""
    for renderer in RENDERERS:
        data = renderer.render(report)
        put(directory / renderer.file_name, data)
        put_digest(directory / renderer.file_name, hashlib.sha256(data).hexdigest())


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
