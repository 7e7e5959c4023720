"""Companions of a target that a user names: which may be shown, where, and what they are.

Refuses directories through which a target would see the user's own world; never follows a link
inside a companion, never opens what is no regular file.
"""

from __future__ import annotations

import hashlib
import os
import posixpath
import pwd
from collections.abc import Iterable, Iterator
from pathlib import Path

from pytest_ato.model.errors import UsageError
from pytest_ato.model.spec import Placed
from pytest_ato.settings.grammar import Include
from pytest_ato.target import files

_MAX_FILES = 100_000
_OPTION = "--ato-include"
_FORBIDDEN = ("/proc", "/sys", "/dev")


def place(include: Include, guarded: Iterable[Path]) -> Placed:
    """Check one companion and say where it goes; `guarded` are directories never to be shown."""
    source = files.resolved(include.source, "--ato-include")
    if source.is_dir():
        check_directory(source, guarded, _OPTION)
    else:
        files.open_regular(source, "--ato-include").close()
    destination = posixpath.normpath(include.destination or str(Path(include.source).absolute()))
    for path in (str(source), destination):
        if path == "/" or any(path == top or path.startswith(top + "/") for top in _FORBIDDEN):
            raise UsageError(f"--ato-include: {files.printable(path)} cannot be shown to a target")
        _require_text(path)
    if ".." in (include.destination or "").split("/"):
        raise UsageError(
            f"--ato-include: DEST has '..' in it: {files.printable(include.destination or '')}"
        )
    return Placed(str(source), destination)


def digests(placed: Placed, own_git: bool = False) -> Iterator[tuple[str, str]]:
    """Yield (destination, digest) of a companion's files; a link counts by its text.

    `own_git`: a .git directory in it is the vendor's, not this user's.
    """
    source = Path(placed.source)
    if not source.is_dir():
        yield placed.dest, _digest(source)
        return
    count = 0
    for folder, directories, names in os.walk(source, onerror=_unreadable):
        for name in (*directories, *names):
            count += 1
            path = Path(folder) / name
            if name == ".git" and not own_git:
                _refuse(source, "it holds a .git directory")
            if count > _MAX_FILES:
                raise UsageError(
                    f"--ato-include {files.printable(source)} holds more than {_MAX_FILES:,} "
                    "files; name the part that the target needs"
                )
            if path.is_symlink() or name in names:
                relative = os.fsencode(path.relative_to(source)).decode("utf-8", "backslashreplace")
                yield f"{placed.dest}/{relative}", _digest(path)


def _digest(path: Path) -> str:
    mode = path.lstat().st_mode
    if path.is_symlink():
        return hashlib.sha256(b"link " + os.fsencode(path.readlink())).hexdigest()
    special = files.kind(mode)
    if special:
        return hashlib.sha256(special.encode()).hexdigest()
    with files.open_regular(path, "--ato-include") as file:
        return files.sha256(file)


def own_directories() -> tuple[Path, ...]:
    """The working directory and the home directories of this user."""
    homes = {os.environ.get("HOME", ""), pwd.getpwuid(os.getuid()).pw_dir}
    return (Path.cwd(), *(Path(home) for home in sorted(homes) if home and home != "/"))


def check_directory(source: Path, guarded: Iterable[Path], what: str) -> None:
    """Refuse a directory that is or contains one of the user's own; `what` begins the error."""
    for directory in (*own_directories(), *guarded):
        if directory.resolve().is_relative_to(source):
            is_it = "is" if directory.resolve() == source else "contains"
            _refuse(source, f"it {is_it} {files.printable(directory)}", what)
    if (source / ".git").exists():
        _refuse(source, "it holds a .git directory", what)


def _refuse(source: Path, reason: str, what: str = _OPTION) -> None:
    raise UsageError(
        f"{what} {files.printable(source)} would show the target your own files: {reason}; "
        "name a folder that holds only what the target needs"
    )


def _unreadable(error: OSError) -> None:
    raise UsageError(f"--ato-include {files.printable(error.filename)} {files.cause(error)}")


def _require_text(path: str) -> None:
    try:
        path.encode()
    except UnicodeEncodeError:
        raise UsageError(
            f"--ato-include {files.printable(path)}: its path is not valid UTF-8; rename it"
        ) from None
