"""The kernel side's parser against the reference: same tuple, or same refusal, of any frame."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from pytest_ato.capture import addresses, flowabi
from pytest_ato.flows.flowmap import FlowMap
from pytest_ato.flows.program import Program, Settings

from . import reference
from .conftest import ETHERNET, IPV4, IPV6, mounted

pytestmark = pytest.mark.privileged

PASS = 2
MOST = 1500
"""Bytes of a frame: the kernel takes no more for a trial."""
UNSPEC = 0xFFFFFFFF
PROTOCOLS = st.sampled_from([1, 6, 17, 58, 132, *range(0, 256, 51)])
EXTENSIONS = st.sampled_from([0, 43, 44, 51, 60])
SHORT = st.binary(max_size=24)


class Counter:
    """The loaded programs and their map."""

    def __init__(self, program: Program, flows: FlowMap) -> None:
        self.program = program
        self._flows = flows

    def see(self, name: str, frame: bytes) -> tuple[int, reference.Flow | reference.Refusal]:
        """What a program returns for a frame, and what it counts it as."""
        before = self._flows.counts()
        verdict = self.program.trial(name, frame).verdict
        after = self._flows.counts()
        found = list(self._flows.walk())
        for key, _ in found:
            self._flows.take(key)
        if not found:
            refused = {after.other - before.other: "other", after.malformed - before.malformed: ""}
            assert sorted(refused) == [0, 1]
            return verdict, "other" if refused[1] else "malformed"
        assert after == before
        ((key, totals),) = found
        assert totals.packets_out + totals.packets_in == 1
        assert totals.bytes_out + totals.bytes_in == len(frame)
        return verdict, _flow(key, totals)


def _flow(data: bytes, totals: flowabi.Totals) -> reference.Flow:
    key = flowabi.key(data)
    flow = reference.Flow(
        key.source,
        key.destination,
        flowabi.KEY.unpack(data)[7],
        key.source_port,
        key.destination_port,
        key.vlan,
        key.inner_vlan,
        totals.flags_out | totals.flags_in,
    )
    assert key.protocol == (addresses.protocol(0, flow.protocol) or "ip-0")
    return flow


def turned(flow: reference.Flow | reference.Refusal) -> reference.Flow | reference.Refusal:
    """The flow as named by the packets of the other direction."""
    if isinstance(flow, str):
        return flow
    ports = (flow.source_port, flow.destination_port)
    if flow.protocol not in (1, 58):
        ports = ports[::-1]
    return reference.Flow(
        flow.destination,
        flow.source,
        flow.protocol,
        *ports,
        flow.vlan,
        flow.inner_vlan,
        flow.flags,
    )


@pytest.fixture(scope="module")
def counter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Counter]:
    with mounted(tmp_path_factory.mktemp("packets")) as folder:
        path = folder / "flow_map"
        wanted = Settings(path, max_flows=64, spike_packets=0)
        with Program(wanted) as program, FlowMap(path) as flows:
            yield Counter(program, flows)


@st.composite
def transports(draw: st.DrawFn, protocol: int) -> bytes:
    """A header of the protocol and a little more, or what is cut short."""
    ports = draw(st.binary(min_size=4, max_size=4))
    flags = bytes([draw(st.integers(0, 255))])
    whole = {6: ports + bytes(9) + flags + bytes(6), 17: ports + bytes(4), 132: ports + bytes(8)}
    header = whole.get(protocol, draw(st.binary(min_size=8, max_size=8)))
    return header[: draw(st.integers(0, len(header)) | st.just(len(header)))]


@st.composite
def ipv4_packets(draw: st.DrawFn) -> bytes:
    words = draw(st.sampled_from([5, 5, 5, 6, 15]) | st.integers(0, 15))
    version = draw(st.sampled_from([4, 4, 4, 4, 6]) | st.integers(0, 15))
    protocol = draw(PROTOCOLS)
    options = bytes(max(0, words * 4 - 20))
    payload = draw(transports(protocol))
    total = draw(st.just(20 + len(options) + len(payload)) | st.integers(0, 65535))
    fragment = draw(st.sampled_from([0, 0x4000, 0x2000, 1, 0x1FFF]) | st.integers(0, 65535))
    ends = draw(st.binary(min_size=8, max_size=8))
    header = struct.pack("!BBHHHBBH", version << 4 | words, 0, total, 0, fragment, 64, protocol, 0)
    return header + ends + options + payload


@st.composite
def ipv6_packets(draw: st.DrawFn) -> bytes:
    chain = draw(st.lists(EXTENSIONS, max_size=2) | st.lists(EXTENSIONS, max_size=8))
    protocol = draw(PROTOCOLS)
    body = draw(transports(protocol))
    following = protocol
    for kind in reversed(chain):
        length = draw(st.sampled_from([0, 0, 1, 2, 20, 255]))
        size = {44: 8, 51: (length + 2) * 4}.get(kind, (length + 1) * 8)
        offset = draw(st.sampled_from([0, 0, 1, 8]) | st.integers(0, 65535))
        header = struct.pack("!BBH4x", following, length, offset)
        cut = draw(st.sampled_from([size, size, size, 8, 3]))
        body = header.ljust(size, b"\0")[:cut] + body
        following = kind
    version = draw(st.sampled_from([6, 6, 6, 6, 4]))
    ends = draw(st.binary(min_size=32, max_size=32))
    return struct.pack("!IHBB", version << 28, len(body) & 0xFFFF, following, 64) + ends + body


@st.composite
def frames(draw: st.DrawFn) -> bytes:
    """Frames with any header cut or wrong; all have the 14 bytes that the kernel wants to see."""
    kind, packet = draw(
        st.tuples(st.just(IPV4), ipv4_packets())
        | st.tuples(st.just(IPV6), ipv6_packets())
        | st.tuples(st.sampled_from([IPV4, IPV6]), SHORT)
        | st.tuples(st.binary(min_size=2, max_size=2), SHORT)
    )
    tags = b""
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 2, 3]))):
        tag = draw(st.sampled_from([0x8100, 0x88A8, 0x9100]))
        tags += struct.pack("!HH", tag, draw(st.integers(0, 65535)))
    frame = ETHERNET + tags + kind + packet
    size = len(frame) - draw(st.sampled_from([0, 0, 0]) | st.integers(0, 60))
    return frame[: min(MOST, max(14, size))]


@given(frame=frames())
@settings(max_examples=250, suppress_health_check=list(HealthCheck), derandomize=True)
@example(ETHERNET + IPV4)
@example(ETHERNET + b"\x81\x00\x00")
def test_any_frame_is_read_as_the_reference_reads_it(counter: Counter, frame: bytes) -> None:
    assume(len(frame) >= 14)
    expected = reference.parse(frame)
    assert counter.see("netflow_filter", frame) == (PASS, expected)


@given(frame=frames())
@settings(max_examples=60, suppress_health_check=list(HealthCheck), derandomize=True)
def test_the_twin_reads_it_the_other_way_round(counter: Counter, frame: bytes) -> None:
    # What comes from a socket has no tag yet that a driver took off; the kernel wants a network
    # header that its own code could look at.
    assume(len(frame) >= 14 + 40)
    assert counter.see("netflow_twin", frame) == (UNSPEC, turned(reference.parse(frame)))


SOURCE4, DESTINATION4 = bytes([192, 0, 2, 1]), bytes([198, 51, 100, 2])
SOURCE6, DESTINATION6 = (bytes.fromhex(f"20010db8{'00' * 11}{end}") for end in ("01", "02"))
PORTS = struct.pack("!HH", 1000, 443)
TCP = PORTS + bytes(9) + b"\x12" + bytes(6)


def packet4(protocol: int, payload: bytes, options: bytes = b"", fragment: int = 0) -> bytes:
    words = 5 + len(options) // 4
    total = words * 4 + len(payload)
    header = struct.pack("!BBHHHBBH", 0x40 | words, 0, total, 0, fragment, 64, protocol, 0)
    return IPV4 + header + SOURCE4 + DESTINATION4 + options + payload


def packet6(following: int, payload: bytes) -> bytes:
    header = struct.pack("!IHBB", 6 << 28, len(payload), following, 64)
    return IPV6 + header + SOURCE6 + DESTINATION6 + payload


def flow4(protocol: int, *rest: int, **more: int) -> reference.Flow:
    return reference.Flow("192.0.2.1", "198.51.100.2", protocol, *rest, **more)


def flow6(protocol: int, *rest: int, **more: int) -> reference.Flow:
    return reference.Flow("2001:db8::1", "2001:db8::2", protocol, *rest, **more)


TAG, TAG2 = b"\x81\x00\xe0\x07", b"\x88\xa8\x20\x64"
NEXT = struct.Struct("!BBH4x")
MORE, LAST = NEXT.pack(60, 0, 0), NEXT.pack(17, 0, 0)
KINDS = {
    "tcp": (packet4(6, TCP), flow4(6, 1000, 443, flags=0x12)),
    "udp": (packet4(17, PORTS + bytes(4)), flow4(17, 1000, 443)),
    "sctp": (packet4(132, PORTS + bytes(8)), flow4(132, 1000, 443)),
    "icmp": (packet4(1, b"\x03\x01" + bytes(6)), flow4(1, 0, 0x0301)),
    "echo answer": (packet4(1, bytes(8)), flow4(1, 0, 0x0800)),
    "esp": (packet4(50, bytes(8)), flow4(50)),
    "options": (packet4(6, TCP, options=bytes(40)), flow4(6, 1000, 443, flags=0x12)),
    "first fragment": (packet4(17, PORTS + bytes(4), fragment=0x2000), flow4(17, 1000, 443)),
    "later fragment": (packet4(17, PORTS + bytes(4), fragment=0x0010), flow4(17)),
    "vlan": (TAG + packet4(17, PORTS), flow4(17, 1000, 443, vlan=7)),
    "qinq": (TAG2 + TAG + packet4(17, PORTS), flow4(17, 1000, 443, vlan=100, inner_vlan=7)),
    "three tags": (TAG * 3 + packet4(17, PORTS), "other"),
    "tcp over ipv6": (packet6(6, TCP), flow6(6, 1000, 443, flags=0x12)),
    "icmp6": (packet6(58, b"\x87\x00" + bytes(6)), flow6(58, 0, 0x8700)),
    "hop by hop": (packet6(0, NEXT.pack(17, 0, 0) + PORTS), flow6(17, 1000, 443)),
    "first ipv6 fragment": (packet6(44, NEXT.pack(17, 0, 1) + PORTS), flow6(17, 1000, 443)),
    "later ipv6 fragment": (packet6(44, NEXT.pack(17, 0, 8) + PORTS), flow6(17)),
    "six extensions": (packet6(60, MORE * 5 + LAST + PORTS), flow6(17, 1000, 443)),
    "seven extensions": (packet6(60, MORE * 6 + LAST + PORTS), "malformed"),
    "a chain that is cut": (packet6(0, NEXT.pack(17, 0, 0)[:7]), "malformed"),
    "a length beyond the end": (packet6(0, NEXT.pack(17, 255, 0) + PORTS), flow6(17)),
    "arp": (b"\x08\x06" + bytes(28), "other"),
    "no header": (IPV4, "malformed"),
    "another version": (IPV4 + b"\x65" + bytes(19), "malformed"),
    "a short header length": (IPV4 + b"\x44\x00\x00\x14" + bytes(16), "malformed"),
    "a total length below the header": (IPV4 + b"\x45\x00\x00\x13" + bytes(16), "malformed"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_packet(counter: Counter, kind: str) -> None:
    packet, expected = KINDS[kind]
    frame = ETHERNET + packet
    assert reference.parse(frame) == expected
    assert counter.see("netflow_filter", frame) == (PASS, expected)
