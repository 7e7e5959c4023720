"""`ato flows` as it is used: attached in the background, ended in every way, read by both kinds."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_ato.capture.loader.libbpf import Libbpf
from pytest_ato.flows.attachment import attached

from .conftest import INNER, OUTER, Pair

pytestmark = pytest.mark.privileged

ATO = str(Path(sys.executable).with_name("ato"))
Record = dict[str, Any]


class Attacher:
    """`ato flows attach` in the background."""

    def __init__(self, pair: Pair, path: Path, *options: str) -> None:
        command = [ATO, "flows", "attach", pair.interface, "--netns", pair.name, "--map", path]
        self.process = subprocess.Popen(
            [*command, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.first = self.record()

    def record(self) -> Record:
        """Wait for the next line."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        return json.loads(line) if line else {"error": self.process.communicate()[1]}

    def end(self) -> tuple[int, str, str]:
        """Wait for its end; returns its status and the rest of what it said."""
        out, error = self.process.communicate(timeout=30)
        return self.process.returncode, out, error


@pytest.fixture
def attach(pair: Pair, bpffs: Path) -> Iterator[Callable[..., Attacher]]:
    made: list[Attacher] = []

    def start(*options: str) -> Attacher:
        made.append(Attacher(pair, bpffs / "flow_map", *options))
        return made[-1]

    yield start
    for attacher in made:
        if attacher.process.poll() is None:
            attacher.process.kill()
        attacher.process.communicate()


def flows(action: str, pair: Pair, path: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [ATO, "flows", action, "--netns", pair.name, "--map", str(path), *options]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def records(text: str) -> list[Record]:
    return [json.loads(line) for line in text.splitlines()]


def gone(pair: Pair) -> bool:
    """Whether nothing is attached any more; the kernel detaches when the last descriptor goes."""
    end = time.monotonic() + 20
    while attached(Libbpf(), pair.outer) and time.monotonic() < end:
        time.sleep(0.02)
    return not attached(Libbpf(), pair.outer)


@pytest.mark.parametrize("how", ["SIGTERM", "SIGINT", "SIGHUP", "SIGKILL"])
def test_every_end_detaches(attach: Callable[..., Attacher], pair: Pair, how: str) -> None:
    attacher = attach()
    assert attacher.first == {
        "kind": "attached",
        "interface": "veth0",
        "xdp": "native",
        "egress": "tcx",
        "map": attacher.first["map"],
    }
    assert attached(Libbpf(), pair.outer)
    number = signal.Signals[how]
    attacher.process.send_signal(number)
    status, out, error = attacher.end()
    assert gone(pair)
    assert error == ""
    if how == "SIGKILL":
        assert status == -number
    else:
        assert status == 0
        assert records(out) == [{"kind": "detached", "interface": "veth0"}]


def test_what_was_counted_outlives_it(
    attach: Callable[..., Attacher], pair: Pair, bpffs: Path
) -> None:
    attacher = attach()
    pair.talk(size=3000)
    attacher.process.kill()
    attacher.end()
    listing = records(flows("list", pair, bpffs / "flow_map").stdout)
    (flow,) = (record for record in listing if record.get("protocol") == "tcp")
    assert (flow["source"], flow["destination"]) == (INNER, OUTER)
    assert flow["interface"] == "veth0"
    assert min(flow["bytes_out"], flow["bytes_in"]) > 3000
    assert flow["flags_out"] == "FSPA"
    counts = listing[-1]
    assert counts["kind"] == "counts"
    assert counts["full"] == counts["malformed"] == 0


def test_a_deleted_interface_ends_it(attach: Callable[..., Attacher], pair: Pair) -> None:
    attacher = attach()
    pair.ip("link", "del", pair.interface)
    status, _, error = attacher.end()
    assert status == 3
    assert error == (
        "ato: veth0 is no longer counted: it has gone, with or without its namespace, or somebody "
        "detached it; attach again\n"
    )


def test_it_lingers_until_a_new_one_can_be_started(
    attach: Callable[..., Attacher], pair: Pair
) -> None:
    attacher = attach("--linger=600")
    pair.ip("link", "del", pair.interface)
    assert attacher.record() == {"kind": "gone", "interface": "veth0"}
    assert attacher.process.poll() is None
    attacher.process.terminate()
    status, _, error = attacher.end()
    assert status == 3
    assert "is no longer counted" in error


def test_detach_ends_another(attach: Callable[..., Attacher], pair: Pair, bpffs: Path) -> None:
    attacher = attach()
    path = bpffs / "flow_map"
    done = flows("detach", pair, path, "veth0", "--unpin")
    assert records(done.stdout) == [{"kind": "detached", "interface": "veth0"}]
    assert attacher.end()[0] == 3
    assert gone(pair)
    assert list(bpffs.glob("flow_map*")) == []
    again = flows("detach", pair, path, "veth0")
    assert again.returncode == 2
    assert again.stderr == "ato: nothing of ours is attached to veth0: see ato flows list\n"


def test_list_says_where_it_counts(
    attach: Callable[..., Attacher], pair: Pair, bpffs: Path
) -> None:
    attach()
    pair.send(10)
    listing = records(flows("list", pair, bpffs / "flow_map", "veth0").stdout)
    assert listing[0] == {
        "kind": "interface", "interface": "veth0", "xdp": "native", "egress": "tcx"
    }  # fmt: skip
    assert {record["interface"] for record in listing[:-1]} == {"veth0"}
    others = records(flows("list", pair, bpffs / "flow_map", "lo").stdout)
    assert [record["kind"] for record in others] == ["counts"]


def test_watch_tells_what_came_in_each_round(
    attach: Callable[..., Attacher], pair: Pair, bpffs: Path
) -> None:
    attach()
    pair.send(100, count=10)
    command = [ATO, "flows", "watch", "--netns", pair.name, "--map", bpffs / "flow_map"]
    watch = subprocess.Popen(
        [*command, "--interval", "0.3", "--rounds", "40"], stdout=subprocess.PIPE, text=True
    )
    assert watch.stdout is not None
    told = map(json.loads, watch.stdout)
    next(record for record in told if record["kind"] == "counts")  # it has taken its first look
    pair.send(100, count=7)
    seen = 0
    while seen < 7:  # in one round or in two
        record = next(record for record in told if record.get("protocol") == "udp")
        seen += record["packets_out"]
        assert record["bytes_out"] == record["packets_out"] * 142
        assert record["seconds"] > 0
    assert seen == 7
    watch.send_signal(signal.SIGTERM)
    watch.communicate(timeout=30)
    assert watch.returncode == 0


def test_a_terminal_is_shown_a_table_and_left_as_it_was(
    attach: Callable[..., Attacher], pair: Pair, bpffs: Path
) -> None:
    attach()
    pair.send(100, count=5)
    listing = on_terminal("list", pair, bpffs / "flow_map")
    assert "veth0: native XDP for what enters, tcx for what leaves" in listing
    assert f"{OUTER}:9" in listing
    assert "flows" in listing.splitlines()[-1]
    watch = on_terminal("watch", pair, bpffs / "flow_map", "--interval", "0.1", "--rounds", "1")
    assert watch.startswith("\x1b[?1049h")
    assert watch.rstrip().endswith("\x1b[?1049l")
    assert "interface" in watch


def test_a_full_map_and_a_loud_source_are_told(attach: Callable[..., Attacher], pair: Pair) -> None:
    attacher = attach("--max-flows", "4", "--spike-packets", "30", "--spike-quiet", "60")
    for port in range(20, 30):
        pair.send(10, port, count=20)
    told = {record["kind"]: record for record in (attacher.record(), attacher.record())}
    assert set(told) == {"full", "spike"}
    assert told["full"]["packets"] > 0
    assert told["spike"]["source"] == INNER
    assert told["spike"]["packets"] > 30


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("nope",), "ato: there is no interface 'nope' here; there are: lo, veth0"),
        (("veth0", "--map", "/no/flow_map"), "ato: /no is no BPF file system, where maps are"),
        (("veth0", "--netns", "nope"), "ato: there is no network namespace nope"),
    ],
    ids=["interface", "map", "namespace"],
)
def test_a_mistake_is_one_line_and_leaves_nothing(
    pair: Pair, bpffs: Path, options: tuple[str, ...], words: str
) -> None:
    done = flows("attach", pair, bpffs / "flow_map", *options)
    assert done.returncode == 2
    assert done.stderr.startswith(words)
    assert done.stderr.count("\n") == 1
    assert list(bpffs.glob("flow_map*")) == []


def test_the_map_is_named_by_the_environment(pair: Pair, bpffs: Path) -> None:
    path = bpffs / "elsewhere"
    done = subprocess.run(
        [ATO, "flows", "list"],
        env={**os.environ, "FLOW_MAP_PATH": str(path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert str(path) in done.stderr


def on_terminal(action: str, pair: Pair, path: Path, *options: str) -> str:
    """What a terminal shows."""
    command = [ATO, "flows", action, "--netns", pair.name, "--map", str(path), *options]
    ours, theirs = pty.openpty()
    with subprocess.Popen(command, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        shown = b""
        while True:
            try:
                chunk = os.read(ours, 65536)
            except OSError:  # what Linux says at the end of a terminal
                break
            shown += chunk
        assert process.wait(30) == 0, shown
    os.close(ours)
    return shown.decode().replace("\r\n", "\n")
