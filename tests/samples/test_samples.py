"""Every sample program under a real audit: its detector fires, or stays silent on the near miss."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from pytest_ato.model.findings import Severity
from pytest_ato.model.verdict import Verdict

pytestmark = pytest.mark.privileged

HERE = Path(__file__).parent

FIRES = {
    "honeytoken_exfil": [
        *(
            f"exfil.py {way}"
            for way in (
                *("raw", "base64", "base32", "hex", "reversed", "gzip"),
                *("url", "header", "split", "dns", "udp", "scrambled"),
            )
        )
    ],
    "honeytoken_read": [
        "read_key.sh cat",
        *(f"build/doors {way}" for way in ("uring_read", "int80", "given", "linked")),
    ],
    "credential_sweep": ["sweep.sh loop"],
    "beaconing": ["beacon.py regular"],
    "dns_tunnel": ["resolve.py tunnel"],
    "raw_ip_egress": ["connect.py 203.0.113.9"],
    "fileless_exec": [f"build/fileless {way}" for way in ("memfd", "path", "deleted", "shm")],
    "dropped_executable": ["download.py", "drop.sh temporary"],
    "persistence": [
        f"persist.sh {way}"
        for way in (
            *("bashrc", "renamed", "linked", "authorized_keys"),
            *("systemd", "autostart", "git_hook", "pth"),
        )
    ],
    "reverse_shell": ["build/shell tcp", "shell.sh"],
    "kernel_bypass_io": [
        f"build/doors {way}"
        for way in (
            *("uring_read", "uring_connect", "handle", "int80"),
            *("packet", "raw", "userns", "bpf"),
        )
    ],
    "process_memory_access": [f"build/peek {way}" for way in ("ptrace", "read", "mem")],
    "code_injection": [
        *(f"build/peek {way}" for way in ("mem", "write")),
        *(f"inject.py {way}" for way in ("preload", "library")),
    ],
    "source_disagreement": [f"build/flip {way}" for way in ("path", "address")],
    "env_harvest": [f"environ.py {way}" for way in ("parent", "init", "leave")],
    "sandbox_escape": [
        f"escape.py {way}"
        for way in ("engine", "setting", "cgroup", "device", "setns", "mount", "module")
    ],
    "bulk_upload": ["transfer.py put", "transfer.py parts"],
    "cloud_metadata": ["connect.py 169.254.169.254", "resolve.py metadata"],
    "dga_domains": ["resolve.py generated"],
    "exfil_service": ["resolve.py service"],
    "miner": ["mine.py stratum", "mine.py monero", "resolve.py pool"],
    "pii_egress": [
        f"customers.py {way}" for way in ("document", "cards", "ibans", "encoded", "addresses")
    ],
    "honeytoken_used": ["https.py sts", "https.py github"],
    "tls_pinned": ["https.py authority"],
    "tls_uninspected": ["https.py pinned"],
    "opaque_transport": [
        f"https.py {way}" for way in ("quic", "wireguard", "ssh", "noise", "dot", "doh")
    ],
    "tamper_and_evasion": [
        f"evade.py {way}"
        for way in ("tracer", "scan", "traceme", "self_delete", "history", "fingerprint")
    ],
}

SILENT = {
    "honeytoken_exfil": ["exfil.py local"],
    "honeytoken_read": [f"read_key.sh {way}" for way in ("stat", "list", "tar", "wget")],
    "credential_sweep": ["sweep.sh git"],
    "beaconing": ["beacon.py irregular"],
    "dns_tunnel": ["resolve.py cdn", "resolve.py ordinary"],
    "raw_ip_egress": ["connect.py www.vendor.example"],
    "fileless_exec": ["build/fileless data"],
    "dropped_executable": ["drop.sh text"],
    "persistence": [f"persist.sh {way}" for way in ("read", "own_config", "git_init", "lookalike")],
    "reverse_shell": ["build/shell unix", "build/shell closed"],
    "kernel_bypass_io": [f"build/doors {way}" for way in ("udp", "given", "linked", "uring_nop")],
    "process_memory_access": [f"build/peek {way}" for way in ("debug", "own")],
    "code_injection": [*(f"build/peek {way}" for way in ("debug", "jit")), "inject.py extension"],
    "source_disagreement": [
        "build/flip steady",
        *(f"build/doors {way}" for way in ("uring_read", "uring_connect", "int80", "given", "udp")),
    ],
    "env_harvest": [f"environ.py {way}" for way in ("own", "child", "token")],
    "sandbox_escape": [f"escape.py {way}" for way in ("own_socket", "reads")],
    "bulk_upload": ["transfer.py get", "exfil.py raw"],
    "cloud_metadata": ["connect.py 169.254.1.1", "connect.py www.vendor.example"],
    "dga_domains": [f"resolve.py {way}" for way in ("typos", "tunnel", "cdn", "ordinary")],
    "exfil_service": ["resolve.py documents"],
    "miner": ["mine.py rpc", "resolve.py ordinary"],
    "pii_egress": [f"customers.py {way}" for way in ("orders", "contact", "local")],
    "honeytoken_used": ["https.py own_key", "https.py plain"],
    "tls_pinned": ["https.py down", "https.py plain", "https.py pinned"],
    "tls_uninspected": ["https.py plain", "https.py authority"],
    "opaque_transport": [f"https.py {way}" for way in ("plain", "ntp", "own_key")],
    "tamper_and_evasion": [f"evade.py {way}" for way in ("own", "children", "tidy")],
}


def cases(table: dict[str, list[str]]) -> list[tuple[str, str]]:
    return [(detector, command) for detector, commands in table.items() for command in commands]


@pytest.fixture(scope="session", autouse=True)
def _built() -> None:
    subprocess.run(["make", "-s", "-C", HERE], check=True)


@pytest.fixture
def audit(ato_trace):
    """Run ``sample.py argument``; its findings. The sample itself must work and be whole."""

    def run(command: str, **options):
        program, *args = command.split()
        trace = ato_trace(HERE / program, args=args, **options)
        assert trace.returncode == 0, trace.stdout
        assert trace.verdict is not Verdict.INCONCLUSIVE
        return list(trace.findings)

    return run


@pytest.mark.parametrize(("detector", "command"), cases(FIRES))
def test_fires(audit, detector: str, command: str) -> None:
    assert detector in {finding.detector for finding in audit(command)}


@pytest.mark.parametrize(("detector", "command"), cases(SILENT))
def test_is_silent_on_the_near_miss(audit, detector: str, command: str) -> None:
    assert detector not in {finding.detector for finding in audit(command)}


def test_retries_after_failures_are_no_beacon(audit) -> None:
    assert audit("beacon.py retry", network="none") == []


@pytest.mark.parametrize("way", ["library", "compile", "unpack"])
def test_what_was_built_or_unpacked_here_is_low(audit, way: str) -> None:
    findings = audit(f"drop.sh {way}")
    assert {(finding.detector, finding.severity) for finding in findings} == {
        ("dropped_executable", Severity.LOW)
    }


def test_a_value_beyond_recognition_is_medium(audit) -> None:
    severities = {
        finding.severity
        for finding in audit("exfil.py scrambled")
        if finding.detector == "honeytoken_exfil"
    }
    assert severities == {Severity.MEDIUM}


def test_a_file_that_calls_and_fanotify_tell_is_read_once(audit) -> None:
    [finding] = audit("build/doors linked")
    assert (finding.detector, finding.count) == ("honeytoken_read", 1)
