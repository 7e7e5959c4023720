"""An image's layers, one over the other: the files that its root has, and whose they are.

Owns whiteouts (OCI image layer 1.0): ``.wh.NAME`` takes a name of the layers below away,
``.wh..wh..opq`` all that they have in a folder. Who unpacks has no rights, so owners and modes are
kept beside the files, for capture to set. No link is ever followed.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from pytest_ato.model.errors import UsageError
from pytest_ato.model.octets import show
from pytest_ato.model.spec import OWNERS, ROOT
from pytest_ato.target import files
from pytest_ato.target.images.tree import IDS
from pytest_ato.target.packages import unpack

_GONE: Final = ".wh."
_OPAQUE: Final = ".wh..wh..opq"
_OWN: Final = ".wh..wh."
"""How what is no whiteout begins: notes of an engine to itself."""
_OCTAL: Final = re.compile(rb"\\([0-7]{3})")
_NOBODY: Final = 65_534
_RIGHTS: Final = 0o1777
_USUAL: Final = {0o755, 0o644}


def apply(layers: Iterable[Path], source: Path, into: Path) -> tuple[str, ...]:
    """Fill the new folder `into` with ``root`` and ``owners``; return what was left out, in words.

    Raises `UsageError` for an image that is too large or broken.
    """
    into.mkdir(mode=0o755)
    root = into / ROOT
    root.mkdir(mode=0o755)
    owners: dict[bytes, tuple[int, int, int]] = {}
    left_out: list[str] = []
    room = unpack.BYTES
    place = into / "layer"
    for layer in layers:
        unpacked = unpack.unpack_layer(layer, place, source, room)
        room -= unpacked.size
        left_out += unpacked.left_out
        _merge(place, root)
        place.rmdir()
        for name, keywords in unpacked.members:
            path, owner = _owner(name, keywords)
            if max(owner[:2]) >= IDS:
                left_out.append(
                    f"{show(os.fsdecode(path), 200)} is of an id beyond 65535: nobody's"
                )
                owner = (_NOBODY, _NOBODY, owner[2])
            owners[path] = owner
    _write(into / OWNERS, owners, root, source)
    return unpack.shortened(left_out)


def _merge(upper: Path, lower: Path) -> None:
    """Move what is in the folder `upper` into `lower`."""
    names = sorted(path.name for path in upper.iterdir())
    if _OPAQUE in names:
        for path in lower.iterdir():
            _remove(path)
    for name in names:
        if name.startswith(_GONE):
            _remove(upper / name)
            gone = name.removeprefix(_GONE)
            if not name.startswith(_OWN) and gone not in ("", ".", ".."):
                _remove(lower / gone)
    for name in names:
        source, dest = upper / name, lower / name
        if name.startswith(_GONE):
            continue
        if not _is_folder(source):
            _remove(dest)
            source.rename(dest)
            continue
        if not _is_folder(dest):
            _remove(dest)
            dest.mkdir(mode=0o755)
        _merge(source, dest)
        source.rmdir()


def _is_folder(path: Path) -> bool:
    try:
        return stat.S_ISDIR(path.lstat().st_mode)
    except OSError:
        return False


def _remove(path: Path) -> None:
    if _is_folder(path):
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _owner(name: str, keywords: dict[str, str]) -> tuple[bytes, tuple[int, int, int]]:
    """A member's path, relative to the root, and its user, group and mode."""
    plain = name.removeprefix("./").encode("ascii", "replace")
    path = _OCTAL.sub(lambda found: bytes([int(found[1], 8) & 0xFF]), plain).strip(b"/")
    uid, gid = int(keywords.get("uid", "0")), int(keywords.get("gid", "0"))
    return path, (uid, gid, int(keywords.get("mode", "0"), 8) & _RIGHTS)


def _write(
    place: Path, owners: dict[bytes, tuple[int, int, int]], root: Path, source: Path
) -> None:
    """Write of what is there, and not as capture makes it, whose it is."""
    with place.open("wb") as file:
        for count, path in enumerate(_paths(root)):
            if count > unpack.FILES:
                raise UsageError(
                    f"target {files.printable(source)} is an image of more than "
                    f"{unpack.FILES:,} files"
                )
            uid, gid, mode = owners.get(path, (0, 0, 0o755))
            if uid or gid or mode not in _USUAL:
                file.write(b"%d %d %o %s\0" % (uid, gid, mode, path))


def _paths(root: Path) -> Iterator[bytes]:
    for folder, directories, names in os.walk(os.fsencode(root)):
        for name in (*directories, *names):
            yield os.path.relpath(os.path.join(folder, name), os.fsencode(root))  # noqa: PTH118
