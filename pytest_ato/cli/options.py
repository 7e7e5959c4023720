"""The option table as argparse knows it: `--x-y`, without pytest's prefix."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from pytest_ato.model.errors import UsageError
from pytest_ato.settings import settings
from pytest_ato.settings.table import TABLE, Arity, Setting


def add(parser: argparse.ArgumentParser, *names: str) -> None:
    """Add rows of the table: those named, or all that are not for pytest alone."""
    for setting in TABLE:
        if setting.pytest_only or (names and setting.name not in names):
            continue
        flags = [f"--{setting.name}"]
        if setting.name == "report-dir":
            flags.insert(0, "-o")
        text = setting.help.replace("%", "%%")
        if setting.arity is Arity.FLAG:
            parser.add_argument(*flags, dest=setting.dest, action="store_true", help=text)
            continue
        parser.add_argument(
            *flags,
            dest=setting.dest,
            action="append" if setting.arity is Arity.MANY else "store",
            metavar=setting.metavar,
            type=_checked(setting),
            help=text,
        )


def read(arguments: argparse.Namespace) -> settings.Settings:
    """Parse the options of a command; raises `UsageError`."""
    given: dict[str, settings.Raw | None] = {
        setting.name: getattr(arguments, setting.dest, None) for setting in TABLE
    }
    values = {name: value for name, value in given.items() if value is not None}
    return settings.parse(settings.RawValues(values, {}, Path.cwd()))


def _checked(setting: Setting) -> Callable[[str], str]:
    def convert(value: str) -> str:
        try:
            setting.parse(value)
        except UsageError as error:
            raise argparse.ArgumentTypeError(str(error)) from None
        return value

    return convert
