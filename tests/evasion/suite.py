"""The manifest of the evasion suite: each known way round tracers, and what comes of it here.

A way is a program in `programs/`; its header comment says what the trick is, where it is known
from, and which sources should see it. The table below says what the audit must say, one of:

- ``detected:NAME``: the trick worked, and the finding NAME tells it;
- ``blocked:NAME``: the sandbox or the kernel refused it, and the finding NAME tells the attempt;
- ``degraded:WORDS``: the trick worked unseen, and the verdict says so in WORDS.

No way may end in APPROVE.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PROGRAMS: Final = Path(__file__).parent / "programs"

EXPECTED: Final[dict[str, dict[str, str]]] = {
    "Other system calls": {
        "old_open": "detected:honeytoken_read",
        "openat2": "detected:honeytoken_read",
        "open_by_handle": "blocked:kernel_bypass_io",
        "exec_descriptor": "detected:honeytoken_read",
        "read_memory": "detected:process_memory_access",
        "proc_mem": "detected:process_memory_access",
        "puppet": "detected:honeytoken_read",
        "borrowed_socket": "detected:honeytoken_exfil",
        "mapped": "detected:honeytoken_read",
        "sendfile": "detected:honeytoken_exfil",
        "splice": "detected:honeytoken_exfil",
        "copied_range": "detected:honeytoken_exfil",
        "inherited": "detected:honeytoken_read",
        "shared_table": "detected:honeytoken_read",
    },
    "Other ABIs": {
        "int80_read": "detected:honeytoken_read",
        "int80_send": "detected:honeytoken_exfil",
        "heavens_gate": "detected:honeytoken_read",
        "program32": "detected:honeytoken_read",
        "x32_open": "blocked:kernel_bypass_io",
    },
    "io_uring": {
        "uring_read": "detected:kernel_bypass_io",
        "uring_direct": "detected:kernel_bypass_io",
        "uring_poll": "detected:kernel_bypass_io",
        "uring_send": "detected:kernel_bypass_io",
    },
    "Races on arguments": {
        "race_path": "detected:honeytoken_read",
        "race_address": "detected:honeytoken_exfil",
        "race_link": "detected:honeytoken_read",
        "absent_path": "detected:honeytoken_read",
        "absent_twice": "detected:honeytoken_read",
        "absent_address": "detected:honeytoken_exfil",
        "absent_flags": "detected:kernel_bypass_io",
        "late_path": "blocked:kernel_bypass_io",
        "hidden_arguments": "detected:honeytoken_read",
    },
    "Links and descriptors": {
        "link_hard": "detected:honeytoken_read",
        "link_chain": "detected:honeytoken_read",
        "renamed": "detected:honeytoken_read",
        "reopened": "detected:honeytoken_read",
        "other_root": "detected:honeytoken_read",
        "relative": "detected:honeytoken_read",
        "passed_descriptor": "detected:honeytoken_read",
        "injected_descriptor": "detected:honeytoken_read",
        "own_bind": "detected:kernel_bypass_io",
        "own_overlay": "detected:kernel_bypass_io",
        "detached_mount": "detected:kernel_bypass_io",
        "own_chroot": "detected:kernel_bypass_io",
        "left_cgroup": "blocked:kernel_bypass_io",
    },
    "Fileless code": {
        "memfd_exec": "detected:fileless_exec",
        "memfd_path": "detected:fileless_exec",
        "deleted_file": "detected:fileless_exec",
        "memfd_library": "detected:fileless_exec",
        "loader_as_program": "detected:dropped_executable",
        "script_in_memory": "detected:fileless_exec",
        "script_by_pipe": "detected:honeytoken_read",
        "code_in_memory": "detected:honeytoken_read",
    },
    "Forks and orphans": {
        "daemon": "detected:honeytoken_read",
        "orphan_send": "detected:honeytoken_exfil",
        "vfork_read": "detected:honeytoken_read",
        "sibling": "detected:honeytoken_read",
        "thread_exec": "detected:honeytoken_read",
        "many_children": "detected:honeytoken_read",
        "nested_pids": "detected:honeytoken_read",
        "sleeper": "degraded:what it does later was not audited",
    },
    "Other transports": {
        "udp": "detected:honeytoken_exfil",
        "udp_tail": "detected:honeytoken_exfil",
        "dns_labels": "detected:honeytoken_exfil",
        "dns_text": "detected:honeytoken_exfil",
        "port53": "detected:honeytoken_exfil",
        "port53_tcp": "detected:honeytoken_exfil",
        "ping": "detected:honeytoken_exfil",
        "fast_open": "detected:honeytoken_exfil",
        "fast_open_connect": "detected:honeytoken_exfil",
        "many_messages": "detected:honeytoken_exfil",
        "ipv6": "detected:honeytoken_exfil",
        "mapped_ipv4": "detected:honeytoken_exfil",
        "relay": "detected:honeytoken_exfil",
        "raw_socket": "blocked:kernel_bypass_io",
        "packet_socket": "blocked:kernel_bypass_io",
        "own_network": "detected:kernel_bypass_io",
        "left_network": "detected:honeytoken_exfil",
        "urgent": "detected:honeytoken_exfil",
        "cut_off": "detected:honeytoken_exfil",
        "multipath": "detected:honeytoken_exfil",
        "udp_lite": "detected:honeytoken_exfil",
        "host_socket": "blocked:kernel_bypass_io",
    },
    "Encodings and splits": {
        "encode_layers": "detected:honeytoken_exfil",
        "encode_backwards": "detected:honeytoken_exfil",
        "encode_xor": "detected:honeytoken_exfil",
        "bytewise": "detected:honeytoken_exfil",
        "two_connections": "detected:honeytoken_exfil",
        "four_connections": "detected:honeytoken_exfil",
        "header_names": "detected:honeytoken_exfil",
        "header_order": "detected:honeytoken_exfil",
        "port_numbers": "detected:honeytoken_read",
        "unpacking_bomb": "degraded:not searched to its end",
        "behind_bulk": "degraded:not searched to its end",
        "many_streams": "detected:honeytoken_exfil",
    },
    "Flooding": {
        "open_flood": "detected:honeytoken_read",
        "fork_flood": "detected:honeytoken_exfil",
        "long_path": "detected:honeytoken_read",
        "deep_path": "detected:honeytoken_read",
        "long_arguments": "detected:honeytoken_read",
        "output_flood": "detected:honeytoken_exfil",
    },
    "Looking for the tracer": {
        "ask_kernel": "blocked:kernel_bypass_io",
        "look_in_tracefs": "blocked:tamper_and_evasion",
        "look_at_symbols": "detected:tamper_and_evasion",
        "look_at_processes": "detected:env_harvest",
        "look_at_sandbox": "detected:tamper_and_evasion",
        "own_tracer": "detected:process_memory_access",
        "act_if_alone": "detected:tamper_and_evasion",
    },
}

_FIELD: Final = re.compile(r"^[ *]*(Trick|Known from|First|Second): ", re.MULTILINE)
_END: Final = re.compile(r'\*/|"""')


@dataclass(frozen=True, kw_only=True)
class Way:
    """One way round tracers."""

    name: str
    family: str
    """The class that it belongs to."""
    trick: str
    known_from: str
    first: str
    second: str
    """The two sources that should see it, the second of another kind than the first."""
    expected: str
    """As in `EXPECTED`."""

    @property
    def source(self) -> Path:
        """The program as it was written."""
        return _source(self.name)

    @property
    def program(self) -> Path:
        """The file to audit, which is there once `make` has run in `PROGRAMS`."""
        source = self.source
        return source if source.suffix == ".py" else PROGRAMS / "build" / self.name


def ways() -> tuple[Way, ...]:
    """All ways, in the order of `EXPECTED`; each program must have its four header fields."""
    return tuple(_ways())


def _ways() -> Iterator[Way]:
    for family, programs in EXPECTED.items():
        for name, expected in programs.items():
            fields = _header(name)
            yield Way(
                name=name,
                family=family,
                trick=fields["Trick"],
                known_from=fields["Known from"],
                first=fields["First"],
                second=fields["Second"],
                expected=expected,
            )


def _source(name: str) -> Path:
    (source,) = (path for path in PROGRAMS.glob(f"{name}.*") if path.suffix in (".c", ".py"))
    return source


def _header(name: str) -> dict[str, str]:
    """The fields of a program's first comment, each as one line."""
    text = _source(name).read_text()
    start = next(_FIELD.finditer(text)).start()
    end = next(_END.finditer(text, start)).start()
    parts = _FIELD.split(text[start:end])[1:]
    return {
        field: " ".join(value.replace("\n *", "\n").split())
        for field, value in zip(parts[::2], parts[1::2], strict=True)
    }
