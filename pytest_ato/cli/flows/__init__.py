"""`ato flows attach|list|watch|detach`: count what goes through an interface, and look at it.

Owns the options. Counting and reading are `pytest_ato.flows`'.
"""

from __future__ import annotations

import argparse
import importlib
import os
from pathlib import Path
from typing import Final

_MAP: Final = Path("/sys/fs/bpf/flow_map")
_MAP_VARIABLE: Final = "FLOW_MAP_PATH"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the actions."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    attach = actions.add_parser("attach", help="count flows at interfaces until it is ended")
    listing = actions.add_parser("list", help="what was counted so far, and where")
    watch = actions.add_parser("watch", help="what is going on: the busiest flows first")
    detach = actions.add_parser("detach", help="stop counting, whoever attached")
    for action in (attach, listing, watch, detach):
        action.add_argument(
            "interfaces",
            metavar="IFACE",
            nargs="+" if action in (attach, detach) else "*",
            help="an interface" if action in (attach, detach) else "only of these (default: all)",
        )
        action.add_argument(
            "--netns",
            metavar="NS",
            help="network namespace: a name of ip-netns, a process id or a path (default: ours)",
        )
        action.add_argument(
            "--map",
            metavar="PATH",
            type=Path,
            default=Path(os.environ.get(_MAP_VARIABLE) or _MAP),
            help=f"where the map is pinned (default: {_MAP_VARIABLE}, or {_MAP})",
        )
    _configure_attach(attach)
    watch.add_argument(
        "--interval",
        metavar="S",
        type=_seconds,
        default=2,
        help="seconds between two rounds (default: %(default)s)",
    )
    watch.add_argument("--rounds", metavar="N", type=_positive, help="end after so many rounds")
    detach.add_argument("--unpin", action="store_true", help="remove the map, too")


def _configure_attach(attach: argparse.ArgumentParser) -> None:
    attach.add_argument(
        "--max-flows",
        metavar="N",
        type=_positive,
        default=65536,
        help="room of the map when it is made (default: %(default)s)",
    )
    attach.add_argument(
        "--spike-packets",
        metavar="N",
        type=_count,
        default=100_000,
        help="tell of a source that sends more packets a second on one processor; 0: never "
        "(default: %(default)s)",
    )
    attach.add_argument(
        "--spike-quiet",
        metavar="S",
        type=_seconds,
        default=10,
        help="seconds between two hints of one source (default: %(default)s)",
    )
    attach.add_argument(
        "--linger",
        metavar="S",
        type=_seconds,
        default=0,
        help="seconds to stay when an interface has gone, before it ends with exit code 3 "
        "(default: %(default)s)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Do it; returns the exit code. Raises `AtoError`."""
    module = importlib.import_module(f"{__name__}.{arguments.action}")
    module.run(arguments)
    return 0


def _count(text: str) -> int:
    value = int(text)
    if not 0 <= value < 1 << 31:
        raise argparse.ArgumentTypeError(f"expected a number from 0 to 2^31 - 1, got {text}")
    return value


def _positive(text: str) -> int:
    value = _count(text)
    if value == 0:
        raise argparse.ArgumentTypeError("expected a number above 0, got 0")
    return value


def _seconds(text: str) -> float:
    value = float(text)
    if not 0.05 <= value <= 86400:
        raise argparse.ArgumentTypeError(f"expected seconds from 0.05 to 86400, got {text}")
    return value
