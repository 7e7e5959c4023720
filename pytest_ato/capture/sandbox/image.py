"""An image's root directory, in place of the one that `rootfs` makes: its files with their owners.

Owns what engines add to an image (names, resolver, folders that must be there) and what an audit
adds (trusted authorities, planted files). A link of the image's is never followed here: what is in
the way of ours is taken away, or ours is left out.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Final

from pytest_ato.capture.sandbox import place, rootfs, writable
from pytest_ato.capture.sandbox.rootfs import Bind, Stores
from pytest_ato.capture.sandbox.writable import PlantedFile
from pytest_ato.model.spec import OWNERS, ROOT, AuditSpec, Image, PlantFile

_FOLDERS: Final = {"proc": 0o755, "dev": 0o755, "sys": 0o755, "run": 0o755, "tmp": 0o1777}
_CERTS: Final = "etc/ssl/certs"


def build(
    root: Path,
    spec: AuditSpec,
    *,
    first_id: int,
    hostname: str,
    resolver: str | None,
    stores: Stores | None,
) -> list[Bind]:
    """Fill the empty directory `root`; return what is to be bound over it.

    `first_id` is the host's id of the image's 0. Raises OSError, ValueError for what is in the way.
    """
    image = spec.target.image
    assert image is not None, "or it is no image"
    source = spec.target.placed[0].source
    place.copy_tree(f"{source}/{ROOT}", root)
    _give(root, Path(source, OWNERS).read_bytes(), first_id)
    root.chmod(0o755)
    for name, mode in _FOLDERS.items():
        _make_folder(root / name, mode, first_id)
    _make_folder(root / "etc", 0o755, first_id)
    texts = rootfs.texts(first_id, spec.home, hostname, resolver)
    for name in ("hosts", "hostname", "resolv.conf"):
        _write(root / "etc" / name, texts[name], first_id)
    if not stat.S_ISREG(_mode(root / "etc/nsswitch.conf")):
        _write(root / "etc/nsswitch.conf", texts["nsswitch.conf"], first_id)
    for path in (image.directory, *image.volumes):
        _make_all(root, path, first_id, first_id)
    _make_all(root, spec.home, first_id + image.uid, first_id + image.gid)
    return _trust(root, stores, first_id) if stores is not None else []


def plant(
    files: Iterable[PlantFile], root: Path, image: Image, home: str, first_id: int
) -> list[PlantedFile]:
    """Write what can be written into the home of the image's user; its own files stay."""
    top = root / home.lstrip("/")
    planted = []
    for file in files:
        if _is_free(top, PurePosixPath(file.path)):
            planted.append(writable.plant(file, top, uid=first_id + image.uid, home=home))
    return planted


def _is_free(top: Path, path: PurePosixPath) -> bool:
    """Whether nothing of that name is there, and no link or file on the way to it."""
    folders = [top, *(top / parent for parent in list(path.parents)[-2::-1])]
    modes = [_mode(folder) for folder in folders]
    return not _mode(top / path) and all(not mode or stat.S_ISDIR(mode) for mode in modes)


def _give(root: Path, owners: bytes, first_id: int) -> None:
    """Set owner and mode of all files, which are copies of root's own."""
    known: dict[bytes, tuple[int, int, int]] = {}
    for row in owners.split(b"\0")[:-1]:
        *numbers, path = row.split(b" ", 3)
        known[path] = (int(numbers[0]), int(numbers[1]), int(numbers[2], 8))
    os.chown(root, first_id, first_id)
    for folder, directories, names, here in os.fwalk(os.fsencode(root), topdown=False):
        inside = os.path.relpath(folder, os.fsencode(root))
        for name in (*directories, *names):
            path = name if inside == b"." else inside + b"/" + name
            uid, gid, mode = known.get(path, (0, 0, -1))
            os.chown(name, first_id + uid, first_id + gid, dir_fd=here, follow_symlinks=False)
            if mode >= 0 and not stat.S_ISLNK(os.lstat(name, dir_fd=here).st_mode):
                os.chmod(name, mode, dir_fd=here)


def _mode(path: Path) -> int:
    """The mode of what is there itself; 0: nothing."""
    try:
        return path.lstat().st_mode
    except OSError:
        return 0


def _make_folder(path: Path, mode: int, owner: int) -> None:
    """Have a real directory there."""
    found = _mode(path)
    if found and not stat.S_ISDIR(found):
        path.unlink()
        found = 0
    if not found:
        path.mkdir()
        path.chmod(mode)
        os.chown(path, owner, owner)


def _make_all(root: Path, path: str, uid: int, gid: int) -> None:
    """Make a directory and those above it, where nothing else is in the way."""
    here = root
    with suppress(FileExistsError):
        for part in PurePosixPath(path).parts[1:]:
            here = rootfs.make_directories(here, [part]) if _mode(here / part) else here / part
            if not _mode(here):
                here.mkdir()
                here.chmod(0o755)
                os.chown(here, uid, gid)


def _write(path: Path, text: str, owner: int) -> None:
    """Write a file in place of whatever has its name."""
    found = _mode(path)
    if stat.S_ISDIR(found):
        raise FileExistsError(f"{path.name} is a directory")
    path.unlink(missing_ok=True)
    path.write_text(text)
    path.chmod(0o644)
    os.chown(path, owner, owner)


def _trust(root: Path, stores: Stores, owner: int) -> list[Bind]:
    """Show the session's authorities where the image's libraries look for theirs."""
    _make_folder(root / "etc/ssl", 0o755, owner)
    _make_folder(root / _CERTS, 0o755, owner)
    for name, target in stores.links.items():
        path = root / name
        folders = [root / parent for parent in list(PurePosixPath(name).parents)[:-1]]
        are_there = all(stat.S_ISDIR(_mode(folder)) for folder in folders)
        if are_there and not stat.S_ISDIR(_mode(path)):
            path.unlink(missing_ok=True)
            path.symlink_to(target)
    return [bind for bind in stores.binds if bind.dest == f"/{_CERTS}"]
