"""Capture in one container for the session: started with the first audit, serving all.

Owns the steps from an engine to a container that can work, and the way of an audit through it.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

import msgspec

from pytest_ato import __version__
from pytest_ato.model.container import Ready
from pytest_ato.model.errors import CaptureUnavailable
from pytest_ato.model.malformed import MALFORMED
from pytest_ato.model.octets import show
from pytest_ato.model.spec import AuditSpec
from pytest_ato.runtime.docker import image, owner, parcel
from pytest_ato.runtime.docker.container import LEVELS, Container, Level
from pytest_ato.runtime.docker.engine import Engine, connect
from pytest_ato.runtime.docker.lock import one_at_a_time
from pytest_ato.runtime.interface import Runtime
from pytest_ato.runtime.reader import Reader

_GRACE: Final = 60.0
_SAME_CLOCK_NS: Final = 5_000_000_000
"""A container's clock that is less than this off is this machine's: the way here took as long."""
_IN_MEMORY: Final = 8 << 20


def _require_programs(spec: AuditSpec) -> None:
    """Refuse what the image has no program for: it would fail, and look as if it had been tried."""
    package = spec.target.package
    kind, phase = (package.kind, package.phase) if package else ("", "")
    if (kind == "npm" and phase) or (kind, phase) == ("sdist", "install"):
        raise CaptureUnavailable(
            f"{spec.target.name}: the audit container has no {'Node' if kind == 'npm' else 'pip'}; "
            "audit this phase with --ato-runtime=local"
        )


class DockerRuntime(Runtime):
    """One audit container; the engine is whichever is found, the image whichever is named."""

    name = "docker"

    def __init__(self, loader: str, image: str = "", grace: float = _GRACE) -> None:
        """`grace`: seconds of silence beyond a time limit after which capture is given up."""
        self._loader = loader
        self._image = image
        self._grace = grace
        self.container: Container | None = None
        """The one that runs, if any."""
        self._reader: Reader | None = None
        self._engine: Engine = None
        self._made_of = ""
        self._level: Level | None = None
        self._offset = 0
        self._fate = ""

    @property
    def privilege(self) -> str:
        return self._level.words if self._level else ""

    def clock(self) -> int:
        return time.monotonic_ns() + self._offset

    def start(self) -> None:
        if self.container is not None:
            return
        self._engine = connect()
        with one_at_a_time():
            self._made_of = image.ensure(self._engine, self._image or image.DEFAULT, self.progress)
        owner.sweep(self._engine)
        refusals: dict[str, list[str]] = {}
        for level in LEVELS:
            self._level = level
            try:
                self._begin(self._run(self._loader))
            except CaptureUnavailable as error:
                refusals.setdefault(str(error), []).append(level.words)
            else:
                return
        raise CaptureUnavailable(
            "; ".join(f"{error} ({', '.join(words)})" for error, words in refusals.items())
        )

    def _run(self, command: str) -> Container:
        assert self._level is not None
        return Container(self._engine, self._made_of, self._level, command)

    def _begin(self, container: Container) -> None:
        """Hear whether the container can work; raises CaptureUnavailable when it cannot."""
        reader = Reader(container.stdout, self._grace)
        try:
            ready = _ready(container, reader)
        except BaseException:
            container.close()
            raise
        off = ready.clock - time.monotonic_ns()
        self._offset = off if abs(off) > _SAME_CLOCK_NS else 0
        self.container, self._reader, self._fate = container, reader, ""

    def audit(self, spec: AuditSpec) -> Iterator[bytes]:
        _require_programs(spec)
        self.start()
        assert self.container is not None
        assert self._reader is not None
        with tempfile.SpooledTemporaryFile(_IN_MEMORY) as archive:
            parcel.pack(spec, archive)
            archive.seek(0)
            self.container.put(parcel.PLACE, archive)
        self.container.send(msgspec.json.encode(parcel.addressed(spec)) + b"\n")
        try:
            whole = yield from self._reader.audit(spec.timeout)
        except CaptureUnavailable:
            self.close()
            raise
        if self._reader.silence:
            self._fate = f"it fell silent for {self._reader.silence:.0f} s"
        elif not whole:
            self._fate = self.container.fate()
        if not whole:
            self.close()
            self._sweep()

    def _sweep(self) -> None:
        """Remove what a container left on its host that was killed: the cgroups of its audit."""
        with suppress(CaptureUnavailable):  # the next container does it
            self._run("sweep").close()

    def last_words(self) -> str:
        return show(self._fate, 500)

    def close(self) -> None:
        if self.container is not None:
            self.container.close()
            self.container = None


def _ready(container: Container, reader: Reader) -> Ready:
    line = next(reader.lines(0), None)
    if line is None:
        raise CaptureUnavailable(f"the audit container said nothing: {container.fate()}")
    try:
        ready = msgspec.json.decode(line, type=Ready)
    except MALFORMED:
        raise CaptureUnavailable(
            f"the audit container says what no capture does: {show(line.decode(errors='replace'))}"
        ) from None
    if ready.refused:
        raise CaptureUnavailable(
            f"the container engine refuses what capture needs: {ready.refused}"
        )
    if ready.version != __version__:
        raise CaptureUnavailable(f"the image has pytest-ato {ready.version}, this is {__version__}")
    return ready
