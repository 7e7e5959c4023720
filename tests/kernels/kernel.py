"""A kernel from a distribution's packages, ready to be booted, without installing it here.

Owns fetching (by apt, which checks signatures and hashes), unpacking and the cache. Boots nothing.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_KERNEL_PACKAGE: Final = re.compile(r"linux-(base|binary|image|modules)-[\w.+-]+")
_CONCRETE: Final = re.compile(r"linux-image-(unsigned-)?\d+\.\d+\.")
_DRIVERS: Final = re.compile(r"/kernel/(sound|drivers)/")
_WANTED_DRIVERS: Final = re.compile(r"/kernel/drivers/(virtio/|net/[^/]+$)")


class CannotFetch(Exception):
    """No such package, or no way to get it; the message says which and why."""


@dataclass(frozen=True)
class Kernel:
    """One unpacked kernel."""

    release: str
    """What ``uname -r`` says in it."""
    image: Path
    modules: Path
    """The directory of its modules, with the modules.dep that depmod wrote."""


class Apt:
    """apt with this machine's sources, or with one source and nothing but that."""

    def __init__(self, cache: Path, source: str | None = None) -> None:
        """`source` is one line as in sources.list(5); its package lists are kept below `cache`."""
        self._options = ["-q", "-o", "APT::Sandbox::User=root"]
        if source is None:
            return
        root = cache / "apt"
        for name in ("lists", "archives"):
            (root / name / "partial").mkdir(parents=True, exist_ok=True)
        (root / "sources.list").write_text(f"{source}\n")
        self._options += [
            "-o", f"Dir::Etc::sourcelist={root / 'sources.list'}",
            "-o", "Dir::Etc::sourceparts=/dev/null",
            "-o", "Dir::Etc::preferencesparts=/dev/null",
            "-o", f"Dir::State::lists={root / 'lists'}",
            "-o", f"Dir::Cache={root}",
        ]  # fmt: skip
        self._run("apt-get", "update")

    def kernel_packages(self, name: str) -> list[str]:
        """Return `name` and what it depends on, as far as that is a part of a kernel."""
        found = [name]
        for package in found:  # grows while it is walked
            for line in self._run("apt-cache", "depends", package).splitlines():
                dependency = line.strip().removeprefix("Depends: ")
                if _KERNEL_PACKAGE.fullmatch(dependency) and dependency not in found:
                    found.append(dependency)
        return found

    def download(self, packages: list[str], folder: Path) -> list[Path]:
        """Get the package files into `folder`."""
        self._run("apt-get", "download", *packages, folder=folder)
        return sorted(folder.glob("*.deb"))

    def _run(self, program: str, *arguments: str, folder: Path | None = None) -> str:
        command = [program, *self._options, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)
        if done.returncode:
            words = done.stderr.strip().splitlines() or ["no reason given"]
            raise CannotFetch(f"{program} {' '.join(arguments)}: {words[0]}")
        return done.stdout


def fetch_kernel(package: str, apt: Apt, cache: Path) -> Kernel:
    """Return the kernel that `package` is or leads to, from `cache` if it was fetched before."""
    packages = apt.kernel_packages(package)
    concrete = [name for name in packages if _CONCRETE.match(name)]
    if len(concrete) != 1:
        raise CannotFetch(f"{package} leads to no kernel, or to more than one: {packages}")
    place = cache / concrete[0]
    if not place.exists():
        with _building(place) as root:
            for archive in apt.download(packages, root):
                _unpack(archive, root, _is_needed)
            kernel = _unpacked(root)
            if not kernel.image.exists():
                raise CannotFetch(f"there is no kernel in {', '.join(packages)}")
            subprocess.run(["/sbin/depmod", "-b", root, kernel.release], check=True)
    return _unpacked(place)


def _unpacked(root: Path) -> Kernel:
    (modules,) = root.glob("lib/modules/*")
    beside = modules / "vmlinuz"  # where Debian has it of late
    return Kernel(
        modules.name,
        beside if beside.exists() else root / f"boot/vmlinuz-{modules.name}",
        modules,
    )


def fetch_busybox(apt: Apt, cache: Path) -> Path:
    """Return the static busybox. It is not installed: its package excludes the ordinary one."""
    place = cache / "busybox-static"
    if not place.exists():
        with _building(place) as root:
            for archive in apt.download(["busybox-static"], root):
                _unpack(archive, root, lambda name: name.endswith("bin/busybox"))
    return place / "bin/busybox"


@contextmanager
def _building(place: Path) -> Iterator[Path]:
    """A directory that becomes `place` when all went well; a broken one never looks finished."""
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.parent) as temporary:
        root = Path(temporary) / "root"
        root.mkdir()
        yield root
        for archive in root.glob("*.deb"):
            archive.unlink()
        shutil.move(root, place)


def _is_needed(name: str) -> bool:
    """A virtual machine needs few drivers, and they are most of a kernel's package."""
    if _DRIVERS.search(name) and not _WANTED_DRIVERS.search(name):
        return False
    return name.startswith(("boot/vmlinuz-", "lib/modules/"))


def _unpack(archive: Path, root: Path, wanted: Callable[[str], bool]) -> None:
    """Unpack the wanted files of a .deb; /usr is left out of their paths, as if it were merged."""
    reader = subprocess.Popen(["dpkg-deb", "--fsys-tarfile", archive], stdout=subprocess.PIPE)
    with reader, tarfile.open(fileobj=reader.stdout, mode="r|") as members:
        for member in members:
            member.name = re.sub(r"^\./(usr/)?", "", member.name)
            if member.isfile() and wanted(member.name):
                members.extract(member, root, filter="data")
    if reader.returncode:
        raise CannotFetch(f"dpkg-deb could not unpack {archive.name}")
