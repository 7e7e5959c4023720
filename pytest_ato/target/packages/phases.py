"""What runs when a package is installed, removed or imported: its phases, each with a driver.

A driver is a script of ours that is placed beside the unpacked files and does what a package
manager would do at that point. Nothing of the package is read here but names and an rpm's scripts.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Final

from pytest_ato.model.errors import UsageError
from pytest_ato.target import files
from pytest_ato.target.packages import rpmheader
from pytest_ato.target.packages.unpack import Unpacked

_DRIVERS: Final = "pytest_ato.target.packages.drivers"
PATH: Final = "/usr/local/bin:/usr/bin:/bin"
"""Where the interpreter of a phase is looked for, here and in the sandbox."""
_FIRST_LINE: Final = 256
_DEB: Final = {
    "preinst": "install",
    "postinst": "configure",
    "prerm": "remove",
    "postrm": "remove",
}
"""Scripts in the order of a package's life, and what dpkg tells them (Debian policy, 6.5)."""
_INSTALLS: Final = ("pretrans", "pre", "post", "posttrans")
"""Scriptlets of an rpm that are told of one instance of the package; the others of none."""


@dataclass(frozen=True)
class Phase:
    """One phase of a package, as a program that can be audited."""

    name: str
    driver: Path
    """Of the host; it is to be at `program` in the sandbox."""
    shown: tuple[tuple[Path, str], ...]
    """What else the sandbox has to show, and where."""
    needed: str
    """What the host, and so the sandbox, must have: a path, or a name in PATH; may be empty."""

    @property
    def program(self) -> str:
        """Path of the driver in the sandbox."""
        return f"/opt/phase/{self.name}"


@dataclass(frozen=True)
class Phases:
    """What a package turned out to be, and its phases in the order of their running."""

    kind: str
    phases: tuple[Phase, ...] = ()
    left_out: tuple[str, ...] = ()


def of(source: Path, kind: str, unpacked: Unpacked, place: Path) -> Phases:
    """Say what an unpacked archive is and write its drivers below `place`; raises `UsageError`."""
    place.mkdir(mode=0o755)
    if kind == "deb":
        return Phases(kind, tuple(_deb(source, unpacked, place)), _unasked(unpacked.control))
    if kind == "rpm":
        return _rpm(source, unpacked.tree, place)
    found = kind_inside(kind, unpacked.tree)
    if found == "npm":
        _require_one_folder(source, unpacked.tree)
        drivers = _of_language("npm", "node", ".js", source, unpacked.tree, place)
        return Phases(found, tuple(drivers))
    if found:
        python = tuple(_of_language("python", "python3", ".py", source, unpacked.tree, place))
        if found == "sdist":
            install, imported = python
            python = (replace(install, needed="pip3"), imported)  # which alone builds it
        return Phases(found, python)
    return Phases(kind)


def kind_inside(kind: str, tree: Path) -> str:
    """Return ``wheel``, ``sdist`` or ``npm`` by the names in an archive; empty for any other."""
    if kind == "zip" and any(map(_is_file, tree.glob("*.dist-info/WHEEL"))):
        return "wheel"
    if kind == "tar" and _is_file(tree / "package/package.json"):
        return "npm"
    tops = [path for path in tree.iterdir() if path.is_dir() and not path.is_symlink()]
    for top in tops if len(tops) == 1 else ():
        builds = _is_file(top / "pyproject.toml") or _is_file(top / "setup.py")
        if builds and _is_file(top / "PKG-INFO"):
            return "sdist"
    return ""


def _require_one_folder(source: Path, tree: Path) -> None:
    """Refuse what npm would put together: it takes the first part of each name away."""
    if len(list(tree.iterdir())) > 1:
        raise UsageError(
            f"target {files.printable(source)} is an npm tarball with more in it than the folder "
            "package: npm would install another package than the one that is seen here"
        )


def _is_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def _of_language(
    family: str, interpreter: str, suffix: str, source: Path, tree: Path, place: Path
) -> Iterator[Phase]:
    shown = ((tree, "/opt/package"), (source, f"/opt/archive/{source.name}"))
    for name in ("install", "import"):
        text = resources.files(_DRIVERS).joinpath(f"{family}_{name}{suffix}").read_bytes()
        driver = _write(place / name, f"#!/usr/bin/env {interpreter}\n".encode() + text)
        yield Phase(name, driver, shown, interpreter)


def _deb(source: Path, unpacked: Unpacked, place: Path) -> Iterator[Phase]:
    control = unpacked.control
    for name, action in _DEB.items():
        if control is None or not os.path.lexists(control / name):
            continue
        script = control / name
        if not _is_file(script):
            raise UsageError(f"target {files.printable(source)} is a deb whose {name} is no file")
        script.chmod(0o755)  # as dpkg does
        with script.open("rb") as file:
            start = file.read(_FIRST_LINE)
        line = start.partition(b"\n")[0].removeprefix(b"#!").split()
        interpreter = _text(line[0]) if start.startswith(b"#!") and line else ""
        driver = _write(place / name, _DPKG.format(name=name, action=action).encode())
        yield Phase(name, driver, ((control, "/opt/control"), _beside(unpacked.tree)), interpreter)


_DPKG: Final = """\
#!/bin/sh
# Runs a maintainer script as dpkg does, but for the rights.
cd /
DPKG_MAINTSCRIPT_PACKAGE="$(sed -n 's/^Package: *//p' /opt/control/control)"
DPKG_MAINTSCRIPT_ARCH="$(sed -n 's/^Architecture: *//p' /opt/control/control)"
DPKG_MAINTSCRIPT_NAME={name} DPKG_ROOT=
export DPKG_MAINTSCRIPT_PACKAGE DPKG_MAINTSCRIPT_ARCH DPKG_MAINTSCRIPT_NAME DPKG_ROOT
exec /opt/control/{name} {action}
"""


def _unasked(control: Path | None) -> tuple[str, ...]:
    asks = control is not None and _is_file(control / "config")
    return ("its config script, which debconf runs, was not run",) if asks else ()


def _rpm(source: Path, tree: Path, place: Path) -> Phases:
    try:
        with files.open_regular(source, "target") as file:
            found = rpmheader.scriptlets(file)
    except ValueError as error:
        raise UsageError(f"target {files.printable(source)} is a damaged rpm: {error}") from None
    phases, left_out = list[Phase](), list[str]()
    for name, scriptlet in found.items():
        if scriptlet.interpreter[0] == b"<lua>":
            left_out.append(f"its %{name} script was not run: it is for the Lua inside rpm")
            continue
        folder = place / f"{name}.control"
        folder.mkdir(mode=0o755)
        words = [shlex.quote(_text(word)) for word in scriptlet.interpreter]
        if scriptlet.text:
            _write(folder / name, scriptlet.text)
            words += [f"/opt/control/{name}", "1" if name in _INSTALLS else "0"]
        driver = _write(place / name, _RPM.format(command=" ".join(words)).encode())
        shown = ((folder, "/opt/control"), _beside(tree))
        phases.append(Phase(name, driver, shown, _text(scriptlet.interpreter[0])))
    return Phases("rpm", tuple(phases), tuple(left_out))


_RPM: Final = """\
#!/bin/sh
# Runs a scriptlet as rpm does, but for the rights.
cd /
exec {command}
"""


def _beside(tree: Path) -> tuple[Path, str]:
    return tree, "/opt/package"


def _text(word: bytes) -> str:
    """A word of a script as text; what is no UTF-8 cannot be a program's name here."""
    return word.decode("utf-8", "replace").replace("\0", "")


def _write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    path.chmod(0o755)
    return path
