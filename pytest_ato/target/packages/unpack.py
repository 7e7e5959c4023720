"""Unpacking a vendor's archive: bsdtar does it, without rights, in a sandbox of its own.

Owns the limits, and what is kept out: devices, pipes, set-id bits, names and links that lead out of
the archive. What is left out is told, never silently. No byte of the archive is parsed here: bsdtar
says what it holds as lines of mtree(5), in which names are escaped.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import subprocess
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pytest_ato.model.errors import UsageError
from pytest_ato.model.octets import show
from pytest_ato.target import files

SECONDS: Final = 120.0
BYTES: Final = 4 << 30
"""Of an archive's content: what a sandbox's memory could hold anyway."""
FILES: Final = 100_000
DEPTH: Final = 200
"""Folders in one another, of an image."""
TOLD: Final = 20
"""Members that are named one by one where they are left out."""
_DAMAGED: Final = "is a damaged archive, or none that bsdtar knows"
_TOO_LARGE: Final = f"is an archive of more than {BYTES >> 30} GiB"
_LISTING: Final = 64 << 20
_NOBODY: Final = 65534
_RIGHTS: Final[dict[str, Any]] = {"user": _NOBODY, "group": _NOBODY, "extra_groups": ()}
_LOOK: Final = 0.1
_SPECIAL: Final = {"char": "a device", "block": "a device", "fifo": "a pipe", "socket": "a socket"}
_SET_ID: Final = 0o6000
_SYSTEM: Final = ("/usr", "/bin", "/sbin", "/lib", "/lib64")


@dataclass(frozen=True)
class Unpacked:
    """A folder with an archive's files, and in words what was left out of it."""

    tree: Path
    left_out: tuple[str, ...]
    control: Path | None = None
    """Of a deb: the folder with its maintainer scripts."""


def unpack(source: Path, kind: str, into: Path) -> Unpacked:
    """Unpack `source` below the folder `into`, which must be new; raises `UsageError`."""
    bsdtar = shutil.which("bsdtar")
    if bsdtar is None:
        raise UsageError(
            f"target {files.printable(source)} is an archive, and bsdtar, which opens it, is not "
            "installed: apt-get install libarchive-tools"
        )
    if kind == "zip" and not _is_zip(source):  # bsdtar would take what is there
        raise UsageError(f"target {files.printable(source)} {_DAMAGED}")
    if source.stat().st_size > BYTES:  # packed it is no larger
        raise UsageError(f"target {files.printable(source)} {_TOO_LARGE}")
    into.mkdir(mode=0o755)
    if kind != "deb":
        return _unpack(_Box(bsdtar, source), into / "tree")
    outer = _unpack(_Box(bsdtar, source), into / "deb")
    data = sorted(outer.tree.glob("data.tar*"))
    if len(data) != 1:
        raise UsageError(f"target {files.printable(source)} is a deb without its data.tar")
    inner = _unpack(_Box(bsdtar, data[0], source), into / "tree")
    left_out = (*outer.left_out, *inner.left_out)
    controls = sorted(outer.tree.glob("control.tar*"))
    if not controls:
        return Unpacked(inner.tree, left_out)
    if len(controls) > 1:
        raise UsageError(f"target {files.printable(source)} is a deb with several control.tar")
    control = _unpack(_Box(bsdtar, controls[0], source), into / "control")
    return Unpacked(inner.tree, (*left_out, *control.left_out), control.tree)


def _is_zip(source: Path) -> bool:
    try:
        return zipfile.is_zipfile(source)
    except zipfile.BadZipFile:  # of an archive on several disks, before Python 3.13
        return False


class _Box:
    """bsdtar on one archive, in a sandbox with the system, the archive, and one folder to fill."""

    def __init__(self, bsdtar: str, archive: Path, shown_as: Path | None = None) -> None:
        self._bsdtar = bsdtar
        self._archive = archive
        self.name = files.printable(shown_as or archive)

    def members(self) -> Iterator[tuple[str, dict[str, str]]]:
        """Yield name and keywords of each member, as mtree(5) has them."""
        options = "--options=!all,type,mode,size,link,uid,gid"
        words = ["-cf", "-", "--format=mtree", options, "@-"]
        data = self._run(words, None)
        for line in data.decode("ascii", "replace").splitlines():
            if line and not line.startswith(("#", "/set")):
                name, *keywords = line.split()
                yield name, dict(word.partition("=")[::2] for word in keywords)

    def extract(self, tree: Path) -> list[str]:
        """Fill `tree`; return what bsdtar says of members that it refuses."""
        said = self._run(["-xf", "-", "--no-same-permissions", "-C", "/out"], tree)
        lines = (line.strip() for line in said.decode("utf-8", "replace").splitlines())
        return [line for line in lines if line and not line.startswith("bsdtar: ")]

    def _run(self, words: list[str], tree: Path | None) -> bytes:
        """Return what was printed: a listing, or where `tree` is filled, complaints."""
        command = ["prlimit", f"--fsize={BYTES}", "--core=0", "bwrap"]
        command += ["--unshare-all", "--die-with-parent", "--new-session", "--clearenv"]
        command += ["--setenv", "LC_ALL", "C.UTF-8", "--cap-drop", "ALL", "--dev", "/dev"]
        for path in _SYSTEM:
            command += ["--ro-bind-try", path, path]
        command += ["--bind", str(tree), "/out"] if tree else []
        command += ["--", self._bsdtar, *words]
        with self._archive.open("rb") as archive, tempfile.TemporaryFile() as listing:
            process = subprocess.Popen(
                command,
                stdin=archive,
                stdout=subprocess.DEVNULL if tree else listing,
                stderr=listing if tree else subprocess.DEVNULL,
                **_RIGHTS if os.geteuid() == 0 else {},
            )
            too_much = self._watch(process, tree, listing.fileno())
            if too_much or (process.returncode and tree is None):
                reason = too_much or _DAMAGED
                raise UsageError(f"target {self.name} {reason}")
            listing.seek(0)
            return listing.read(_LISTING)

    def _watch(self, process: subprocess.Popen[bytes], tree: Path | None, listing: int) -> str:
        """Wait for the end, or end it; return in words why it had to be ended."""
        end = time.monotonic() + SECONDS
        try:
            while True:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(_LOOK)
                    return _excess(tree) if tree else ""
                if time.monotonic() > end:
                    return f"is an archive that takes more than {SECONDS:.0f} s to unpack"
                if os.fstat(listing).st_size > _LISTING:
                    return f"is an archive of more than {FILES:,} files"
                if tree and (excess := _excess(tree)):
                    return excess
        finally:
            process.kill()
            process.wait()


def _excess(tree: Path) -> str:
    size = count = 0
    for folder, directories, names in os.walk(tree):
        count += len(directories) + len(names)
        for name in names:
            with contextlib.suppress(OSError):
                size += Path(folder, name).lstat().st_blocks * 512
        if size > BYTES:
            return _TOO_LARGE
        if count > FILES:
            return f"is an archive of more than {FILES:,} files"
    return ""


def _prepare(tree: Path) -> None:
    """Make the folder that the unprivileged helper unpacks into."""
    tree.mkdir(mode=0o755)
    if os.geteuid() == 0:
        os.chown(tree, _NOBODY, _NOBODY)


def _measure(box: _Box, members: list[tuple[str, dict[str, str]]], room: int) -> int:
    """Return the bytes of all members; more than `room` is a `UsageError`."""
    size = sum(int(keywords.get("size", "0")) for _, keywords in members)
    if size > room:
        raise UsageError(f"target {box.name} {_TOO_LARGE}")
    return size


def _unpack(box: _Box, tree: Path) -> Unpacked:
    _prepare(tree)
    members = list(box.members())
    if not members:
        raise UsageError(f"target {box.name} {_DAMAGED}")
    _measure(box, members, BYTES)
    complaints = box.extract(tree)
    left_out = [*_refused(members, complaints), *_cleaned(tree, _leads_out)]
    if not any(tree.iterdir()):
        raise UsageError(f"target {box.name} is an archive with nothing in it that can be used")
    return Unpacked(tree, shortened(left_out))


def shortened(left_out: list[str]) -> tuple[str, ...]:
    """The first of what was left out, and how much more there is."""
    told = left_out[:TOLD]
    if len(left_out) > TOLD:
        told.append(f"{len(left_out) - TOLD:,} more members were left out")
    return tuple(told)


@dataclass(frozen=True)
class Layer:
    """One of the archives that an image is made of, unpacked: see `Unpacked`."""

    members: list[tuple[str, dict[str, str]]]
    left_out: list[str]
    size: int


def unpack_layer(source: Path, tree: Path, shown_as: Path, room: int) -> Layer:
    """Unpack a layer into the new folder `tree`; links stay, as they lead to the image's own.

    `shown_as` is the target that errors name, `room` are the bytes that the layer may have. Raises
    `UsageError`.
    """
    bsdtar = shutil.which("bsdtar")
    assert bsdtar is not None, "it has opened the image's own archive"
    box = _Box(bsdtar, source, shown_as)
    _prepare(tree)
    members = list(box.members())
    if len(members) > FILES:
        raise UsageError(f"target {box.name} is an archive of more than {FILES:,} files")
    if any(name.count("/") > DEPTH for name, _ in members):
        raise UsageError(f"target {box.name} has folders more than {DEPTH} deep")
    size = _measure(box, members, room)
    complaints = box.extract(tree) if members else []
    tree.chmod(0o755)
    left_out = [*_refused(members, complaints), *_cleaned(tree, lambda *_: False)]
    return Layer(members, left_out, size)


def _refused(members: list[tuple[str, dict[str, str]]], complaints: list[str]) -> Iterator[str]:
    """Say which members are not as the archive has them."""
    told = set()
    for name, keywords in members:
        plain = name.removeprefix("./")
        kind = keywords.get("type", "file")
        if kind in _SPECIAL:
            told.add(plain)
            yield f"{show(plain, 200)} is {_SPECIAL[kind]}: left out"
        elif int(keywords.get("mode", "0"), 8) & _SET_ID:
            yield f"{show(plain, 200)} has a set-id bit: taken away"
    for line in complaints:
        if line.partition(": ")[0] not in told:
            yield f"{show(line, 300)}: left out"


def _cleaned(tree: Path, leads_out: Callable[[Path, str, Path], bool]) -> Iterator[str]:
    """Take away what must not be shown to a target, and give the rest rights to be read."""
    for folder, directories, names, here in os.fwalk(tree, follow_symlinks=False):
        for name in (*directories, *names):
            mode = os.lstat(name, dir_fd=here).st_mode
            shown = show(str(Path(folder, name).relative_to(tree)), 200)
            if stat.S_ISLNK(mode):
                if leads_out(Path(folder), os.readlink(name, dir_fd=here), tree):
                    os.unlink(name, dir_fd=here)
                    yield f"{shown} is a link that leads out of the archive: left out"
            elif stat.S_ISDIR(mode) or stat.S_ISREG(mode):
                executable = 0o111 if stat.S_ISDIR(mode) or mode & 0o111 else 0
                os.chmod(name, 0o644 | executable, dir_fd=here, follow_symlinks=True)
            else:
                os.unlink(name, dir_fd=here)


def _leads_out(folder: Path, link: str, tree: Path) -> bool:
    return not Path(os.path.normpath(folder / link)).is_relative_to(tree)
