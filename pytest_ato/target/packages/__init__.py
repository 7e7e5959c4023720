"""Targets that come packed or in a folder: unpacked, cleaned, and their program found.

`formats` tells what a file is, `unpack` has bsdtar open it in a sandbox, `entries` finds the
program, `phases` what else of it package managers run. What is unpacked lies in a temporary
folder of this process and goes with it.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pytest_ato.model.errors import UsageError
from pytest_ato.model.octets import show
from pytest_ato.target.packages import entries, formats, phases, unpack
from pytest_ato.target.packages.phases import Phase


@dataclass(frozen=True)
class Package:
    """What was in a package, which of it is the program, and what its phases are."""

    kind: str
    """``directory``, ``tar``, ``zip``, ``deb``, ``rpm``, ``wheel``, ``sdist`` or ``npm``."""
    tree: Path
    program: Path | None
    """None only where there are phases."""
    left_out: tuple[str, ...] = ()
    phases: tuple[Phase, ...] = ()

    def phase(self, name: str) -> Phase | None:
        """Return a phase by name; None for the program, which has none. Raises `LookupError`."""
        if not name and self.program:
            return None
        return {phase.name: phase for phase in self.phases}[name]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of what can be audited: the phases, and the program by the empty name."""
        return (*(phase.name for phase in self.phases), *([""] if self.program else []))


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
    if _is_image(unpacked.tree):
        raise UsageError(
            f"target {show(name, 100)} is a container image, which cannot be a target: take the "
            "program out of it (docker cp) and audit that"
        )
    found = phases.of(source, kind, unpacked, place / "phases")
    left_out = (*unpacked.left_out, *found.left_out)
    program = _program(found, unpacked.tree, name, entry)
    return Package(found.kind, unpacked.tree, program, left_out, found.phases)


def _program(found: phases.Phases, tree: Path, name: str, entry: str) -> Path | None:
    """A library's executable files are not programs for users, unless one is named."""
    if found.kind in ("wheel", "sdist", "npm") and not entry:
        return None
    return (entries.find_any if found.phases else entries.find)(tree, name, entry)


def _is_image(tree: Path) -> bool:
    """Whether it is what `docker save` writes: in the OCI's layout, or as engines did before."""
    saved = (tree / "manifest.json").is_file() and any(tree.glob("*/layer.tar"))
    return saved or (tree / "oci-layout").is_file()


@cache
def _store() -> tempfile.TemporaryDirectory[str]:
    """Removed as this process ends."""
    store = tempfile.TemporaryDirectory(prefix="ato-packages-")
    Path(store.name).chmod(0o711)  # who unpacks has no rights of ours
    return store
