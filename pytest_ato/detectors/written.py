"""Files that were written in this audit: under which names, by whom, and what became of them.

Owns the way from an inode or a path back to the process that wrote it, over renames and links.
Judges nothing. What it forgets when there are too many are the files written first.
"""

from __future__ import annotations

import posixpath
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

from pytest_ato.detectors.paths import destination, normal, resolved, text
from pytest_ato.detectors.processes import ProcessState
from pytest_ato.detectors.programs import base_name, is_interpreter
from pytest_ato.model.events import Exec, Link, Map, Open, Rename, Unlink

MAX_FILES: Final = 100_000
_MAX_SAME_NAME: Final = 64
"""Files of one base name among which a relative path is looked for."""


@dataclass(slots=True, eq=False)
class WrittenFile:
    """One file that was opened for writing at least once."""

    path: str
    """Its name when it was first written."""
    ts: int
    writer: ProcessState
    from_network: bool
    """Whether a writer held network bytes."""
    by_tool: bool
    """Whether all writers were tools that produce or unpack programs."""
    paths: set[str] = field(default_factory=set)
    """The names that it has now."""
    deleted: int = 0
    """Time at which its last name was removed, or 0."""


class WrittenFiles:
    """All of them, by inode and by name."""

    def __init__(self) -> None:
        self._by_inode: OrderedDict[tuple[int, int], WrittenFile] = OrderedDict()
        self._by_path: OrderedDict[str, WrittenFile] = OrderedDict()
        self._by_name: dict[str, dict[str, None]] = {}
        self._links: OrderedDict[str, WrittenFile] = OrderedDict()

    def written(
        self, event: Open, writer: ProcessState, from_network: bool, by_tool: bool
    ) -> WrittenFile:
        """Take an `Open` for writing that was granted."""
        path = resolved(event)
        file = self.of(event)
        if file is None or file.deleted:
            file = WrittenFile(path, event.ts, writer, from_network, by_tool)
        else:
            file.from_network |= from_network
            file.by_tool &= by_tool
        if event.inode:
            self._by_inode[event.dev, event.inode] = file
            if len(self._by_inode) > MAX_FILES:
                self._by_inode.popitem(last=False)
        self._name(path, file)
        return file

    def of(self, event: Open | Map | Exec) -> WrittenFile | None:
        """The written file that was opened, mapped, or runs as the image, if it is one."""
        if event.inode:
            return self._by_inode.get((event.dev, event.inode))
        path = resolved(event) if isinstance(event, Open) else text(event.file or "")
        return self._by_path.get(path)

    def script(self, event: Exec) -> WrittenFile | None:
        """The written file that an interpreter was started for by its first line, if it is one.

        The kernel reports the path as it was given; a relative one is looked for by its end.
        """
        if not is_interpreter(event.file, event.argv) and event.path not in event.argv[1:3]:
            return None
        path = normal(event.path)
        if path.startswith("/"):
            return self._by_path.get(path) or self._links.get(path)
        while path.startswith("../"):
            path = path[3:]
        for known in self._by_name.get(base_name(path), ()):
            if known.endswith(f"/{path}"):
                return self._by_path.get(known)
        return None

    def renamed(self, event: Rename) -> None:
        """Take a `Rename`."""
        if event.result < 0:
            return
        file = self._by_path.get(resolved(event))
        self._forget(destination(event))
        if file is not None:
            self._forget(resolved(event))
            self._name(destination(event), file)

    def linked(self, event: Link) -> None:
        """Take a `Link`; a symbolic one counts when its target was written before it."""
        if event.result < 0:
            return
        new = destination(event)
        if not event.symbolic:
            file = self._by_path.get(resolved(event))
            if file is not None:
                self._name(new, file)
            return
        target = normal(posixpath.join(posixpath.dirname(new), text(event.path)))
        file = self._by_path.get(target)
        if file is not None:
            self._links[new] = file
            if len(self._links) > MAX_FILES:
                self._links.popitem(last=False)

    def unlinked(self, event: Unlink) -> None:
        """Take an `Unlink`."""
        if event.result < 0:
            return
        file = self._forget(resolved(event))
        if file is not None and not file.paths:
            file.deleted = event.ts

    def _name(self, path: str, file: WrittenFile) -> None:
        self._by_path[path] = file
        file.paths.add(path)
        same = self._by_name.setdefault(base_name(path), {})
        if len(same) < _MAX_SAME_NAME:
            same[path] = None
        if len(self._by_path) > MAX_FILES:
            self._forget(next(iter(self._by_path)))

    def _forget(self, path: str) -> WrittenFile | None:
        self._links.pop(path, None)
        file = self._by_path.pop(path, None)
        if file is not None:
            file.paths.discard(path)
            same = self._by_name.get(base_name(path), {})
            same.pop(path, None)
            if not same:
                self._by_name.pop(base_name(path), None)
        return file
