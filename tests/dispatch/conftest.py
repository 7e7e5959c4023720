"""A map that the real programs fill, a dispatcher of it, and what its log says in the end."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NoReturn

import pytest

from pytest_ato.dispatch.dispatcher import Dispatcher, Settings
from pytest_ato.dispatch.tally import Flow, tally
from pytest_ato.evidence.verification.trust import Keys
from pytest_ato.flows.program import Program
from pytest_ato.metrics.dispatch import DispatchMetrics

from ..evidence.conftest import faulty, faulty_module, token  # noqa: TID252
from ..flows.conftest import Pair, bpffs, load, pair, udp  # noqa: TID252

__all__ = ["Pair", "bpffs", "faulty", "faulty_module", "load", "pair", "token"]

ATO = Path(sys.executable).with_name("ato")


@dataclass
class Stack:
    """A map in a place of its own, the programs that count in it, a key and a log."""

    program: Program
    settings: Settings
    metrics: DispatchMetrics = field(default_factory=DispatchMetrics)
    complaints: list[str] = field(default_factory=list)

    def send(self, port: int, packets: int = 1) -> int:
        """Have one flow of 42-byte frames counted; returns how many packets."""
        self.program.trial("netflow_filter", udp(port), repeat=packets)
        return packets

    def dispatcher(self, **settings: object) -> Dispatcher:
        wanted = replace(self.settings, **settings)  # type: ignore[arg-type]
        return Dispatcher(wanted, self.metrics, self.complaints.append)

    def value(self, name: str, **labels: str) -> float:
        """A sample as it would be scraped."""
        found = self.metrics.registry.get_sample_value(f"ato_{name}", labels)
        assert found is not None, name
        return found

    def evidence(self) -> dict[str, Flow]:
        """What the log says of each flow; the log is verified on the way."""
        return tally(self.settings.log, Keys())

    def packets(self) -> list[int]:
        """Packets of each flow in the evidence, sorted."""
        return sorted(flow.packets_out for flow in self.evidence().values())


@pytest.fixture
def stack(
    load: Callable[..., Program], bpffs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Stack:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))  # a key of this test's own
    return Stack(
        load(), Settings(map=bpffs / "flow_map", log=tmp_path / "audit/log", interval=0.05)
    )


@pytest.fixture(scope="session")
def compose(lack: Callable[[str, str], NoReturn]) -> str:
    """The program."""
    return shutil.which("docker-compose") or lack("docker", "docker-compose is not installed")


@dataclass
class Service:
    """`ato dispatch` as a process."""

    process: subprocess.Popen[str]
    port: int = 0

    def get(self, path: str) -> tuple[int, str]:
        """Status and text of what it serves."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=20) as got:
                return got.status, got.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def value(self, sample: str) -> float:
        """A sample by its name and labels, as in the text."""
        for line in self.get("/metrics")[1].splitlines():
            name, _, value = line.rpartition(" ")
            if name == f"ato_{sample}":
                return float(value)
        raise AssertionError(f"no {sample}")

    def end(self, how: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        """Exit status, and what it wrote to standard error after it had begun."""
        self.process.send_signal(how)
        _, errors = self.process.communicate(timeout=60)
        return self.process.returncode, errors


@pytest.fixture
def serve(stack: Stack) -> Iterator[Callable[..., Service]]:
    """Start `ato dispatch` on the map of `stack`; returns when it has begun."""
    started: list[Service] = []

    def start(*options: str, under: tuple[str, ...] = (), **environment: str) -> Service:
        settings = stack.settings
        process = subprocess.Popen(
            [
                *(*under, ATO, "dispatch", f"--map={settings.map}", f"--log={settings.log}"),
                *("--listen=127.0.0.1:0", "--interval=0.05", f"--sign={settings.sign}", *options),
            ],
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **environment},
        )
        service = Service(process)
        started.append(service)
        assert process.stderr is not None
        first = process.stderr.readline()
        assert "metrics on port" in first, first + process.stderr.read()
        service.port = int(first.rpartition(" ")[2])
        return service

    yield start
    for service in started:
        if service.process.poll() is None:
            service.process.kill()
        service.process.wait()
        assert service.process.stderr is not None
        service.process.stderr.close()
