"""`ato evidence export|flows|harden|rotate`: the evidence log in the hands of people."""

from __future__ import annotations

import argparse
from pathlib import Path

from pytest_ato.cli.screen import Screen

_LOG = Path("ato-report/evidence.log")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the actions."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    export = actions.add_parser("export", help="write one record for openssl and sha256sum")
    export.add_argument("record", metavar="N", type=int, help="number of the record, from 0")
    export.add_argument("-o", dest="to", metavar="DIR", type=Path, help="default: evidence-N")
    flows = actions.add_parser("flows", help="verify a dispatcher's log, and add up its flows")
    harden = actions.add_parser("harden", help="set the append-only attribute (chattr +a)")
    rotate = actions.add_parser("rotate", help="put the lines aside; a new file continues them")
    for action in (export, flows, harden, rotate):
        action.add_argument(
            "--log", metavar="LOG", type=Path, default=_LOG, help=f"the log (default: {_LOG})"
        )


def run(arguments: argparse.Namespace) -> int:
    """Do it; raises `AtoError`."""
    screen = Screen()
    if arguments.action == "export":
        screen.lines(_export(arguments))
    elif arguments.action == "flows":
        screen.lines(_flows(arguments.log))
    elif arguments.action == "harden":
        from pytest_ato.evidence.log.upkeep import harden

        harden(arguments.log)
        screen.lines([f"{arguments.log} can only be appended to, until root says chattr -a"])
    else:
        from pytest_ato.evidence.log.upkeep import rotate

        screen.lines([f"{arguments.log} continues {rotate(arguments.log)}"])
    return 0


def _export(arguments: argparse.Namespace) -> list[str]:
    from pytest_ato.evidence.export import export
    from pytest_ato.evidence.verification.trust import Keys

    to: Path = arguments.to or Path(f"evidence-{arguments.record}")
    made = export(arguments.log, arguments.record, to, Keys())
    return [
        f"record {arguments.record} is in {to}, under a head signed by {made.head.key}",
        f"check it with: sh {to}/verify.sh",
        f"or by hand, in {to}: {made.command}",
    ]


def _flows(log: Path) -> list[str]:
    from pytest_ato.dispatch.tally import networks, tally
    from pytest_ato.evidence.verification.trust import Keys

    keys = Keys()
    flows = tally(log, keys)
    lines = [
        f"{ends.protocol} {ends.source} -> {ends.destination}: {total.flows} flows, "
        f"{total.packets_out:,} packets and {total.bytes_out:,} bytes out, "
        f"{total.packets_in:,} and {total.bytes_in:,} in"
        for ends, total in sorted(networks(flows.values()).items())
    ]
    return [*lines, f"{len(flows)} flows, signed by {', '.join(keys.seen)}: is that your key?"]
