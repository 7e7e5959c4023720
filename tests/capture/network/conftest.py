"""A real gateway, and clients that run inside the network of an audit."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import pytest

from pytest_ato.capture.network import Gateway, TargetNetwork
from pytest_ato.model.events import Datagram, Dns, Handshake, Lost, Tcp, Tls
from pytest_ato.model.octets import raw
from pytest_ato.model.record import Event
from pytest_ato.runtime.mitmproxy import find

UID = 61184
SERIALS = count(1)


class AuditNetwork:
    """One audit's network, with clients to run in it and the events that they caused."""

    def __init__(self, gateway: Gateway, folder: Path) -> None:
        self.gateway = gateway
        self.network: TargetNetwork = gateway.join(next(SERIALS))
        self._events: list[Event] = []
        self.env: dict[str, str] = {}
        """Variables of every client."""
        self._resolv = folder / "resolv.conf"
        self._resolv.write_text(f"nameserver {self.network.resolver}\n")

    @property
    def seen(self) -> list[Event]:
        """What has come so far."""
        return self._events

    def again(self) -> AuditNetwork:
        """Return the next audit of the same gateway, with the same variables."""
        audit = AuditNetwork(self.gateway, self._resolv.parent)
        audit.env = self.env
        return audit

    def run(
        self,
        *command: str,
        status: int = 0,
        timeout: float = 30,
        meanwhile: Callable[[], None] = lambda: None,
    ) -> subprocess.CompletedProcess[str]:
        """Run a program in the target's network, with its resolver, as root."""
        resolv = "mount --bind $0 /etc/resolv.conf && exec $@"
        inside = ["nsenter", f"--net=/proc/{os.getpid()}/fd/{self.network.netns}"]
        shell = ["unshare", "-m", "sh", "-c", resolv.replace("$@", '"$@"'), str(self._resolv)]
        # Events are read meanwhile, as a capture session does, and in the main thread: what the
        # gateway starts for it would end with another.
        with ThreadPoolExecutor(1) as pool:
            running = pool.submit(
                subprocess.run,
                [*inside, *shell, *command],
                capture_output=True,
                text=True,
                timeout=timeout,
                check=False,
                env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", **self.env},
                cwd="/",
            )
            while not running.done():
                self.read()
                meanwhile()
                time.sleep(0.005)
            done = running.result()
        assert done.returncode == status, (done.returncode, done.stdout, done.stderr)
        return done

    def read(self) -> None:
        """Take the events that have come."""
        self._events += self.gateway.read()

    def python(
        self, source: str, timeout: float = 30, meanwhile: Callable[[], None] = lambda: None
    ) -> str:
        """Run Python in the target's network; returns what it printed."""
        command = (sys.executable, "-I", "-c", textwrap.dedent(source))
        return self.run(*command, timeout=timeout, meanwhile=meanwhile).stdout

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


def _mitmproxy() -> Path:
    """The environment that `make setup` makes; where tests must run, it must be there."""
    found = find(os.environ)
    if found is None:
        require = os.environ.get("ATO_REQUIRE", "").split(",")
        (pytest.fail if "privileged" in require else pytest.skip)("mitmproxy is not installed")
    return found


@pytest.fixture(scope="module")
def tls_gateway() -> Iterator[Gateway]:
    gateway = Gateway(UID, _mitmproxy())
    gateway.start()
    yield gateway
    gateway.close()


@pytest.fixture
def tls_audit(tls_gateway: Gateway, tmp_path: Path) -> Iterator[AuditNetwork]:
    """An audit whose clients trust the session's authority, by the usual variable."""
    assert tls_gateway.authority is not None
    bundle = tmp_path / "authority.pem"
    bundle.write_bytes(tls_gateway.authority.certificate)
    audit = AuditNetwork(tls_gateway, tmp_path)
    audit.env = {"SSL_CERT_FILE": str(bundle), "CURL_CA_BUNDLE": str(bundle)}
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


def handshakes(events: list[Event]) -> list[Handshake]:
    return [event for event in events if isinstance(event, Handshake)]


def plaintext(events: list[Event], number: int, direction: str = "out") -> bytes:
    """The recorded plaintext of one direction; asserts that the pieces fit together."""
    data = b""
    for event in events:
        if not isinstance(event, Tls) or event.closed or not event.data:
            continue
        if (event.stream, event.direction) == (number, direction):
            assert event.offset == len(data)
            assert event.size == len(raw(event.data))
            data += raw(event.data)
    return data


def plaintext_size(events: list[Event], number: int, direction: str = "out") -> int:
    """How many bytes of plaintext were seen, recorded or not."""
    mine = [e for e in events if isinstance(e, Tls) and e.stream == number]
    return sum(e.size for e in mine if e.direction == direction)


def below(pid: int) -> list[int]:
    """A process and its descendants, the youngest last."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(one for child in children for one in below(int(child)))]


class Events:
    """The helpers above, as a fixture: test modules cannot import a conftest."""

    below = staticmethod(below)
    handshakes = staticmethod(handshakes)
    plaintext = staticmethod(plaintext)
    plaintext_size = staticmethod(plaintext_size)

    dns = staticmethod(dns)
    datagrams = staticmethod(datagrams)
    lost = staticmethod(lost)
    ends = staticmethod(ends)
    stream = staticmethod(stream)


@pytest.fixture
def only() -> type[Events]:
    return Events
