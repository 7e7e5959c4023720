"""A round of the dispatcher over a full map, beside the plain loop: key after key, each signed."""

from __future__ import annotations

import ctypes
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from itertools import count
from pathlib import Path

from measure import alternate, seconds
from programs import HERE, Place, bpffs
from results import Figure, Goal, Row

from pytest_ato.capture import flowabi
from pytest_ato.capture.loader.libbpf import Libbpf
from pytest_ato.dispatch.dispatcher import Dispatcher, Settings
from pytest_ato.evidence.signers import open_signer
from pytest_ato.evidence.signers.interface import Signer
from pytest_ato.flows import program
from pytest_ato.metrics.dispatch import DispatchMetrics

sys.path.insert(0, str(HERE.parent / "tests" / "dispatch"))
from filling import fill

sys.path.pop(0)

FLOWS = 65_536
MANY = 1 << 20
GOAL = 1.0
PLAIN = 4096
"""Flows that the plain loop signs; the time is scaled to `FLOWS`."""
ROUNDS = 3


def figure(place: Place) -> Figure:
    """Every flow had packets since the round before; signed with a key file, and on the disk."""
    key = f"file:{place.path}/flows.pem"
    subprocess.run(
        ["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key[5:]],
        check=True,
    )
    Path(key[5:]).chmod(0o600)
    with ExitStack() as held:
        folder = held.enter_context(bpffs(place.path / "bpf"))
        round_of = {
            flows: _dispatched(held, folder / f"map{flows}", flows, key) for flows in (FLOWS, MANY)
        }
        signer = held.enter_context(open_signer(key))
        _made(folder / "plain", FLOWS)
        plain = Plain(folder / "plain", signer, place.path / "plain.log")
        samples = alternate(
            {
                "round": round_of[FLOWS],
                "plain": lambda: seconds(plain.loop) * FLOWS / PLAIN,
            },
            ROUNDS,
        )
        many = alternate({"many": round_of[MANY]}, 1)["many"]
    rows = [
        Row(case=f"{FLOWS:,} flows, ato dispatch", value=samples["round"], unit="s"),
        Row(
            case=f"{FLOWS:,} flows, get_next_key and a signature each",
            value=samples["plain"],
            unit="s",
            ratio=samples["plain"].over(samples["round"]),
            against="ato dispatch",
            note=f"{PLAIN:,} of them, scaled",
        ),
        Row(case=f"{MANY:,} flows, ato dispatch", value=many, unit="s"),
    ]
    goal = Goal(
        text=f"a round over {FLOWS:,} flows takes at most {GOAL:g} s, signature and disk included",
        met=samples["round"].median <= GOAL,
    )
    return Figure(name="dispatch", title="A round of the dispatcher", rows=rows, goals=[goal])


def _made(path: Path, flows: int) -> None:
    program.Program(program.Settings(path, max_flows=flows)).close()
    fill(path, flows, 1)


def _dispatched(held: ExitStack, path: Path, flows: int, key: str) -> Callable[[], float]:
    """Return what has every flow speak, and then times a round."""
    _made(path, flows)
    log = path.parents[1] / f"{flows}.log"
    settings = Settings(map=path, log=log, sign=key, interval=3600, idle=3600)
    dispatcher = held.enter_context(Dispatcher(settings, DispatchMetrics(), print))
    packets = count(2)

    def timed() -> float:
        fill(path, flows, next(packets))
        return seconds(dispatcher.round)

    return timed


class Plain:
    """What a dispatcher would be without batches: each flow read, signed and written by itself."""

    def __init__(self, path: Path, signer: Signer, log: Path) -> None:
        self._libbpf = Libbpf()
        self._fd = self._libbpf.call("bpf_obj_get", os.fsencode(path))
        self._cpus = self._libbpf.call("libbpf_num_possible_cpus")
        self._signer = signer
        self._log = log

    def loop(self) -> None:
        """Do the first flows."""
        before = None
        following = ctypes.create_string_buffer(flowabi.KEY.size)
        value = ctypes.create_string_buffer(flowabi.VALUE.size * self._cpus)
        with self._log.open("ab") as log:
            for _ in range(PLAIN):
                self._libbpf.call("bpf_map_get_next_key", self._fd, before, following)
                before = following.raw
                self._libbpf.call("bpf_map_lookup_elem", self._fd, before, value)
                totals = flowabi.totals(list(flowabi.VALUE.iter_unpack(value)))
                evidence = json.dumps([flowabi.key(before), totals]).encode()
                digest = hashlib.sha256(evidence).digest()
                log.write(evidence + self._signer.sign(digest).hex().encode() + b"\n")
            log.flush()
            os.fsync(log.fileno())
