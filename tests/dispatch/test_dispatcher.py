"""Rounds over a map that the real programs fill: what is stated, how it is counted, what leaves."""

from __future__ import annotations

import resource
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pytest_ato.capture import flowabi
from pytest_ato.dispatch.dispatcher import Dispatcher, Settings
from pytest_ato.dispatch.tally import tally
from pytest_ato.evidence.verification.trust import Keys
from pytest_ato.flows.flowmap import FlowMap
from pytest_ato.flows.program import Program
from pytest_ato.metrics.dispatch import DispatchMetrics
from pytest_ato.model.errors import CaptureIncomplete, UsageError

from .conftest import Stack
from .filling import fill

pytestmark = pytest.mark.privileged


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[Path]:
    """A disk of 128 KiB."""
    place = tmp_path / "small"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", place], check=True)
    yield place
    subprocess.run(["umount", place], check=True)


def test_a_round_signs_what_came(stack: Stack) -> None:
    for port in range(1, 21):
        stack.send(port, packets=port)
    with stack.dispatcher(batch=8) as dispatcher:
        dispatcher.round()
        assert stack.value("verified_flows_total") == 20
        assert stack.value("signed_evidence_total") == 1 + 3  # that it started; 20 flows by 8
        dispatcher.finish()
    flows = stack.evidence().values()
    assert sorted(flow.packets_out for flow in flows) == list(range(1, 21))
    assert {(flow.source, flow.destination) for flow in flows} == {
        ("192.0.2.0/24", "198.51.100.0/24")
    }
    assert sum(flow.bytes_out for flow in flows) == 42 * 210
    assert stack.value("flow_packets_total", direction="out") == 210
    assert stack.value("unverified_flows_total") == stack.value("spool_flows") == 0
    assert stack.value("map_flows") == 20


def test_only_news_is_stated(stack: Stack) -> None:
    with stack.dispatcher() as dispatcher:
        stack.send(1, packets=5)
        stack.send(2, packets=7)
        dispatcher.round()
        dispatcher.round()
        assert stack.value("verified_flows_total") == 2
        stack.send(2, packets=3)
        dispatcher.round()
    assert stack.value("verified_flows_total") == 3
    assert stack.packets() == [5, 10]
    assert stack.value("flow_packets_total", direction="out") == 15


def test_idle_flows_leave_and_may_come_back(stack: Stack) -> None:
    with stack.dispatcher(idle=0.1) as dispatcher:
        for packets in (5, 3):
            stack.send(1, packets)
            dispatcher.round()
            time.sleep(0.2)
            dispatcher.round()
            with FlowMap(stack.settings.map) as flows:
                assert list(flows.walk()) == []
    assert stack.value("evicted_flows_total") == 2
    assert stack.packets() == [8]


def test_what_comes_between_reading_and_removal_is_stated(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    take = FlowMap.take

    def late(flows: FlowMap, key: bytes) -> flowabi.Totals | None:
        stack.send(1, packets=2)
        return take(flows, key)

    monkeypatch.setattr(FlowMap, "take", late)
    stack.send(1, packets=5)
    time.sleep(0.2)
    with stack.dispatcher(idle=0.1) as dispatcher:
        dispatcher.round()
    assert stack.packets() == [7]


def test_a_map_that_is_nearly_full_is_relieved(stack: Stack) -> None:
    with stack.dispatcher(idle=3600, interval=0.05) as dispatcher:
        for port in range(1, 7601):  # of 8192
            stack.send(port)
        time.sleep(0.2)
        dispatcher.round()
        with FlowMap(stack.settings.map) as flows:
            assert sum(1 for _ in flows.walk()) == 8192 * 3 // 4
    assert len(stack.evidence()) == 7600


def test_a_full_map_is_told(stack: Stack) -> None:
    for port in range(1, 8293):
        stack.send(port)
    with stack.dispatcher() as dispatcher:
        dispatcher.round()
    assert stack.value("events_lost_total", kind="map_full") == 100
    assert stack.value("map_fill_ratio") == 1


def test_the_second_dispatcher_is_refused(stack: Stack) -> None:
    with stack.dispatcher(), pytest.raises(UsageError, match="another dispatcher reads"):
        stack.dispatcher()
    stack.dispatcher().close()


def test_digests_are_the_same_after_a_restart_and_others_for_another_map(
    stack: Stack,
) -> None:
    seen = []
    for packets in (1, 2):
        stack.send(1, packets)
        with stack.dispatcher() as dispatcher:
            dispatcher.round()
        seen.append(set(stack.evidence()))
    assert seen[0] == seen[1]
    assert stack.packets() == [3]
    secret = stack.settings.map.with_name("flow_map_secret")
    assert secret.stat().st_mode & 0o777 == 0o600
    secret.unlink()
    with stack.dispatcher() as dispatcher:
        dispatcher.round()
    assert len(stack.evidence()) == 2


def test_a_secret_that_others_may_read_is_refused(stack: Stack) -> None:
    stack.dispatcher().close()
    stack.settings.map.with_name("flow_map_secret").chmod(0o644)
    with pytest.raises(UsageError, match="can be read by others"):
        stack.dispatcher()


def test_a_map_that_is_replaced_ends_it_after_the_last_word(stack: Stack) -> None:
    with stack.dispatcher() as dispatcher:
        dispatcher.round()
        stack.send(1, packets=4)
        for name in ("flow_map", "flow_map_counts"):
            stack.settings.map.with_name(name).unlink()
        with pytest.raises(CaptureIncomplete, match="another map now, or none"):
            dispatcher.round()
    assert stack.packets() == [4]


def test_a_clock_that_is_set_is_told(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    with stack.dispatcher(idle=3600) as dispatcher:
        stack.send(1)
        dispatcher.round()
        now = time.time_ns
        monkeypatch.setattr(time, "time_ns", lambda: now() - 7200 * 10**9)
        stack.send(1)
        dispatcher.round()
        stack.send(1)
        dispatcher.round()
    assert stack.value("clock_steps_total") == 1
    assert stack.complaints == ["the clock was set by -7200.0 s"]
    assert stack.packets() == [3]


def test_a_log_on_a_full_disk_waits(stack: Stack, mounted: Path) -> None:
    log = mounted / "log"
    with stack.dispatcher(log=log, batch=200) as dispatcher:
        ports = iter(range(1, 8000))
        while not dispatcher.failure:
            for _ in range(100):
                stack.send(next(ports))
            dispatcher.round()
        sent = next(ports) - 1
        assert "No space left" in dispatcher.failure
        assert stack.value("unverified_flows_total") == stack.value("spool_flows") == 100
        assert stack.value("log_errors_total") == 1
        subprocess.run(["mount", "-o", "remount,size=8m", mounted], check=True)
        dispatcher.finish()
    assert stack.value("spool_flows") == 0
    assert stack.value("verified_flows_total") == sent
    assert len(tally(log, Keys())) == sent


@pytest.mark.slow
@pytest.mark.serial
def test_a_million_flows(load: Callable[..., Program], bpffs: Path, tmp_path: Path) -> None:
    flows = 1 << 20
    load(max_flows=flows)
    fill(bpffs / "flow_map", flows, packets=3)
    metrics = DispatchMetrics()
    settings = Settings(map=bpffs / "flow_map", log=tmp_path / "log", interval=3600, idle=3600)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with Dispatcher(settings, metrics, print) as dispatcher:
        dispatcher.round()
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert metrics.registry.get_sample_value("ato_verified_flows_total") == flows
    assert metrics.registry.get_sample_value("ato_map_fill_ratio") == 1
    labels = {"direction": "out"}
    assert metrics.registry.get_sample_value("ato_flow_packets_total", labels) == 3 * flows
    assert grown < 3 << 20, "more than 3 GiB"
