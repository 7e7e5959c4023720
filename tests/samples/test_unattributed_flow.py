"""unattributed_flow under a real audit: somebody else sends in the target's network.

No program can do it from inside the sandbox, which has no raw sockets: so the test enters the
target's network namespace, as a program that has broken out could.
"""

from __future__ import annotations

import socket
import struct
import threading
import time
from pathlib import Path

import pytest

from pytest_ato.flows.interfaces import namespace

pytestmark = pytest.mark.privileged

PEER = "203.0.113.77"


@pytest.mark.parametrize("who", ["nobody", "a program"])
def test_packets_of_no_socket_are_found(ato_trace, who: str) -> None:
    seconds = "2.71828" if who == "nobody" else "0.1"
    injector = threading.Thread(target=_inject, args=(seconds,), daemon=True)
    if who == "nobody":
        injector.start()
    trace = ato_trace("/bin/sleep", args=[seconds])
    found = [f for f in trace.findings if f.detector == "unattributed_flow"]
    coverage = trace.report.coverage.flows
    if who == "nobody":
        injector.join(10)
        (finding,) = found
        assert finding.where == f"{PEER}:4444"
        assert finding.count == 3
        assert coverage.endswith("162 of no socket")
    else:
        assert found == []
        assert coverage.endswith("0 of no socket")


def _inject(argument: str) -> None:
    pid = _wait_for(argument)
    with namespace(str(pid)) as inside:
        raw = inside.inside(lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 6))
    with raw:
        segment = struct.pack("!HHIIBBHHH", 5555, 4444, 1, 0, 0x50, 0x02, 512, 0, 0)
        for _ in range(3):
            raw.sendto(segment, (PEER, 0))


def _wait_for(argument: str) -> int:
    """Process id of the program in the sandbox that was given that argument."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = path.read_bytes().split(b"\0")
            except OSError:
                continue
            if words[0].endswith(b"sleep") and words[1:2] == [argument.encode()]:
                return int(path.parent.name)
        time.sleep(0.02)
    raise TimeoutError(argument)
