"""persistence: the target leaves something that runs again without it being started again.

Owns what counts as leaving: a start-up place is opened for writing, or a file is renamed or
linked into it. Which places there are is in `startup`.
"""

from __future__ import annotations

import errno
import posixpath
import re
from collections.abc import Iterable
from typing import ClassVar, Final

from pytest_ato.detectors.context import Context
from pytest_ato.detectors.interface import Definition, Detector
from pytest_ato.detectors.paths import (
    destination,
    home_relative,
    opens_for_writing,
    resolved,
    stable_path,
)
from pytest_ato.detectors.startup import PYTHON, startup_kind, startup_kind_of_tree
from pytest_ato.model.events import FileEvent, Link, Open, Rename
from pytest_ato.model.findings import Category, Evidence, Finding, Severity
from pytest_ato.model.octets import show
from pytest_ato.model.record import Event

_REFUSED: Final = frozenset(
    {-errno.EACCES, -errno.EPERM, -errno.EROFS, -errno.ENOENT, -errno.ENOTDIR}
)
"""The sandbox's answers (read-only, not the owner, no such directory) to what would have been."""
_NO_ENVIRONMENT: Final = re.compile(r"(?:/usr|/etc|/lib|~/\.local)(?:/.*)?", re.DOTALL)
_MAX_WAITING: Final = 1000
_MAX_ENVIRONMENTS: Final = 1000


class Persistence(Detector):
    """Finds writes to what others run: cron, systemd, shells, Python, git, SSH, the desktop.

    An attempt that was refused is medium. Silent on reading, on git's ``*.sample`` hooks, and on
    the start-up files inside a Python virtual environment that the target made itself.
    """

    definition: ClassVar[Definition] = Definition(
        rule="ATO-PER-027",
        name="persistence",
        category=Category.PERSISTENCE,
        severity=Severity.HIGH,
        title="Something is left behind that runs again later",
        technique="T1546",
        declarable=frozenset({"file"}),
        wants=(Open, Rename, Link),
        fires="something is written that runs later: cron, systemd units, shell start files, "
        ".pth and sitecustomize, git hooks, authorized_keys, autostart entries, also by "
        "rename or link",
        silent="reading those files, the program's own configuration, git init with its sample "
        "hooks, names that only look alike",
    )

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._environments: set[str] = set()
        """Directories of the virtual environments that were made in this audit."""
        self._waiting: list[tuple[str, Finding]] = []
        """Python start-up files, until it is known whether they are in such a directory."""

    def process(self, event: Event) -> Iterable[Finding]:
        """Report a place as soon as it is written; those of Python wait for the end."""
        if isinstance(event, Open) and not opens_for_writing(event):
            return ()  # nearly all events are this
        match event:
            case Open():
                path = resolved(event)
                if event.result >= 0 and posixpath.basename(path) == "pyvenv.cfg":
                    self._environment(posixpath.dirname(path))
                kind = startup_kind(path, self._home)
            case Rename() | Link():
                path = destination(event)
                kind = startup_kind_of_tree(path, self._home)
            case _:
                return ()
        if not kind or (event.result < 0 and event.result not in _REFUSED):
            return ()
        finding = self._report(event, kind, path)
        if kind != PYTHON:
            return (finding,)
        if len(self._waiting) < _MAX_WAITING:
            self._waiting.append((path, finding))
        return ()

    def finish(self) -> Iterable[Finding]:
        """Report Python start-up files outside the target's own virtual environments."""
        for path, finding in self._waiting:
            if not any(path.startswith(f"{folder}/") for folder in self._environments):
                yield finding

    @property
    def _home(self) -> str:
        return self.context.start.home if self.context.start else ""

    def _environment(self, folder: str) -> None:
        # A pyvenv.cfg above the user's or the system's own packages makes no environment of them.
        is_own = not _NO_ENVIRONMENT.fullmatch(home_relative(folder, self._home))
        if (
            is_own
            and folder not in ("/", self._home)
            and len(self._environments) < _MAX_ENVIRONMENTS
        ):
            self._environments.add(folder)

    def _report(self, event: FileEvent, kind: str, path: str) -> Finding:
        stable = stable_path(path, self._home)
        refused = errno.errorcode.get(-event.result, "error") if event.result < 0 else ""
        what = f"{event.call} puts {show(path)} in place"
        if isinstance(event, Open):
            what = f"{event.call} of {show(path)} for writing (flags {event.flags:#o})"
        verb = "tries to write" if refused else "writes"
        outcome = f", refused ({refused})" if refused else ""
        return self.finding(
            key=f"{kind.replace(' ', '_')}:{stable}",
            title=f"{self.context.processes.label(event.pid)} {verb} the {kind} {stable}{outcome}",
            severity=Severity.MEDIUM if refused else None,
            evidence=(Evidence(ts=event.ts, text=f"{what}{outcome}", pid=event.pid),),
            where=path,
            pid=event.pid,
            count=event.count,
        )
