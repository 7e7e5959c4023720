"""Targets that come packed or in a folder: unpacked, cleaned, and their program found.

`formats` tells what a file is, `unpack` has bsdtar open it in a sandbox, `entries` finds the
program, `phases` what else of it package managers run. What is unpacked lies in a temporary
folder of this process and goes with it.
"""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pytest_ato.model.spec import Image
from pytest_ato.target import images
from pytest_ato.target.packages import entries, formats, phases, unpack
from pytest_ato.target.packages.phases import Phase


@dataclass(frozen=True)
class Package:
    """What was in a package, which of it is the program, and what its phases are."""

    kind: str
    """``directory``, ``tar``, ``zip``, ``deb``, ``rpm``, ``wheel``, ``sdist``, ``npm`` or
    ``image``."""
    tree: Path
    program: Path | None
    """None only where there are phases."""
    left_out: tuple[str, ...] = ()
    phases: tuple[Phase, ...] = ()
    image: Image | None = None

    def phase(self, name: str) -> Phase | None:
        """Return a phase by name; None for the program, which has none. Raises `LookupError`."""
        if not name and self.program:
            return None
        return {phase.name: phase for phase in self.phases}[name]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of what can be audited: the phases, and the program by the empty name."""
        return (*(phase.name for phase in self.phases), *([""] if self.program else []))


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
        return Package("image", opened.tree, opened.program, opened.left_out, image=opened.image)
    found = phases.of(source, kind, unpacked, place / "phases")
    left_out = (*unpacked.left_out, *found.left_out)
    program = _program(found, unpacked.tree, name, entry)
    return Package(found.kind, unpacked.tree, program, left_out, found.phases)


def _program(found: phases.Phases, tree: Path, name: str, entry: str) -> Path | None:
    """A library's executable files are not programs for users, unless one is named."""
    if found.kind in ("wheel", "sdist", "npm") and not entry:
        return None
    return (entries.find_any if found.phases else entries.find)(tree, name, entry)


@cache
def _store() -> tempfile.TemporaryDirectory[str]:
    """Removed as this process ends."""
    store = tempfile.TemporaryDirectory(prefix="ato-packages-")
    Path(store.name).chmod(0o711)  # who unpacks has no rights of ours
    return store
