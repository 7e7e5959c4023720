"""A million flows: all are read, more are refused and counted, and the known ones go on."""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_ato.capture import flowabi
from pytest_ato.capture.loader.libbpf import Libbpf
from pytest_ato.flows.flowmap import FlowMap
from pytest_ato.flows.program import Program

from .conftest import udp

pytestmark = [pytest.mark.privileged, pytest.mark.slow]

MILLION = 1_000_000
CHUNK = 20_000
ATO = str(Path(sys.executable).with_name("ato"))


def fill(path: Path, count: int) -> None:
    """Put so many flows into the map, of one packet on the first processor each."""
    libbpf = Libbpf()
    library = ctypes.CDLL("libbpf.so.1")
    fd = libbpf.call("bpf_obj_get", str(path).encode())
    cpus = libbpf.call("libbpf_num_possible_cpus")
    value = flowabi.VALUE.pack(1, 0, 60, 0, 1, 1, 1, 0, 0)
    values = (value + bytes(len(value) * (cpus - 1))) * CHUNK
    numbers = range(CHUNK)
    peers = (number.to_bytes(4, "big") for number in numbers)
    source = bytes([192, 0, 2, 1])
    keys = bytearray().join(flowabi.KEY.pack(source, peer, 1, 1, 0, 0, 2, 17, 1) for peer in peers)
    for chunk in range(count // CHUNK):
        keys[3 :: flowabi.KEY.size] = bytes([chunk]) * CHUNK  # the source's last byte
        done = ctypes.c_uint32(CHUNK)
        library.bpf_map_update_batch(fd, bytes(keys), values, ctypes.byref(done), None)
    os.close(fd)


def test_a_million_flows_are_read_and_more_are_counted(
    load: Callable[..., Program], bpffs: Path
) -> None:
    path = bpffs / "flow_map"
    program = load(max_flows=MILLION)
    program.trial("netflow_filter", udp())
    fill(path, MILLION)  # the last one finds no room
    with FlowMap(path) as flows:
        found = packets = 0
        for _, totals in flows.walk():
            found += 1
            packets += totals.packets_out
        assert found == flows.max_entries == MILLION
        assert packets == MILLION
        for port in range(5000, 5010):
            program.trial("netflow_filter", udp(port))
        program.trial("netflow_filter", udp())  # is known
        counts = flows.counts()
    assert counts.full == 10
    assert counts.full_bytes == 10 * len(udp())


def test_list_says_that_the_map_is_full(load: Callable[..., Program], bpffs: Path) -> None:
    path = bpffs / "flow_map"
    program = load(max_flows=10)
    for port in range(1, 15):
        program.trial("netflow_filter", udp(port))
    command = [ATO, "flows", "list", "--map", path]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    counts = json.loads(done.stdout.splitlines()[-1])
    assert (counts["kind"], counts["flows"], counts["max_flows"]) == ("counts", 10, 10)
    assert (counts["full"], counts["full_bytes"]) == (4, 4 * len(udp()))
