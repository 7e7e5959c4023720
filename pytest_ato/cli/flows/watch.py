"""`ato flows watch`: what is going on now, the busiest flows first, round after round."""

from __future__ import annotations

import argparse
import contextlib
import shutil
import sys
import time
from collections.abc import Iterator
from typing import Final

from pytest_ato.cli.flows.output import chosen, ended, tell, to_person, wait_for_end, weight
from pytest_ato.flows import show
from pytest_ato.flows.deltas import Deltas
from pytest_ato.flows.flowmap import FlowMap
from pytest_ato.flows.interfaces import namespace

_OTHER_SCREEN: Final = ("\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l")
_AROUND: Final = 4
"""Lines of the screen that no flow gets."""


def run(arguments: argparse.Namespace) -> None:
    """Show rounds until a signal says to end, or there were enough; raises `AtoError`."""
    wait_for_end()
    with contextlib.ExitStack() as held:
        inside = held.enter_context(namespace(arguments.netns))
        flows = held.enter_context(FlowMap(arguments.map))
        wanted = {inside.index(name) for name in arguments.interfaces}
        deltas, before, rounds = Deltas(), time.monotonic(), 0
        for _ in deltas.take(flows.walk()):
            pass  # what went before is of no round
        if to_person():
            held.enter_context(_other_screen())
        while rounds != arguments.rounds and not ended(arguments.interval):
            walk = list(flows.walk())
            seconds, before = time.monotonic() - before, time.monotonic()
            found = sorted(chosen(deltas.take(walk), wanted), key=weight, reverse=True)
            counts, names = flows.counts(), inside.names()
            if to_person():
                size = shutil.get_terminal_size()
                rows = show.table(found[: max(1, size.lines - _AROUND)], names, seconds)
                end = show.summary(counts, len(walk), flows.max_entries)
                _draw([*rows, "", end], size.columns)
            else:
                for key, delta in found:
                    tell({**show.flow_record(key, delta, names), "seconds": round(seconds, 3)})
                tell(show.counts_record(counts, len(walk), flows.max_entries))
            rounds += 1


@contextlib.contextmanager
def _other_screen() -> Iterator[None]:
    """Leave the terminal as it was, whatever happens."""
    sys.stdout.write(_OTHER_SCREEN[0])
    try:
        yield
    finally:
        sys.stdout.write(_OTHER_SCREEN[1])
        sys.stdout.flush()


def _draw(lines: list[str], width: int) -> None:
    text = "\n".join(f"{line[:width]}\x1b[K" for line in lines)
    sys.stdout.write(f"\x1b[H{text}\x1b[J")
    sys.stdout.flush()
