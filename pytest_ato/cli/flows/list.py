"""`ato flows list`: where flows are counted, and what was counted so far."""

from __future__ import annotations

import argparse
from typing import Final

from pytest_ato.capture.loader.libbpf import Libbpf
from pytest_ato.cli.flows.output import chosen, modes_record, modes_text, tell, to_person, weight
from pytest_ato.cli.screen import Screen
from pytest_ato.flows import show
from pytest_ato.flows.attachment import attached
from pytest_ato.flows.flowmap import FlowMap
from pytest_ato.flows.interfaces import namespace

_MOST: Final = 50
"""Flows that a terminal is shown, the largest."""


def run(arguments: argparse.Namespace) -> None:
    """Print them; raises `AtoError`."""
    with namespace(arguments.netns) as inside, FlowMap(arguments.map) as flows:
        names = inside.names()
        wanted = {inside.index(name) for name in arguments.interfaces}
        found = sorted(chosen(flows.walk(), wanted), key=weight, reverse=True)
        counts = flows.counts()
        here = [one for one in attached(Libbpf(), inside) if not wanted or one.index in wanted]
    if not to_person():
        for one in here:
            tell({"kind": "interface", "interface": one.interface, **modes_record(one.modes)})
        for key, totals in found:
            tell(show.flow_record(key, totals, names))
        tell(show.counts_record(counts, len(found), flows.max_entries))
        return
    screen = Screen()
    screen.lines(f"{one.interface}: {modes_text(one.modes)}" for one in here)
    screen.lines(show.table(found[:_MOST], names))
    if len(found) > _MOST:
        screen.lines([f"... and {len(found) - _MOST:,} smaller ones; all of them: | cat"])
    screen.lines([show.summary(counts, len(found), flows.max_entries)])
