"""Reading rule files: every key known, every field one that the event has, examples that decode.

Owns what is refused, with its place in the file. Reads the file and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec

from pytest_ato.detectors.interface import Detector
from pytest_ato.model.errors import PolicyError
from pytest_ato.model.events import AnyEvent
from pytest_ato.model.octets import show
from pytest_ato.model.policy import Source
from pytest_ato.model.record import Event, TaskEvent
from pytest_ato.policy import source
from pytest_ato.rules.detector import detector
from pytest_ato.rules.rule import EVENTS, Rule, RuleFile
from pytest_ato.target.files import printable

MOST: Final = 1000
"""Rules of one file."""
_HIDDEN: Final = frozenset({"ts", "tid"})
"""Fields that are nothing to decide by."""
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{2,59}")
_ID: Final = re.compile(r"[A-Z][A-Z0-9]*(?:-[A-Z0-9]+)+")


def load(path: Path) -> tuple[Rule, ...]:
    """Read one file; raises `UsageError` where there is none, `PolicyError` for what is in it."""
    return _read(path)[0]


def _read(path: Path) -> tuple[tuple[Rule, ...], Source]:
    data, origin = source.read(path, "rule file", "a rule file has the key rules")
    name = printable(path)
    try:
        rules = msgspec.convert(data, RuleFile).rules
    except msgspec.ValidationError as error:
        raise PolicyError(f"{name}: {show(str(error), 300)}") from None
    if not rules or len(rules) > MOST:
        raise PolicyError(f"{name}: rules: a file has 1 to {MOST} rules")
    for number, rule in enumerate(rules):
        wrong = _wrong(rule)
        if wrong:
            raise PolicyError(f"{name}: rules[{number}] ({show(rule.id, 60)}): {wrong}")
    return rules, origin


def detectors(paths: Iterable[Path]) -> tuple[type[Detector], ...]:
    """The detectors that the rules of all files describe; raises as `load` does."""
    read = map(_read, paths)
    return tuple(detector(rule, origin) for rules, origin in read for rule in rules)


def example(rule: Rule, fields: dict[str, object]) -> Event:
    """An inline example as the event that it stands for; raises `msgspec.ValidationError`."""
    known: dict[str, object] = {"ts": 1, **fields, "kind": rule.event}
    if issubclass(EVENTS[rule.event], TaskEvent):
        known.setdefault("pid", 100)
    event: AnyEvent = msgspec.convert(known, AnyEvent)
    return event


def _wrong(rule: Rule) -> str:
    """What is wrong with a rule that has all its keys, or nothing."""
    if not _ID.fullmatch(rule.id):
        return "id: an id is like ACME-EXF-001"
    if not _NAME.fullmatch(rule.name):
        return "name: a name is like acme_backup"
    if rule.event not in EVENTS:
        return f"event: {show(rule.event, 40)} is none; there are {', '.join(sorted(EVENTS))}"
    if not rule.where:
        return "where: a rule without conditions would fire on everything"
    known = set(EVENTS[rule.event].__struct_fields__) - _HIDDEN
    for field in (*rule.where, *([rule.about] if rule.about else [])):
        if field not in known:
            fields = ", ".join(sorted(known))
            return f"where.{show(field, 40)}: an event of this kind has {fields}"
    try:
        detector(rule)
    except ValueError as error:
        return show(str(error), 300)
    return _wrong_example(rule)


def _wrong_example(rule: Rule) -> str:
    for key, examples in (("positive", rule.positive), ("negative", rule.negative)):
        if not examples:
            return f"{key}: a rule has at least one example of each, or nobody knows what it does"
        for number, fields in enumerate(examples):
            unknown = set(fields) - set(EVENTS[rule.event].__struct_fields__)
            if unknown:
                return f"{key}[{number}]: no such field: {show(min(unknown), 40)}"
            try:
                example(rule, fields)
            except (msgspec.ValidationError, TypeError) as error:
                return f"{key}[{number}]: {show(str(error), 200)}"
    return ""
