"""`ato flows attach`: count until a signal says to end, and tell what should not wait for a reader.

Owns the loop. What it attached ends with the process, however that ends.
"""

from __future__ import annotations

import argparse
import contextlib
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from pytest_ato.cli.flows.output import ended, modes_record, modes_text, say, wait_for_end
from pytest_ato.flows import show
from pytest_ato.flows.attachment import Attachment
from pytest_ato.flows.flowmap import FlowMap
from pytest_ato.flows.interfaces import namespace
from pytest_ato.flows.program import Program, Settings
from pytest_ato.model.errors import CaptureIncomplete

_TURN: Final = 0.25
"""Seconds between two looks at the interfaces, for hints and at the map."""
_QUIET: Final = 10
"""Seconds between two words of a full map."""


def run(arguments: argparse.Namespace) -> None:
    """Attach, and stay; raises `AtoError`, also when an interface is no longer counted."""
    settings = Settings(
        path=arguments.map,
        max_flows=arguments.max_flows,
        spike_packets=arguments.spike_packets,
        spike_quiet=arguments.spike_quiet,
    )
    wait_for_end()
    with contextlib.ExitStack() as held:
        inside = held.enter_context(namespace(arguments.netns))
        names = list(dict.fromkeys(arguments.interfaces))
        for name in names:
            inside.index(name)  # before a map is made for nothing
        program = held.enter_context(Program(settings))
        fullness = _Fullness(held.enter_context(FlowMap(arguments.map)))
        attached = [held.enter_context(Attachment(program, name, inside)) for name in names]
        for one in attached:
            say(_record(one, arguments.map), _text(one, arguments.map))
        while not ended(_TURN):
            for spike in program.spikes():
                say(show.spike_record(spike), show.spike_text(spike))
            fullness.look()
            _check(attached, arguments.linger)
    for one in attached:
        say({"kind": "detached", "interface": one.interface}, f"{one.interface}: detached")


class _Fullness:
    """Tells that flows find no room, and how many packets that was, not more often than needed."""

    def __init__(self, flows: FlowMap) -> None:
        self._flows = flows
        self._told = flows.counts().full
        self._when = float("-inf")

    def look(self) -> None:
        """Tell if there is something new."""
        counts = self._flows.counts()
        if counts.full == self._told or time.monotonic() - self._when < _QUIET:
            return
        self._told, self._when = counts.full, time.monotonic()
        say(
            {"kind": "full", "packets": counts.full, "bytes": counts.full_bytes},
            f"the map is full ({self._flows.max_entries:,} flows): {counts.full:,} packets, "
            f"{show.size(counts.full_bytes)}, are in no flow; make a larger one (--max-flows) "
            "after ato flows detach --unpin, or evict idle flows (ato dispatch)",
        )


def _check(attached: Iterable[Attachment], linger: float) -> None:
    """End for whoever restarts us when nothing is counted any more: a container's auditor.

    Not at once, if so wished: an engine gives up a container whose namespace is not there yet.
    """
    for one in attached:
        if not one.is_attached():
            say({"kind": "gone", "interface": one.interface}, f"{one.interface}: has gone")
            ended(linger)
            raise CaptureIncomplete(
                f"{one.interface} is no longer counted: it has gone, with or without its "
                "namespace, or somebody detached it; attach again"
            )


def _record(one: Attachment, path: Path) -> dict[str, Any]:
    modes = modes_record(one.modes)
    return {"kind": "attached", "interface": one.interface, **modes, "map": str(path)}


def _text(one: Attachment, path: Path) -> str:
    return f"{one.interface}: {modes_text(one.modes)}, counted in {path}"
