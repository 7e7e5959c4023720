"""Targets that come packed or in a folder: unpacked, cleaned, and their program found.

`formats` tells what a file is, `unpack` has bsdtar open it in a sandbox, `entries` finds the
program. What is unpacked lies in a temporary folder of this process and goes with it.
"""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pytest_ato.model.spec import Image
from pytest_ato.target import images
from pytest_ato.target.packages import entries, formats, unpack


@dataclass(frozen=True)
class Package:
    """What was in a package, and which of it is the program."""

    kind: str
    """``directory``, ``tar``, ``zip``, ``deb``, ``rpm`` or ``image``."""
    tree: Path
    program: Path
    left_out: tuple[str, ...] = ()
    image: Image | None = None


def save_image(name: str) -> Path:
    """Have an engine write an image where packages are unpacked; see `images.save`."""
    return images.save(name, Path(tempfile.mkdtemp(dir=_store().name)))


def open_package(source: Path, name: str, entry: str) -> Package | None:
    """Unpack a package and find its program; None for a single file.

    `entry` names the program, relative to the package. Raises `UsageError`.
    """
    if source.is_dir():
        return Package("directory", source, entries.find(source, name, entry))
    kind = formats.kind(source)
    if not kind:
        return None
    place = Path(tempfile.mkdtemp(dir=_store().name))
    place.chmod(0o711)
    unpacked = unpack.unpack(source, kind, place / "package")
    if images.is_image(unpacked.tree):
        opened = images.open_image(unpacked.tree, source, entry, place / "image")
        shutil.rmtree(place / "package")
        return Package("image", opened.tree, opened.program, opened.left_out, opened.image)
    program = entries.find(unpacked.tree, name, entry)
    return Package(kind, unpacked.tree, program, unpacked.left_out)


@cache
def _store() -> tempfile.TemporaryDirectory[str]:
    """Removed as this process ends."""
    store = tempfile.TemporaryDirectory(prefix="ato-packages-")
    Path(store.name).chmod(0o711)  # who unpacks has no rights of ours
    return store
