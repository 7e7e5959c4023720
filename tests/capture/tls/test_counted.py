"""More in one connection than is kept: the rest is a number, exact, and nothing is lost.

Only the probes and what decodes their records: an audit would search 64 MiB for minutes.
"""

from __future__ import annotations

import os
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_ato.capture import abi, rings
from pytest_ato.capture.cgroups import AuditCgroup
from pytest_ato.capture.finder.search import look
from pytest_ato.capture.loader.core import CoreLoader
from pytest_ato.capture.plaintext import KEPT, Plaintext
from pytest_ato.capture.rundir import RunDir
from pytest_ato.capture.tls.attach import attach
from pytest_ato.model.events import Tls, Watched
from pytest_ato.model.octets import raw
from pytest_ato.model.spec import Limits

pytestmark = pytest.mark.privileged

SURE = 8 << 20
"""TLS_SURE of bpf/include/tls.h: so much is kept however busy the reader is."""
PIECE, PIECES = 16 << 10, 4800
CLIENT = f"""
import ssl

up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
ends = []
for side in (ssl.PROTOCOL_TLS_CLIENT, ssl.PROTOCOL_TLS_SERVER):
    context = ssl.SSLContext(side)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("AECDH-AES128-SHA:@SECLEVEL=0")
    serves = side == ssl.PROTOCOL_TLS_SERVER
    ends.append(context.wrap_bio(*((up, down) if serves else (down, up)), server_side=serves))
for _ in range(9):
    for end in ends:
        try:
            end.do_handshake()
        except ssl.SSLWantReadError:
            pass
library = next(line.split()[-1] for line in open("/proc/self/maps") if "libssl" in line)
print(library, flush=True)
input()
for _ in range({PIECES}):
    assert ends[0].write(b"x" * {PIECE}) == {PIECE}
    up.read()
assert ends[0].write(b"the last of it") == 14
"""


@pytest.fixture
def cgroup(tmp_path: Path) -> Iterator[AuditCgroup]:
    with RunDir.claim(tmp_path) as claimed:
        made = AuditCgroup(claimed, uuid.uuid4().hex, Limits(memory=None, tasks=None))
        yield made
        made.kill()
        made.remove()


@pytest.fixture
def loader() -> Iterator[CoreLoader]:
    loader = CoreLoader()
    try:
        loader.load()
        yield loader
    finally:
        loader.close()


def watch(loader: CoreLoader, path: str) -> None:
    with Path(path).open("rb") as file:
        status = os.fstat(file.fileno())
        event = Watched(ts=1, path=path, dev=status.st_dev, inode=status.st_ino)
        attached = attach(loader, file.fileno(), look(1, file), event)
    assert attached.event.functions["SSL_write_ex"] != "refused"


def test_what_goes_beyond_is_counted_to_the_byte(loader: CoreLoader, cgroup: AuditCgroup) -> None:
    command = ("/usr/bin/python3", "-I", "-c", CLIENT)
    pipe = subprocess.PIPE
    plaintext, events, drained = Plaintext(), [], 0
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as client:
        assert client.stdin is not None
        assert client.stdout is not None
        watch(loader, client.stdout.readline().strip())
        cgroup.enter(client.pid)
        loader.set_scope(abi.Scope(cgroup=cgroup.id, level=cgroup.level, active=True))
        client.stdin.write("\n")
        client.stdin.close()
        while (batch := loader.drain()) or client.poll() is None:
            drained += len(batch.plain)
            events += plaintext.decode(rings.records(batch.plain))
        assert client.returncode == 0
    events += plaintext.finish(1)
    counts = loader.counters()["plain"]
    assert (counts.lost, counts.unread, counts.truncated) == (0, 0, 0)

    pieces = [one for one in events if isinstance(one, Tls) and one.direction == "out"]
    assert sum(piece.size for piece in pieces) == PIECE * PIECES + 14 > KEPT
    assert [one.offset for one in pieces[1:]] == [one.offset + one.size for one in pieces[:-1]]
    told = [len(raw(piece.data)) for piece in pieces]
    assert SURE <= sum(told) <= KEPT + PIECE
    assert all(piece.size == len(raw(piece.data)) for piece in pieces if piece.offset < SURE)
    assert told[-1] == 0
    assert drained < PIECE * PIECES  # of the rest, the kernel side copied nothing
