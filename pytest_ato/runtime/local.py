"""Capture as a subprocess on this machine: as root, or through ``sudo -n``."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from typing import IO, Final

import msgspec

from pytest_ato.model.check import Check
from pytest_ato.model.errors import CaptureUnavailable
from pytest_ato.model.octets import show
from pytest_ato.model.spec import AuditSpec
from pytest_ato.runtime.interface import Runtime
from pytest_ato.runtime.mitmproxy import find
from pytest_ato.runtime.reader import Reader

_GRACE: Final = 60.0
_CLOSE: Final = 10.0
"""Seconds that capture may take to clean up."""

_PYTHON: Final = (sys.executable, "-I", "-m")
"""Isolated, so that nothing of the working directory, the environment or the user's site directory
is imported into a privileged process."""
_ENVIRONMENT: Final = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}


class LocalRuntime(Runtime):
    """``python -m pytest_ato.capture`` in a session of its own."""

    name = "local"

    @property
    def privilege(self) -> str:
        return "root" if os.geteuid() == 0 else "root by sudo"

    def __init__(self, loader: str, grace: float = _GRACE) -> None:
        """`grace`: seconds of silence beyond a time limit after which capture is given up."""
        self._loader = loader
        self._grace = grace
        self._process: subprocess.Popen[bytes] | None = None
        self._errors: IO[bytes] | None = None
        self._fate = ""

    def command(self) -> tuple[str, ...]:
        """What to run, as root: override it to start capture in another way."""
        mitmproxy = find(os.environ)
        return (*_PYTHON, "pytest_ato.capture", self._loader, str(mitmproxy or ""))

    def start(self) -> None:
        if self._process is not None:
            return
        command = [*_privilege(), *self.command()]
        self._fate = ""
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            cwd="/",
            env=_ENVIRONMENT,
            start_new_session=True,  # Ctrl-C is the caller's to handle
        )
        assert self._process.stdout is not None
        self._reader = Reader(self._process.stdout.fileno(), self._grace)

    def audit(self, spec: AuditSpec) -> Iterator[bytes]:
        self.start()
        assert self._process is not None
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):  # who does not listen has ended, and may say why
            self._process.stdin.write(msgspec.json.encode(spec) + b"\n")
            self._process.stdin.flush()
        try:
            whole = yield from self._reader.audit(spec.timeout)
        except CaptureUnavailable:
            self.close()
            raise
        if self._reader.silence:
            self._fate = f"it fell silent for {self._reader.silence:.0f} s"
            self._kill()
        elif not whole:
            self._fate = self._end()

    def last_words(self) -> str:
        said = ""
        if self._errors is not None:
            self._errors.seek(0)
            lines = self._errors.read(1 << 20).strip().splitlines()
            said = show(lines[-1].decode(errors="replace")) if lines else ""
        return ": ".join(part for part in (self._fate, said) if part)

    def close(self) -> None:
        process = self._process
        if process is None:
            return
        assert process.stdin is not None
        assert process.stdout is not None
        with contextlib.suppress(OSError):
            process.stdin.close()  # capture ends by itself, and cleans up
        process.stdout.close()
        try:
            process.wait(_CLOSE)
        except subprocess.TimeoutExpired:
            self._kill()
        self._process = None

    def _end(self) -> str:
        """Reap a process that has closed its output; returns how it ended, in words."""
        assert self._process is not None
        try:
            status = self._process.wait(_CLOSE)
        except subprocess.TimeoutExpired:
            self._kill()
            return "it closed its output"
        return f"it was killed by signal {-status}" if status < 0 else f"it ended with {status}"

    def _kill(self) -> None:
        """End a process that does not answer; its sandbox dies with it."""
        assert self._process is not None
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        with contextlib.suppress(OSError):  # sudo's is not ours to kill
            self._process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_CLOSE)


def checks() -> tuple[Check, ...]:
    """Ask what this machine can do, with the privileges that capture would have.

    Without any, the questions are asked all the same and the answers say so.
    """
    try:
        privilege = _privilege()
    except CaptureUnavailable:
        privilege = []
    result = subprocess.run(
        [*privilege, *_PYTHON, "pytest_ato.capture.checks", *_mitmproxy()],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd="/",
        env=_ENVIRONMENT,
        check=False,
    )
    return tuple(msgspec.json.decode(line, type=Check) for line in result.stdout.splitlines())


def _mitmproxy() -> list[str]:
    """Where it is, or why it is not."""
    try:
        return [str(find(os.environ) or "")]
    except CaptureUnavailable as error:
        return ["", str(error)]


def _privilege() -> list[str]:
    """What to put before the command to become root."""
    if os.geteuid() == 0:
        return []
    if has_sudo():
        return ["sudo", "-n", "--"]
    raise CaptureUnavailable(
        "capture needs root: run as root, allow sudo without a password for this user, or have "
        "a container engine (--ato-runtime=docker); see: ato doctor"
    )


def has_sudo() -> bool:
    """Whether this user may become root without a password."""
    return bool(shutil.which("sudo")) and _quiet("sudo", "-n", "true")


def _quiet(*command: str) -> bool:
    return (
        subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
        ).returncode
        == 0
    )
