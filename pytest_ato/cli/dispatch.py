"""`ato dispatch`: sum, mask, sign and append what the kernel counted of flows; serve metrics."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from pytest_ato.model.errors import UsageError
from pytest_ato.settings import grammar

_MAP: Final = "/sys/fs/bpf/flow_map"
_LOG: Final = "/var/log/audit/signed_evidence.log"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options; each can be set by a variable, too."""
    _option(parser, "map", "PATH", Path, _MAP, "the pinned map of flows", "FLOW_MAP_PATH")
    _option(parser, "log", "PATH", Path, _LOG, "the evidence log to append to")
    _option(parser, "sign", "URI", grammar.signer, "file:", "the key: pkcs11:... or file:...")
    _option(parser, "interval", "S", _seconds, "10", "seconds between two rounds")
    _option(parser, "batch", "N", _number(1, 10_000), "4096", "flows in one record at most")
    _option(parser, "idle", "S", _seconds, "120", "seconds until a silent flow leaves the map")
    _option(
        parser,
        "spool",
        "N",
        _number(1, 10_000_000),
        "65536",
        "flow records that may wait for a lost key; at least as many as the map has room for",
    )
    _option(
        parser, "listen", "[ADDRESS]:PORT", _address, ":9400", "where /metrics and /healthz are"
    )
    _option(
        parser,
        "audits",
        "FILE",
        Path,
        "",
        "serve what pytest runs count in this file, too (--ato-metrics)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Dispatch until a signal says to end; raises `AtoError`."""
    from pytest_ato.dispatch.dispatcher import Settings
    from pytest_ato.dispatch.service import serve

    if arguments.sign == "none":
        raise UsageError("a dispatcher signs: give a key with --sign=pkcs11:... or file:")
    settings = Settings(
        map=arguments.map,
        log=arguments.log,
        sign=arguments.sign,
        interval=arguments.interval,
        batch=arguments.batch,
        idle=arguments.idle,
        spool=arguments.spool,
    )
    serve(settings, arguments.listen, arguments.audits if str(arguments.audits) != "." else None)
    return 0


def _option(
    parser: argparse.ArgumentParser,
    name: str,
    metavar: str,
    parse: Callable[[str], Any],
    default: str,
    text: str,
    variable: str = "",
) -> None:
    variable = variable or f"ATO_DISPATCH_{name.upper()}"
    parser.add_argument(
        f"--{name}",
        metavar=metavar,
        type=_checked(parse),
        default=os.environ.get(variable) or default,
        help=f"{text} (default: ${variable}, or {default or 'none'})",
    )


def _checked(parse: Callable[[str], Any]) -> Callable[[str], Any]:
    def convert(value: str) -> Any:  # noqa: ANN401  (as argparse has it)
        try:
            return parse(value)
        except UsageError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return convert


def _seconds(text: str) -> float:
    if not re.fullmatch(r"\d{1,6}(\.\d{1,3})?", text, re.ASCII) or not 0.05 <= float(text) <= 86400:
        raise UsageError(f"expected seconds from 0.05 to 86400, got {text!r}")
    return float(text)


def _number(least: int, most: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not re.fullmatch(r"\d{1,9}", text, re.ASCII) or not least <= int(text) <= most:
            raise UsageError(f"expected a number from {least} to {most}, got {text!r}")
        return int(text)

    return parse


def _address(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or not re.fullmatch(r"\d{1,5}", port, re.ASCII) or int(port) > 65535:
        raise UsageError(f"expected [ADDRESS]:PORT, such as :9400 or 127.0.0.1:9400, got {text!r}")
    return host.strip("[]"), int(port)
