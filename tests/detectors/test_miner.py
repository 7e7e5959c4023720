"""miner: a pool's dialogue, name or command line is found; an application's JSON-RPC is not."""

from __future__ import annotations

import json

import pytest

from pytest_ato.detectors.miner import Miner
from pytest_ato.model.findings import Severity

ADDRESS = "198.18.0.9"
STRATUM = json.dumps({"id": 1, "method": "mining.subscribe", "params": ["cpuminer/2.5.1"]})
XMRIG = json.dumps(
    {
        "id": 1,
        "jsonrpc": "2.0",
        "method": "login",
        "params": {"login": "48ed…", "pass": "x", "agent": "XMRig/6.21", "algo": ["rx/0"]},
    }
)
ETHEREUM = json.dumps({"id": 1, "method": "eth_submitLogin", "params": ["0x0"]})


@pytest.mark.parametrize("text", [STRATUM, XMRIG, ETHEREUM], ids=["stratum", "monero", "ethereum"])
@pytest.mark.parametrize("size", [4096, 7])
def test_a_dialogue(log, detect, text: str, size: int) -> None:
    data = text.encode() + b"\n"
    log.dns("pool.vendor.example", ADDRESS)
    log.tcp(log.root, ADDRESS, 443, *(data[at : at + size] for at in range(0, len(data), size)))
    (finding,) = detect(Miner, log)
    assert finding.rule == "ATO-EXE-030"
    assert finding.severity is Severity.HIGH
    assert finding.key == "miner:pool.vendor.example:443"
    assert finding.lineage


def test_a_pool(log, detect) -> None:
    log.dns("xmr-eu1.nanopool.org", ADDRESS, pid=log.root)
    (finding,) = detect(Miner, log)
    assert finding.where == "nanopool.org"


@pytest.mark.parametrize(
    ("path", "args"),
    [
        ("/opt/vendor/xmrig", ()),
        ("/opt/vendor/helper", ("-o", "stratum+tcp://pool.vendor.example:3333")),
        ("/opt/vendor/helper", ("--donate-level=1",)),
    ],
)
def test_a_command_line(log, detect, path: str, args: tuple[str, ...]) -> None:
    log.spawn(log.root, path, *args)
    (finding,) = detect(Miner, log)
    assert len(finding.lineage) == 2


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"method": "login", "params": {"login": "jane", "pass": "secret"}}),
        json.dumps({"method": "mining_report", "params": []}),
        json.dumps({"method": "eth_blockNumber", "params": []}),
        json.dumps({"jsonrpc": "2.0", "method": "textDocument/hover", "params": {"agent": "x"}}),
    ],
)
@pytest.mark.parametrize("port", [3333, 80])
def test_json_rpc(log, detect, text: str, port: int) -> None:
    log.tcp(log.root, ADDRESS, port, text.encode())
    assert detect(Miner, log) == ()


def test_names_and_programs_nearby(log, detect) -> None:
    log.dns("nanopool.org.vendor.example", ADDRESS)
    log.dns("mining.vendor.example", ADDRESS)
    log.spawn(log.root, "/usr/bin/determiner", "--pool", "tcp://queue.vendor.example")
    assert detect(Miner, log) == ()
