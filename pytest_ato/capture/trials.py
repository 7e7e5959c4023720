"""Each probe of the core loader by itself: does this kernel take it, and by which program?

Owns one trial: a program is loaded alone, attached where nothing runs, and taken away again. Audits
load all at once; here one that is refused must not hide the others.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pytest_ato.capture import cgroupfs
from pytest_ato.capture.loader.core import OBJECT
from pytest_ato.capture.loader.libbpf import Libbpf
from pytest_ato.capture.loader.maps import RING_SIZES
from pytest_ato.capture.network import namespaces
from pytest_ato.capture.probes import PROBES, Probe
from pytest_ato.capture.sandbox.initfile import INIT, canary_places

_SMALL: Final = 4096
"""Bytes of a ring that nobody reads."""
_LOOPBACK: Final = 1
"""Index of the first interface of every network namespace."""


@dataclass(frozen=True)
class Trial:
    """What came of one probe."""

    probe: Probe
    program: str
    """The first of its alternatives that this kernel takes; empty: none."""
    refused: tuple[OSError, ...]
    """Why those before it were not taken."""


def trials(probes: tuple[Probe, ...] = PROBES, path: Path = OBJECT) -> Iterator[Trial]:
    """Try all `probes`, programs of the object at `path`.

    Raises CaptureUnavailable when libbpf is not installed.
    """
    libbpf = Libbpf()
    programs = [name for probe in PROBES for name in _programs(probe)]
    for probe in probes:
        refused = []
        taken = ""
        for name in _programs(probe):
            try:
                _try(libbpf, path, probe, name, programs)
            except OSError as error:
                refused.append(_reasoned(error, libbpf.last_words()))
            else:
                taken = name
                break
        yield Trial(probe, taken, tuple(refused))


def _programs(probe: Probe) -> tuple[str, ...]:
    return probe.alternatives or (probe.name,)


def _try(libbpf: Libbpf, path: Path, probe: Probe, name: str, others: list[str]) -> None:
    """Load one program without the others and attach it; raises OSError where that is refused."""
    with ExitStack() as cleanup:
        loaded = libbpf.call("bpf_object__open_file", os.fsencode(path), None)
        cleanup.callback(libbpf.call, "bpf_object__close", loaded)
        for ring in RING_SIZES:
            found = libbpf.pointer("bpf_object__find_map_by_name", loaded, ring.encode())
            libbpf.call("bpf_map__set_max_entries", found, _SMALL)
        for other in others:
            libbpf.call("bpf_program__set_autoload", _program(libbpf, loaded, other), False)
        program = _program(libbpf, loaded, name)
        libbpf.call("bpf_program__set_autoload", program, True)
        libbpf.call("bpf_object__load", loaded)
        link = _attach(libbpf, probe, program, cleanup)
        cleanup.callback(libbpf.call, "bpf_link__destroy", link)


def _program(libbpf: Libbpf, loaded: int, name: str) -> int:
    return libbpf.pointer("bpf_object__find_program_by_name", loaded, f"ato_{name}".encode())


def _attach(libbpf: Libbpf, probe: Probe, program: int, cleanup: ExitStack) -> int:
    """Attach to a place of the probe's kind that no process is in."""
    if probe.place == "session":
        return libbpf.pointer("bpf_program__attach", program)
    if probe.place == "cgroup":
        cgroup = _empty_cgroup(cleanup)
        return libbpf.pointer("bpf_program__attach_cgroup", program, cgroup)
    if probe.place == "file":
        offset = canary_places()[0].offset
        return libbpf.pointer(
            "bpf_program__attach_uprobe_opts", program, -1, os.fsencode(INIT), offset, None
        )
    namespace = namespaces.make()
    cleanup.callback(os.close, namespace)
    return namespaces.inside(
        namespace, lambda: libbpf.pointer("bpf_program__attach_xdp", program, _LOOPBACK)
    )


def _empty_cgroup(cleanup: ExitStack) -> int:
    """Return a descriptor of a fresh cgroup, both of which end with `cleanup`."""
    unified = next((one for one in cgroupfs.hierarchies() if one.version == 2), None)
    if unified is None:
        raise OSError(errno.ENOENT, "no cgroup2 is mounted")
    directory = unified.mount / f"{cgroupfs.PREFIX}trial-{os.getpid()}"
    directory.mkdir()
    cleanup.callback(cgroupfs.destroy, directory)
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    cleanup.callback(os.close, descriptor)
    return descriptor


def _reasoned(error: OSError, words: str) -> OSError:
    """Put plainer words in place of the errno's. The verifier's refusal is EACCES, not EPERM."""
    plain = {errno.ESRCH: "this kernel has no such tracepoint", errno.EPERM: "not permitted"}
    number = error.errno or 0
    return OSError(number, plain.get(number) or words or error.strerror)
