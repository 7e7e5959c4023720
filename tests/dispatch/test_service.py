"""`ato dispatch` as an operator and a service manager see it."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import ATO, Service, Stack

pytestmark = pytest.mark.privileged

Serve = Callable[..., Service]


def refused(*options: str, **environment: str) -> str:
    """The one line with which it does not start."""
    done = subprocess.run(
        [ATO, "dispatch", *options],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, **environment},
    )
    assert done.returncode == 2, done
    assert done.stdout == ""
    return done.stderr


def test_it_serves_metrics_and_health(stack: Stack, serve: Serve) -> None:
    service = serve()
    stack.send(1, packets=3)
    while service.value("verified_flows_total") < 1:
        time.sleep(0.02)
    assert service.get("/healthz") == (200, "ok\n")
    assert service.get("/")[0] == 404
    assert service.value('events_lost_total{kind="map_full"}') == 0
    assert service.value('hsm_errors_total{kind="gone"}') == 0
    assert service.value("map_max_flows") == 8192
    assert "ato_build_info{" in service.get("/metrics")[1]
    assert service.end() == (0, "")


def test_a_log_that_cannot_be_written_makes_it_unhealthy(stack: Stack, serve: Serve) -> None:
    service = serve()
    stack.settings.log.rename(stack.settings.log.with_name("aside"))
    stack.settings.log.mkdir()
    stack.send(1)
    while service.get("/healthz")[0] == 200:
        time.sleep(0.02)
    status, text = service.get("/healthz")
    assert status == 503
    assert text.count("\n") == 1
    assert str(stack.settings.log) in text
    stack.settings.log.rmdir()
    stack.settings.log.with_name("aside").rename(stack.settings.log)
    while service.get("/healthz")[0] == 503:
        time.sleep(0.02)
    status, errors = service.end()
    assert status == 0
    assert [line.partition(": ")[2][:20] for line in errors.splitlines()] == [
        "flows wait unsigned:",
        "flows are signed aga",
    ]


def test_one_capability_is_enough(stack: Stack, serve: Serve) -> None:
    """Which is all that the compose file leaves it."""
    only = "-all,+sys_admin"
    service = serve(under=("setpriv", f"--inh-caps={only}", f"--bounding-set={only}"))
    stack.send(1, packets=3)
    while service.value("verified_flows_total") < 1:
        time.sleep(0.02)
    kept = Path(f"/proc/{service.process.pid}/status").read_text()
    assert "CapEff:\t0000000000200000\n" in kept
    assert service.end() == (0, "")


def test_the_service_manager_is_told(stack: Stack, serve: Serve, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(20)
        service = serve(NOTIFY_SOCKET=str(tmp_path / "notify"))
        assert manager.recv(100) == b"READY=1"
        assert manager.recv(100) == b"WATCHDOG=1\nSTATUS=flows are signed"
        service.end()
        words = []
        while words[-1:] != [b"STOPPING=1"]:
            words.append(manager.recv(100))


def test_the_map_and_more_can_be_set_by_variables(stack: Stack) -> None:
    text = refused(FLOW_MAP_PATH=str(stack.settings.map) + "_none")
    assert "there is no map at" in text
    assert "flow_map_none" in text
    text = refused(FLOW_MAP_PATH=str(stack.settings.map), ATO_DISPATCH_INTERVAL="never")
    assert "expected seconds" in text


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--listen=nowhere"], "expected [ADDRESS]:PORT"),
        (["--batch=0"], "expected a number from 1"),
        (["--sign=none"], "a dispatcher signs"),
        (["--sign=pkcs11:token=x"], "does not say which module"),
        (["--log=/proc/nowhere/log"], "cannot be written"),
    ],
)
def test_wrong_options_are_told(stack: Stack, options: list[str], words: str) -> None:
    text = refused(f"--map={stack.settings.map}", "--listen=127.0.0.1:0", *options)
    assert words in text
    assert "Traceback" not in text


def test_a_log_that_others_may_write_is_refused(stack: Stack, tmp_path: Path) -> None:
    log = tmp_path / "open"
    log.touch()
    log.chmod(0o666)
    text = refused(f"--map={stack.settings.map}", "--listen=127.0.0.1:0", f"--log={log}")
    assert "mode 0666): give another with --log, or chown and chmod it" in text


def test_an_address_in_use_is_told(stack: Stack, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        text = refused(
            *(f"--map={stack.settings.map}", f"--log={tmp_path}/log"),
            f"--listen=127.0.0.1:{port}",
        )
    assert text.count("\n") == 1
    assert "give another with --listen" in text


def test_a_second_process_is_refused(stack: Stack, serve: Serve) -> None:
    serve()
    text = refused(f"--map={stack.settings.map}", "--listen=127.0.0.1:0", "--log=/nowhere/log")
    assert text == (
        f"ato: another dispatcher reads {stack.settings.map}: end that first, "
        "or give another map (--map)\n"
    )
    assert not Path("/nowhere").exists()


def test_the_log_adds_up(stack: Stack, serve: Serve) -> None:
    service = serve("--interval=3600")
    for port in (1, 2):
        stack.send(port, packets=5)
    service.end()
    done = subprocess.run(
        [ATO, "evidence", "flows", f"--log={stack.settings.log}"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    first, last = done.stdout.splitlines()
    assert first == (
        "udp 192.0.2.0/24 -> 198.51.100.0/24: 2 flows, 10 packets and 420 bytes out, 0 and 0 in"
    )
    assert last.startswith("2 flows, signed by SHA256:")
    stack.settings.log.write_bytes(stack.settings.log.read_bytes().replace(b",5,0,", b",6,0,"))
    done = subprocess.run(
        [ATO, "evidence", "flows", f"--log={stack.settings.log}"], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert "was changed" in done.stderr
