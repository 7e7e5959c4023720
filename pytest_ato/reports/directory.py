"""The directory of one audit's report: staged beside its place, then put there in one step.

Owns the raw log's file and the replacing. Whoever looks finds the last whole report or the new
one, never a part, whenever this process ends. Only files that a report can hold are ever replaced,
and every failure is one line that says what to do.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO, Final

from pytest_ato import ownership
from pytest_ato.model.closing import Closing
from pytest_ato.model.errors import UsageError
from pytest_ato.model.octets import show
from pytest_ato.model.report import Report
from pytest_ato.reports import staging
from pytest_ato.reports.registry import EVENTS, is_ours
from pytest_ato.reports.write import put_all, put_digest, write

_BUFFER: Final = 1 << 20
_ELSEWHERE: Final = "give another place with --ato-report-dir"


class ReportDirectory(Closing):
    """One audit's report on its way to ``<report_dir>/<name>``.

    Open it before the audit, so that a place that can take no report is told before anything runs;
    `append` the raw log's lines; `write` the report, as often as it changes; `add` what belongs
    beside it; then `commit`. As a context manager it discards what
    was not committed. All methods raise `UsageError` where the place cannot be written.
    """

    def __init__(self, report_dir: Path, name: str) -> None:
        if name in ("", ".", "..") or "/" in name or "\0" in name or staging.is_reserved(name):
            raise UsageError(f"a report directory cannot be named {show(name, 60)!r}")
        self.path = report_dir / name
        """Where the report will lie."""
        self._digest = hashlib.sha256()
        self._stage: staging.Stage | None = None
        self._events: BinaryIO | None = None
        self._made: list[Path] = []
        try:
            _check_report_dir(report_dir)
            self._made = _make(report_dir)
            _check_replaceable(self.path)
            self._stage = staging.Stage(report_dir)
            self._events = _create_private(self._stage.path / EVENTS)
        except OSError as error:
            self.close()
            raise self._unwritable(error) from None

    def append(self, lines: bytes) -> None:
        """Add records to the raw log, given without the last one's newline."""
        records = lines + b"\n"
        try:
            self._log().write(records)
        except OSError as error:
            raise self._unwritable(error) from None
        self._digest.update(records)

    def write(self, report: Report) -> dict[str, str]:
        """Render `report`; return the SHA-256 of the raw log and of each rendering, by name."""
        log = self._log()
        assert self._stage is not None
        try:
            log.flush()
            with ThreadPoolExecutor(1, "ato-log") as disk:  # it is long: render meanwhile
                synced = disk.submit(os.fsync, log.fileno())
                put_digest(self._stage.path / EVENTS, self._digest.hexdigest())
                sums = write(report, self._stage.path)
            synced.result()
            return {EVENTS: self._digest.hexdigest(), **sums}
        except OSError as error:
            raise self._unwritable(error) from None

    def add(self, files: Mapping[str, bytes]) -> None:
        """Put more files beside the renderings, each with its digest."""
        self._log()
        assert self._stage is not None
        try:
            put_all(files.items(), self._stage.path)
        except OSError as error:
            raise self._unwritable(error) from None

    def commit(self, report: Report | None = None) -> Path:
        """Put the whole directory in its place, and return that; with `report`, write it first."""
        if report is not None:
            self.write(report)
        log = self._log()
        assert self._stage is not None
        try:
            log.close()
            _check_replaceable(self.path)
            self._stage.replace(self.path)
        except OSError as error:
            raise self._unwritable(error) from None
        self._made = []
        self.close()
        return self.path

    def close(self) -> None:
        """Remove what was not committed; nothing to do after `commit`, or twice."""
        if self._events is not None:
            with contextlib.suppress(OSError):  # what its buffer still held is not wanted
                self._events.close()
        if self._stage is not None:
            stage, self._stage = self._stage, None
            stage.remove()
        while self._made:
            with contextlib.suppress(OSError):  # another audit may use it by now
                self._made.pop().rmdir()

    def _log(self) -> BinaryIO:
        if self._stage is None or self._events is None:
            raise RuntimeError("this report was committed or discarded before")
        return self._events

    def _unwritable(self, error: OSError) -> UsageError:
        reason = error.strerror or str(error)
        return UsageError(f"cannot write the report to {_shown(self.path)}: {reason}; {_ELSEWHERE}")


def _create_private(path: Path) -> BinaryIO:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    return os.fdopen(os.open(path, flags, 0o600), "wb", buffering=_BUFFER)


def _check_report_dir(report_dir: Path) -> None:
    if (link := ownership.link_in(report_dir)) is not None:
        real = _shown(report_dir.resolve())
        raise UsageError(
            f"the report directory {_shown(report_dir)} leads through the link {_shown(link)}: "
            f"say {real} if that is meant, or {_ELSEWHERE}"
        )
    _check_owner(report_dir)


def _check_owner(path: Path) -> None:
    if (uid := ownership.stranger(path)) is not None:
        raise UsageError(
            f"{_shown(path)} belongs to another user (uid {uid}), who could change what is "
            f"written there: remove it, or {_ELSEWHERE}"
        )


def _make(directory: Path) -> list[Path]:
    """Make `directory` and what is missing above it; return what was missing, top first."""
    missing = [path for path in (directory, *directory.parents) if not path.exists()]
    directory.mkdir(parents=True, exist_ok=True)
    return missing[::-1]


def _check_replaceable(path: Path) -> None:
    """Raise `UsageError` unless `path` is free, or holds nothing but files of a report."""
    if path.is_symlink():
        raise UsageError(f"{_shown(path)} is a link, not a report; {_ELSEWHERE}")
    _check_owner(path)
    try:
        entries = list(os.scandir(path))
    except FileNotFoundError:
        return
    for entry in entries:
        if not is_ours(entry.name) or entry.is_dir(follow_symlinks=False):
            raise UsageError(
                f"{_shown(path)} holds {show(entry.name, 60)}, which is no file of a report: "
                f"move it away, or {_ELSEWHERE}"
            )


def _shown(path: Path) -> str:
    return show(str(path), 300)
