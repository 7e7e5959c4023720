from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pytest_ato.capture.rundir import RunDir
from pytest_ato.model.octets import octets
from pytest_ato.model.spec import AuditSpec, Placed, Target

DRIVER = Path(__file__).with_name("driver.py")


def make_spec(program: Path, *args: bytes, **fields: Any) -> AuditSpec:
    """A spec that runs `program` at /opt/vendor/<its name>."""
    content = program.read_bytes()
    placed = (Placed(str(program), f"/opt/vendor/{program.name}"), *fields.pop("include", ()))
    target = Target(
        name=program.name,
        path=str(program),
        sha256=hashlib.sha256(content).hexdigest(),
        size=len(content),
        format="script",
        placed=placed,
    )
    fields.setdefault("run_id", f"test{uuid.uuid4().hex}")
    fields.setdefault("timeout", 20.0)
    return AuditSpec(target=target, args=tuple(octets(arg) for arg in args), **fields)


class Audit:
    """A driver process and what it said."""

    def __init__(
        self, spec: AuditSpec, base: Path, env: dict[str, str] | None = None, hold: bool = False
    ) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(DRIVER), str(base), *(["hold"] if hold else [])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **(env or {})},
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(msgspec.json.encode(spec))
        self.process.stdin.close()
        self.lines = self.process.stdout

    def record(self) -> Any:
        line = self.lines.readline()
        assert line, "the driver died"
        return msgspec.json.decode(line, type=Record)

    def outcome(self) -> Any:
        """The last record, of an audit that must start."""
        first = self.record()
        assert first.error == ""
        return self.record()

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self.lines.close()


class Record(msgspec.Struct, kw_only=True):
    """Everything that the driver's two records may hold."""

    init_pid: int = 0
    pids: list[int] = []
    cgroup: str = ""
    uid: int = 0
    ready_ms: float = 0.0
    planted: list[tuple[str, int, int]] = []
    error: str = ""
    messages: list[str] = []
    status: int | None = None
    signal: int | None = None
    exec_errno: int | None = None
    setup: str = ""
    empty: bool = False
    timed_out: bool = False
    survivors: list[bytes] = []
    limits_hit: list[str] = []
    disk_full: bool = False
    stdout: bytes = b""
    stderr: bytes = b""
    after_exit_ms: float = 0.0


@pytest.fixture
def spec() -> Callable[..., AuditSpec]:
    return make_spec


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Audit]]:
    """Start an audit: ``start(spec, env={...})``."""
    audits = []

    def _start(spec: AuditSpec, **options: Any) -> Audit:
        audits.append(Audit(spec, tmp_path / "run", **options))
        return audits[-1]

    yield _start
    for audit in audits:
        audit.close()
    if audits:
        RunDir.claim(tmp_path / "run").close()  # sweeps what a killed driver left


@pytest.fixture
def script(tmp_path: Path) -> Callable[..., Path]:
    """Write an executable script: ``script("echo hi")``, ``script(text, python=True)``."""

    def _script(text: str, *, python: bool = False, name: str = "tool") -> Path:
        path = tmp_path / "vendor" / name
        path.parent.mkdir(exist_ok=True)
        shebang = "#!/usr/bin/python3 -I" if python else "#!/bin/sh"
        path.write_text(f"{shebang}\n{text}\n")
        path.chmod(0o700)
        return path

    return _script


@pytest.fixture
def run(start: Callable[..., Audit], script: Callable[..., Path]) -> Callable[..., Record]:
    """Run a script in a sandbox to its end and return the outcome."""

    def _run(text: str, *args: bytes, python: bool = False, **fields: Any) -> Record:
        audit = start(make_spec(script(text, python=python), *args, **fields))
        first = audit.record()
        return first if first.error else audit.record()

    return _run
