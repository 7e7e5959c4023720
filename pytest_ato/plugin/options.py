"""The option table as pytest knows it: `--ato-x-y` on the command line, `ato_x_y` in the ini file.

Owns registration, the refusal of paths given with a space, and reading both sources into
`Settings`. On pytest's namespace values stay text: pytest-xdist sends them to its workers.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

import pytest

from pytest_ato.model.errors import UsageError
from pytest_ato.settings import grammar
from pytest_ato.settings.table import TABLE, Arity, Setting

if TYPE_CHECKING:
    from pytest_ato.settings.settings import Raw, Settings

_SEPARATE = frozenset(f"--ato-{setting.name}" for setting in TABLE if setting.names_file)

_TARGET = next(setting for setting in TABLE if setting.name == "target")
_INCLUDE = next(setting for setting in TABLE if setting.name == "include")


class _Values(Protocol):
    """Where option values are: a namespace of pytest."""

    def __getattr__(self, name: str) -> Raw | None: ...


def register(parser: pytest.Parser) -> None:
    """Add every row of the table as an option and as an ini value."""
    group = parser.getgroup("ato", "audit programs under eBPF (pytest-ato)")
    for setting in TABLE:
        flag = f"--ato-{setting.name}"
        text = setting.help.replace("%", "%%")
        if setting.arity is Arity.FLAG:
            group.addoption(flag, dest=setting.dest, action="store_true", default=False, help=text)
            parser.addini(setting.dest, f"twin of {flag}", type="bool", default=False)
            continue
        many = setting.arity is Arity.MANY
        group.addoption(
            flag,
            dest=setting.dest,
            action="append" if many else "store",
            default=None,
            metavar=setting.metavar,
            type=_checked(setting),
            help=text,
        )
        kind: Literal["linelist", "string"] = "linelist" if many else "string"
        parser.addini(setting.dest, f"twin of {flag}", type=kind, default=[] if many else "")


def refuse_separate_paths(arguments: Sequence[str]) -> None:
    """Refuse ``--ato-target PATH``: pytest has then taken PATH for a test path of its own.

    It looks for its root directory and its ini file before it knows our options, so it would obey
    a `pytest.ini` beside the target.
    """
    for argument in (*arguments, *_words(os.environ.get("PYTEST_ADDOPTS", ""))):
        if argument in _SEPARATE:
            raise pytest.UsageError(
                f"write {argument}=PATH, with an equals sign: after a space pytest takes PATH for "
                "a test path and obeys the pytest.ini that lies beside it"
            )


def read(config: pytest.Config) -> Settings:
    """Parse what command line and ini file say; raises `pytest.UsageError`."""
    from pytest_ato.settings import settings

    values: dict[str, Raw] = {}
    bases: dict[str, Path] = {}
    for setting in TABLE:
        given, from_ini = lookup(config, config.option, setting)
        values[setting.name] = given
        if from_ini and config.inipath is not None:
            bases[setting.name] = config.inipath.parent
    try:
        settings.check(values)
        return settings.parse(settings.RawValues(values, bases, config.invocation_params.dir))
    except UsageError as error:
        raise pytest.UsageError(str(error)) from None


def lookup(config: pytest.Config, values: _Values, setting: Setting) -> tuple[Raw, bool]:
    """Value of one option, and whether it came from the ini file."""
    given = getattr(values, setting.dest, None)
    if given:
        return given, False
    twin: Raw = config.getini(setting.dest)
    return twin, bool(twin)


def target_paths(config: pytest.Config, values: _Values) -> list[Path]:
    """Paths of `--ato-target` or its twin, absolute; also before options are fully parsed."""
    return _paths(config, values, _TARGET, lambda value: value)


def include_paths(config: pytest.Config, values: _Values) -> list[Path]:
    """Sources of `--ato-include` or its twin, absolute; also before options are fully parsed."""
    return _paths(config, values, _INCLUDE, lambda value: grammar.include(value).source)


def in_use(config: pytest.Config) -> bool:
    """Whether this session has a target by option or ini file."""
    return bool(config.getoption(_TARGET.dest) or config.getini(_TARGET.dest))


def given(config: pytest.Config) -> bool:
    """Whether any option of ours, or twin of one, is set."""
    return any(config.getoption(setting.dest) or config.getini(setting.dest) for setting in TABLE)


def _paths(
    config: pytest.Config, values: _Values, setting: Setting, path: Callable[[str], str]
) -> list[Path]:
    found, from_ini = lookup(config, values, setting)
    ini = config.inipath
    base = ini.parent if from_ini and ini is not None else config.invocation_params.dir
    return [base / path(value) for value in found] if isinstance(found, list) else []


def _checked(setting: Setting) -> Callable[[str], str]:
    """Make a `type=` converter that checks the grammar and keeps the text."""

    def convert(value: str) -> str:
        try:
            setting.parse(value)
        except UsageError as error:
            raise pytest.UsageError(f"--ato-{setting.name}: {error}") from None
        return value

    return convert


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        return []
