"""The manifest of the samples: what each program does, and what an audit must say of it.

Owns the truth that the tests and the table in `docs/detectors.md` compare with. A row names the
ways in which one program runs, and the findings that it deserves, as ``detector:severity``, the
worst of each detector. Limits that are known: ``-detector`` where the program does what the
detector is for and is not found, ``+detector:severity`` where it does not and is told.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
RESULTS: Final = HERE / "results.json"
"""What a run of these and of the corpus came to: detectors and severities by name of the run."""

_READ: Final = "honeytoken_read:high"
_STOLEN: Final = f"honeytoken_exfil:critical {_READ}"

SAMPLES: Final[dict[str, dict[str, str]]] = {
    "exfil.py": {
        "raw base64 base32 hex reversed gzip url header split dns udp": _STOLEN,
        "scrambled": f"honeytoken_exfil:medium {_READ}",
        "local": _READ,
    },
    "read_key.sh": {"cat": _READ, "stat list tar wget": ""},
    "sweep.sh": {"loop": f"credential_sweep:high {_READ}", "git": ""},
    "environ.py": {
        "parent": "env_harvest:high",
        "init": "env_harvest:medium",
        "leave": "env_harvest:high honeytoken_exfil:critical",
        "own child": "",
        "token": "honeytoken_exfil:critical",
    },
    "https.py": {
        "sts": f"honeytoken_used:critical {_STOLEN}",
        "github": "honeytoken_used:critical honeytoken_exfil:critical",
        "authority": "tls_pinned:medium",
        "pinned": "tls_uninspected:low",
        "quic wireguard ssh noise dot doh onion": "opaque_transport:medium",
        "ech": "opaque_transport:medium tls_uninspected:low",
        "tor": "opaque_transport:medium raw_ip_egress:medium",
        "plain down own_key ntp": "",
    },
    "customers.py": {
        "document": f"pii_egress:high {_STOLEN}",
        "cards ibans ssns encoded addresses": "pii_egress:high",
        "twice": "-pii_egress",
        "orders contact local": "",
    },
    "transfer.py": {
        "put": "bulk_upload:medium +honeytoken_exfil:low",
        "parts": "bulk_upload:medium",
        "get": "",
    },
    "beacon.py": {"regular": "beaconing:high", "irregular": "", "wide": "-beaconing"},
    "resolve.py": {
        "tunnel": "dns_tunnel:high",
        "trickle": "-dns_tunnel",
        "generated": "dga_domains:medium",
        "words": "-dga_domains",
        "service": "exfil_service:high",
        "pool": "miner:high",
        "metadata": "cloud_metadata:high",
        "cdn ordinary typos documents": "",
    },
    "mine.py": {"stratum monero": "miner:high", "rpc": ""},
    "connect.py": {
        "203.0.113.9 169.254.1.1": "raw_ip_egress:medium",
        "169.254.169.254": "cloud_metadata:high",
        "www.vendor.example": "",
    },
    "build/fileless": {
        "memfd path": "fileless_exec:critical",
        "deleted": "fileless_exec:critical dropped_executable:high",
        "shm": "fileless_exec:critical dropped_executable:low",
        "data": "",
    },
    "download.py": {"": "dropped_executable:high"},
    "drop.sh": {
        "temporary": "dropped_executable:high",
        "library compile unpack": "dropped_executable:low",
        "text": "",
    },
    "persist.sh": {
        "bashrc renamed linked authorized_keys systemd autostart git_hook pth": "persistence:high",
        "read own_config git_init lookalike": "",
    },
    "build/shell": {
        "tcp": "reverse_shell:critical",
        "listen": "reverse_shell:critical",
        "unix closed": "",
    },
    "shell.sh": {"": "reverse_shell:critical"},
    "build/doors": {
        "uring_read int80": f"kernel_bypass_io:high {_READ}",
        "uring_connect": "kernel_bypass_io:high raw_ip_egress:medium",
        "packet raw userns bpf": "kernel_bypass_io:high",
        "handle": "kernel_bypass_io:medium",
        "given linked": _READ,
        "udp": "raw_ip_egress:medium",
        "uring_nop": "",
    },
    "build/peek": {
        "ptrace read": "process_memory_access:high",
        "mem write": "process_memory_access:high code_injection:high",
        "debug own jit": "",
    },
    "inject.py": {
        "preload": "code_injection:high",
        "library": "code_injection:high dropped_executable:low",
        "extension": "dropped_executable:low",
    },
    "escape.py": {
        "engine setting cgroup device setns mount module": "sandbox_escape:high",
        "own_socket reads": "",
    },
    "evade.py": {
        "tracer fingerprint": "tamper_and_evasion:high",
        "scan traceme history": "tamper_and_evasion:medium",
        "self_delete": "tamper_and_evasion:high dropped_executable:high",
        "own children": "",
        "tidy": "dropped_executable:high",
    },
    "build/flip": {
        "path": f"source_disagreement:high {_READ}",
        "address": "source_disagreement:high",
        "steady": _READ,
    },
}

JUDGED: Final[dict[str, dict[str, str]]] = {
    "declared": {
        "connect.py www.vendor.example": "",
        "connect.py 203.0.113.9": "raw_ip_egress:medium undeclared:medium",
        "beacon.py regular": "",
        "resolve.py ordinary": "undeclared:medium",
        "sweep.sh git": "undeclared:medium",
    },
    "denied": {
        "connect.py www.vendor.example": "denied:high",
        "connect.py 203.0.113.9": "raw_ip_egress:medium denied:high",
        "connect.py 203.0.113.1": "raw_ip_egress:medium",
        "persist.sh read": "denied:high",
        "sweep.sh git": "denied:high",
        "resolve.py documents": "",
    },
    "networks": {
        "connect.py 203.0.113.9": "raw_ip_egress:medium known_bad_asn:high geo_policy:medium",
        "connect.py 203.0.113.1": "raw_ip_egress:medium",
        "connect.py 192.0.2.9": "raw_ip_egress:medium known_bad_asn:low geo_policy:low",
    },
    "domains": {
        "connect.py c2.vendor.example": "known_bad_domain:high",
        "connect.py www.vendor.example": "",
    },
    "service": {"build/shell listen": ""},
    "intruder": {"beacon.py idle": "unattributed_flow:high"},
    "baseline": {
        "connect.py www.vendor.example": "",
        "connect.py telemetry.vendor.example": "vendor_drift:medium",
    },
}
"""Runs judged by more than their events: files in `terms/` of that name, a
baseline that the first run of the row made, or somebody else in the target's network."""

NEAR: Final[dict[str, str]] = {
    "honeytoken_exfil": "exfil.py local",
    "honeytoken_used": "https.py own_key",
    "honeytoken_read": "read_key.sh wget",
    "credential_sweep": "sweep.sh git",
    "env_harvest": "environ.py child",
    "process_memory_access": "build/peek debug",
    "pii_egress": "customers.py orders",
    "bulk_upload": "transfer.py get",
    "beaconing": "beacon.py irregular",
    "dns_tunnel": "resolve.py cdn",
    "dga_domains": "resolve.py typos",
    "known_bad_domain": "domains: connect.py www.vendor.example",
    "exfil_service": "resolve.py documents",
    "known_bad_asn": "networks: connect.py 203.0.113.1",
    "geo_policy": "networks: connect.py 203.0.113.1",
    "raw_ip_egress": "connect.py www.vendor.example",
    "cloud_metadata": "connect.py 169.254.1.1",
    "opaque_transport": "https.py ntp",
    "tls_uninspected": "https.py plain",
    "tls_pinned": "https.py down",
    "kernel_bypass_io": "build/doors udp",
    "unattributed_flow": "build/doors uring_connect",
    "reverse_shell": "build/shell unix",
    "fileless_exec": "build/fileless data",
    "dropped_executable": "drop.sh text",
    "code_injection": "build/peek jit",
    "persistence": "persist.sh lookalike",
    "sandbox_escape": "escape.py own_socket",
    "tamper_and_evasion": "evade.py children",
    "miner": "mine.py rpc",
    "vendor_drift": "baseline: connect.py www.vendor.example",
    "undeclared": "declared: connect.py www.vendor.example",
    "denied": "denied: connect.py 203.0.113.1",
    "source_disagreement": "build/flip steady",
}
"""Of each detector, the run that comes nearest to what it is for, and is not."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """One program run in one way, and what it deserves."""

    command: str
    terms: str = ""
    """What it is judged by, as `JUDGED` has it; empty: by its events alone."""
    finds: Mapping[str, str]
    """Severity by detector, as an audit has it."""
    does: frozenset[str]
    """Detectors that are for what it does."""

    @property
    def name(self) -> str:
        """As in `RESULTS`."""
        return f"{self.terms}: {self.command}" if self.terms else self.command


def runs() -> tuple[Run, ...]:
    """All, in the order of the tables."""
    return (*_plain(), *_judged())


def _plain() -> Iterator[Run]:
    for program, ways in SAMPLES.items():
        for words, deserved in ways.items():
            for way in words.split() or [""]:
                yield _run(f"{program} {way}".rstrip(), "", deserved)


def _judged() -> Iterator[Run]:
    for terms, commands in JUDGED.items():
        for command, deserved in commands.items():
            yield _run(command, terms, deserved)


def _run(command: str, terms: str, deserved: str) -> Run:
    words = deserved.split()
    finds = dict(word.removeprefix("+").split(":") for word in words if word[0] != "-")
    does = {word.removeprefix("-").partition(":")[0] for word in words if word[0] != "+"}
    return Run(command=command, terms=terms, finds=finds, does=frozenset(does))
