"""The sandbox in which the gateway's helpers run.

Owns the bubblewrap command line: a root that holds an interpreter, its libraries and the few
packages that a helper imports, all read-only and each at its own place, wherever the installation
lies. No /proc, /dev, /etc, /home; own pid, ipc, uts and cgroup namespaces; the network namespace
is the one it is started in.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pytest_ato.capture.network.rules import program
from pytest_ato.model.errors import CaptureUnavailable

_MODULE = "pytest_ato.capture.sinkhole"
_PACKAGES = ("pytest_ato", "msgspec", "dns", "h11")
_SYSTEM = ("/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache")


@dataclass(frozen=True)
class Python:
    """An interpreter, and what a program in it may see."""

    interpreter: Path
    """The true file, not a virtual environment's link to it."""
    base: Path
    """The installation's prefix."""
    packages: tuple[Path, ...]
    """Directories to show, each importable or holding what is."""
    search: tuple[Path, ...]
    """Where modules are looked for beside the standard library."""


def own(imports: Sequence[str] = _PACKAGES) -> Python:
    """Return the interpreter that runs this, with the packages `imports`: the sinkhole's."""
    base = getattr(sys, "_base_executable", None) or sys.executable
    packages = tuple(_location(name) for name in imports)
    return Python(
        interpreter=Path(base).resolve(),
        base=Path(sys.base_exec_prefix),
        packages=packages,
        search=tuple(dict.fromkeys(package.parent for package in packages)),
    )


def sinkhole(uid: int) -> list[str]:
    """Return the command that runs the sinkhole, which then becomes `uid` by itself."""
    return command(own(), _MODULE, [str(uid)])


def command(python: Python, module: str, arguments: Sequence[str]) -> list[str]:
    """Return the command that runs a module in the sandbox, as root until it changes its user."""
    options = [
        *("--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"),
        *("--die-with-parent", "--new-session", "--clearenv"),
        *("--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"),
        *_root([python.interpreter.parent, python.base, *python.packages]),
        *("--remount-ro", "/", "--chdir", "/"),
        *("--setenv", "PYTHONPATH", os.pathsep.join(map(str, python.search))),
        *("--setenv", "LD_LIBRARY_PATH", str(python.base / "lib")),
    ]
    # Neither site nor user site nor the working directory has a say: only PYTHONPATH above.
    run = [str(python.interpreter), "-B", "-P", "-s", "-S", "-m", module, *arguments]
    return [program("bwrap", "bubblewrap"), *options, "--", *run]


def _root(places: list[Path]) -> list[str]:
    """Return the options that show the system's libraries and `places`, readable by anyone."""
    options: list[str] = []
    for system in map(Path, _SYSTEM):
        if system.is_symlink():
            options += ["--symlink", str(system.readlink()), str(system)]
        else:
            options += ["--ro-bind-try", str(system), str(system)]
    shown = {Path(system) for system in _SYSTEM}
    parents = {Path("/")}
    for place in sorted(set(places)):  # a directory sorts before what it holds
        if not shown.isdisjoint((place, *place.parents)):
            continue
        # bubblewrap would make missing parents for root alone.
        for parent in reversed(place.parents):
            if parent not in parents:
                options += ["--perms", "0755", "--dir", str(parent)]
                parents.add(parent)
        options += ["--ro-bind", str(place), str(place)]
        shown.add(place)
    return options


def _location(name: str) -> Path:
    """Return the directory of an importable package."""
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise CaptureUnavailable(f"the Python package {name} is missing: reinstall pytest-ato")
    return Path(next(iter(spec.submodule_search_locations)))
