"""One audit for all workers of a pytest-xdist session: a lock and a note of where the result lies.

Owns the directory that the controller names to its workers, and what is in it. Knows nothing of
audits but that they end in a directory, or in an error.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pytest_ato.model import errors


class SharedResults:
    """Results by key, shared by all processes that know the same directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if directory.stat().st_uid != os.geteuid():
            raise errors.UsageError(f"{directory} belongs to somebody else; remove it")

    def once(self, key: str, produce: Callable[[], Path]) -> tuple[Path, bool]:
        """Return the result of `produce` and whether this call made it.

        The first caller of all processes produces, the others wait for it. An `AtoError` of the
        first is raised in all of them.
        """
        note = self.directory / f"{key}.json"
        with _locked(self.directory / f"{key}.lock"):
            if note.exists():
                return _recall(note), False
            try:
                directory = produce()
            except errors.AtoError as error:
                _remember(note, {"error": type(error).__name__, "message": str(error)})
                raise
            _remember(note, {"directory": os.fspath(directory)})
            return directory, True


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("ab") as file:  # the lock goes with the descriptor, also when we are killed
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _remember(note: Path, content: dict[str, str]) -> None:
    note.write_text(json.dumps(content))


def _recall(note: Path) -> Path:
    content: dict[str, str] = json.loads(note.read_text())
    if "directory" in content:
        return Path(content["directory"])
    found = getattr(errors, content["error"], errors.AtoError)
    raise found(content["message"])
