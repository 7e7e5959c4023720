"""What the actions share: words for a terminal, JSON lines for a program, and how they end."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec

from pytest_ato.capture import flowabi
from pytest_ato.capture.flowabi import FlowKey, Totals
from pytest_ato.flows.attachment import Modes

_ENDS: Final = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}


def to_person() -> bool:
    """Whether a terminal reads along."""
    return sys.stdout.isatty()


def say(record: dict[str, Any], text: str) -> None:
    """Tell one thing."""
    if to_person():
        print(text, flush=True)
    else:
        tell(record)


def tell(record: dict[str, Any]) -> None:
    """Tell a program, at once unless more of the kind may follow."""
    print(msgspec.json.encode(record).decode(), flush=record["kind"] != "flow")


def wait_for_end() -> None:
    """From now on signals to end end nothing by themselves: `ended` sees them."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _ENDS)


def ended(seconds: float) -> bool:
    """Wait; whether a signal said to end meanwhile."""
    return signal.sigtimedwait(_ENDS, seconds) is not None


def chosen(
    walk: Iterable[tuple[bytes, Totals]], interfaces: set[int]
) -> Iterator[tuple[FlowKey, Totals]]:
    """Those flows of a walk that went through one of the interfaces; of all, if none is named."""
    for data, totals in walk:
        key = flowabi.key(data)
        if not interfaces or key.interface in interfaces:
            yield key, totals


def weight(row: tuple[FlowKey, Totals]) -> tuple[int, FlowKey]:
    """What flows are sorted by."""
    return row[1].bytes_out + row[1].bytes_in, row[0]


def modes_record(modes: Modes) -> dict[str, str]:
    """How an interface is counted, for a program."""
    return {"xdp": modes.xdp, "egress": modes.egress}


def modes_text(modes: Modes) -> str:
    """How an interface is counted, for a person."""
    why = f" (the driver says: {modes.why_generic})" if modes.why_generic else ""
    return f"{modes.xdp} XDP for what enters{why}, {modes.egress} for what leaves"
