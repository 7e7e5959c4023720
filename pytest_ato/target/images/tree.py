"""An image's files in a folder of the host: paths found as in the image, users by name.

Every link is followed by its text, from the image's root and never above it: nothing that an image
says leads to a file of the host.
"""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Final

from pytest_ato.model.errors import UsageError
from pytest_ato.model.octets import show
from pytest_ato.target import files

IDS: Final = 65_536
"""User and group ids that there are in an image's sandbox: 0 to 65535."""
_LINKS: Final = 40
"""As many as Linux follows in one path (path_resolution(7))."""
_LIST: Final = 1 << 20
_NO_USER: Final = "/home/user"
"""Home of a user of whom the image knows none: one with credentials in it."""


class Tree:
    """The files below `root`; `what` names the target in errors."""

    def __init__(self, root: Path, what: str) -> None:
        self.what = what
        self._root = root

    def host(self, path: str) -> Path:
        """Where a path without links lies outside."""
        return self._root / path.lstrip("/")

    def find(self, path: str, start: str = "/") -> str:
        """Return `path` with its links resolved, absolute; what is not there is taken as written.

        Raises `UsageError` for links that go in a circle.
        """
        done: list[str] = []
        left = (path if path.startswith("/") else f"{start}/{path}").split("/")[::-1]
        links = 0
        while left:
            part = left.pop()
            if part in ("", "."):
                continue
            if part == "..":
                done = done[:-1]
                continue
            link = self._link("/".join((*done, part)))
            if link is None:
                done.append(part)
                continue
            links += 1
            if links > _LINKS:
                raise UsageError(f"{self.what}: the links of {show(path, 200)} go in a circle")
            if link.startswith("/"):
                done = []
            left += reversed(link.split("/"))
        found = "/" + "/".join(done)
        try:
            found.encode()
        except UnicodeEncodeError:
            raise UsageError(
                f"{self.what}: {show(path, 200)} leads to a name that is not UTF-8"
            ) from None
        return found

    def _link(self, path: str) -> str | None:
        try:
            return str((self._root / path).readlink())
        except (OSError, ValueError):
            return None

    def kind(self, path: str) -> int:
        """The mode of what a path without links leads to; 0: nothing is there."""
        try:
            return self.host(path).lstat().st_mode
        except (OSError, ValueError):
            return 0

    def is_program(self, path: str) -> bool:
        """Whether a path, links followed, is an executable file."""
        mode = self.kind(self.find(path))
        return stat.S_ISREG(mode) and bool(mode & 0o111)

    def user(self, name: str) -> tuple[int, int, str]:
        """Return ids and home of ``USER[:GROUP]``, each a name or number; empty: root."""
        who, _, group = (name or "0").partition(":")
        rows = self._rows("/etc/passwd", 7)
        column = 2 if who.isdecimal() else 0
        row = next((row for row in rows if row[column] == who), None)
        if row is None and column == 0:
            raise self._unknown("user", who, "/etc/passwd")
        uid = self._id(row[2] if row else who)
        gid = self._id(row[3]) if row else 0
        if group:
            gid = self._group(group)
        home = self.find(row[5]) if row and row[5].startswith("/") else "/"
        if home == "/" or stat.S_IFMT(self.kind(home)) not in (0, stat.S_IFDIR):
            home = _NO_USER
        return uid, gid, home

    def _group(self, group: str) -> int:
        if group.isdecimal():
            return self._id(group)
        for row in self._rows("/etc/group", 4):
            if row[0] == group:
                return self._id(row[2])
        raise self._unknown("group", group, "/etc/group")

    def _id(self, number: str) -> int:
        if not number.isdecimal() or len(number) > 10 or int(number) >= IDS:
            raise UsageError(
                f"{self.what}: its user or group has the id {show(number, 20)}; an image's audit "
                f"has the ids 0 to {IDS - 1}"
            )
        return int(number)

    def _unknown(self, kind: str, name: str, path: str) -> UsageError:
        return UsageError(f"{self.what}: its {kind} {show(name, 60)} is not in its {path}")

    def _rows(self, path: str, columns: int) -> list[list[str]]:
        place = self.host(self.find(path))
        if not stat.S_ISREG(self.kind(self.find(path))):
            return []
        with files.open_regular(place, self.what) as file:
            lines = file.read(_LIST).decode("utf-8", "replace").split("\n")
        rows = (line.split(":") for line in lines)
        return [row for row in rows if len(row) == columns]
