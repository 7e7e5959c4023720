"""`ato keys pin|list|show`: whose signatures this user believes, and with which key they sign."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from pytest_ato.cli.screen import Screen


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the three actions."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    pin = actions.add_parser("pin", help="believe a public key from now on")
    pin.add_argument("pem", metavar="PEM", type=Path, help="its file; got from who signs")
    pin.add_argument("--name", metavar="NAME", help="what to call it (default: the file's name)")
    actions.add_parser("list", help="list the keys that are believed")
    show = actions.add_parser("show", help="print the public key of a signing key, in PEM")
    show.add_argument(
        "uri", metavar="URI", nargs="?", default="file:", help="as for --sign (default: file:)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Do it; raises `AtoError`."""
    from pytest_ato.evidence import pins, signers
    from pytest_ato.evidence.keys import PublicKey

    screen = Screen()
    if arguments.action == "pin":
        path: Path = arguments.pem
        pin = pins.pin(PublicKey.read(path), arguments.name or path.name)
        screen.lines([f"pinned {pin.key} as {pin.name}"])
    elif arguments.action == "list":
        pinned = pins.pinned().values()
        screen.lines([f"{pin.key}  {pin.name}" for pin in pinned] or ["no key is pinned"])
    else:
        with signers.open_signer(arguments.uri) as signer:
            print(signer.public.pem.decode(), end="")
            print(f"{signer.public.id}: {signer.description}", file=sys.stderr)
    return 0
