"""A real gateway, and clients that run inside the network of an audit."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest

from pytest_ato.capture.network import Gateway, TargetNetwork
from pytest_ato.model.events import Datagram, Dns, Lost, Tcp
from pytest_ato.model.octets import raw
from pytest_ato.model.record import Event

UID = 61184
SERIALS = count(1)


class AuditNetwork:
    """One audit's network, with clients to run in it and the events that they caused."""

    def __init__(self, gateway: Gateway, folder: Path) -> None:
        self.gateway = gateway
        self.network: TargetNetwork = gateway.join(next(SERIALS))
        self._events: list[Event] = []
        self._resolv = folder / "resolv.conf"
        self._resolv.write_text(f"nameserver {self.network.resolver}\n")

    def run(
        self, *command: str, status: int = 0, timeout: float = 30
    ) -> subprocess.CompletedProcess[str]:
        """Run a program in the target's network, with its resolver, as root."""
        resolv = "mount --bind $0 /etc/resolv.conf && exec $@"
        inside = ["nsenter", f"--net=/proc/{os.getpid()}/fd/{self.network.netns}"]
        shell = ["unshare", "-m", "sh", "-c", resolv.replace("$@", '"$@"'), str(self._resolv)]
        with self._reading():
            done = subprocess.run(
                [*inside, *shell, *command],
                capture_output=True,
                text=True,
                timeout=timeout,
                check=False,
                env={"PATH": os.environ["PATH"], "HOME": "/nonexistent"},
                cwd="/",
            )
        assert done.returncode == status, (done.returncode, done.stdout, done.stderr)
        return done

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Read events meanwhile, as a capture session does."""
        over = threading.Event()

        def read() -> None:
            while not over.wait(0.01):
                self._events += self.gateway.read()

        reader = threading.Thread(target=read)
        reader.start()
        try:
            yield
        finally:
            over.set()
            reader.join()

    def python(self, source: str, timeout: float = 30) -> str:
        """Run Python in the target's network; returns what it printed."""
        return self.run(sys.executable, "-I", "-c", textwrap.dedent(source), timeout=timeout).stdout

    def settle(self) -> list[Event]:
        """Return all events of the audit."""
        return self._events + self.gateway.settle()

    def close(self) -> None:
        self.network.close()


@pytest.fixture(scope="module")
def gateway() -> Iterator[Gateway]:
    gateway = Gateway(UID)
    gateway.start()
    yield gateway
    gateway.close()


@pytest.fixture
def audit(gateway: Gateway, tmp_path: Path) -> Iterator[AuditNetwork]:
    audit = AuditNetwork(gateway, tmp_path)
    yield audit
    audit.close()


def dns(events: list[Event]) -> list[Dns]:
    return [event for event in events if isinstance(event, Dns)]


def datagrams(events: list[Event]) -> list[Datagram]:
    return [event for event in events if isinstance(event, Datagram)]


def lost(events: list[Event]) -> list[Lost]:
    return [event for event in events if isinstance(event, Lost)]


def ends(events: list[Event]) -> list[Tcp]:
    """Closing records, one a connection."""
    return [event for event in events if isinstance(event, Tcp) and event.closed]


def stream(events: list[Event], connection: int, direction: str = "out") -> bytes:
    """The recorded bytes of one direction; asserts that the pieces fit together."""
    data = b""
    for event in events:
        if not isinstance(event, Tcp) or event.closed:
            continue
        if (event.connection, event.direction) == (connection, direction):
            assert event.offset == len(data)
            data += raw(event.data)
    return data


class Events:
    """The helpers above, as a fixture: test modules cannot import a conftest."""

    dns = staticmethod(dns)
    datagrams = staticmethod(datagrams)
    lost = staticmethod(lost)
    ends = staticmethod(ends)
    stream = staticmethod(stream)


@pytest.fixture
def only() -> type[Events]:
    return Events
