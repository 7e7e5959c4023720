"""The `ato` command: finds the subcommand, and turns errors into one line and an exit code.

Exit codes: 0 passed, 1 findings, 2 wrong usage or cannot run, 3 INCONCLUSIVE, 130 interrupted.
Each subcommand is a module with `configure(parser)` and `run(arguments) -> int`, imported when it
is called for.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Callable, Sequence
from typing import Final, NoReturn

from pytest_ato import __version__
from pytest_ato.model.errors import AtoError, CaptureIncomplete, VerificationError

COMMANDS: Final = {
    "run": ("pytest_ato.cli.run", "audit a program"),
    "replay": ("pytest_ato.cli.replay", "examine a recorded audit again, without root"),
    "policy": ("pytest_ato.cli.policy", "check a policy, suggest one from a good run"),
    "baseline": ("pytest_ato.cli.baseline", "keep what a version did, and compare the next"),
    "verify": ("pytest_ato.cli.verify", "check that evidence is what was signed, and by whom"),
    "keys": ("pytest_ato.cli.keys", "say which signing keys to believe"),
    "evidence": ("pytest_ato.cli.evidence", "export from the evidence log, harden or rotate it"),
    "flows": ("pytest_ato.cli.flows", "count what goes through an interface, and look at it"),
    "dispatch": ("pytest_ato.cli.dispatch", "sign what the kernel counted of flows; serve metrics"),
    "detectors": ("pytest_ato.cli.detectors", "list detectors, explain one, test own rules"),
    "report": ("pytest_ato.cli.report", "render a recorded audit in any of the report formats"),
    "merge": ("pytest_ato.cli.merge", "make one report, JUnit, SARIF and log of many audits"),
    "doctor": ("pytest_ato.cli.doctor", "say what this machine can capture, and what is missing"),
}
"""Name to module and one line of help."""

BAD: Final = 1
USAGE: Final = 2
INCONCLUSIVE: Final = 3
INTERRUPTED: Final = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run `ato`; returns the exit code and raises nothing but SystemExit of argparse."""
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        return _dispatch(words)
    except VerificationError as error:
        return _fail(error, BAD)
    except CaptureIncomplete as error:
        return _fail(error, INCONCLUSIVE)
    except AtoError as error:
        return _fail(error, USAGE)
    except KeyboardInterrupt:
        return _fail("interrupted", INTERRUPTED)
    except BrokenPipeError:
        return _reader_is_gone()


def _dispatch(words: list[str]) -> int:
    parser = _parser()
    if not words:
        parser.print_help()
        return USAGE
    arguments = parser.parse_args(words[:1])
    module = importlib.import_module(COMMANDS[arguments.command][0])
    own = argparse.ArgumentParser(
        prog=f"ato {arguments.command}",
        description=COMMANDS[arguments.command][1] + ".",
        allow_abbrev=False,
    )
    configure: Callable[[argparse.ArgumentParser], None] = module.configure
    run: Callable[[argparse.Namespace], int] = module.run
    configure(own)
    parse: Callable[[argparse.ArgumentParser, list[str]], argparse.Namespace]
    parse = getattr(module, "parse", argparse.ArgumentParser.parse_args)
    code = run(parse(own, words[1:]))
    sys.stdout.flush()
    return code


def _parser() -> argparse.ArgumentParser:
    listing = "\n".join(f"  {name:<10}{text}" for name, (_, text) in COMMANDS.items())
    parser = argparse.ArgumentParser(
        prog="ato",
        description="Run software that you did not write under eBPF, and judge what it did.",
        epilog=f"commands:\n{listing}\n\n`ato COMMAND --help` tells more.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"ato {__version__}")
    parser.add_argument("command", choices=COMMANDS, metavar="COMMAND", help="see below")
    return parser


def _fail(message: object, code: int) -> int:
    sys.stdout.flush()
    print(f"ato: {message}", file=sys.stderr)
    return code


def _reader_is_gone() -> NoReturn:
    """End as a program does whose output nobody reads: silently (SIGPIPE's exit status)."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    raise SystemExit(141)
