"""From the data of a policy file to a `Policy`: every key known, every value of its type.

Owns the wording of what is wrong: ``FILE: declared.domains[3]: ...``, with the path of the value in
the file. Which patterns there are is in `model.patterns`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final, NoReturn, TypeVar

import msgspec

from pytest_ato.detectors.interface import Definition
from pytest_ato.model.errors import PolicyError
from pytest_ato.model.findings import Category
from pytest_ato.model.octets import show
from pytest_ato.model.patterns import (
    check_child,
    check_domain,
    check_path,
    check_scope,
    country,
    network,
    ports,
    system,
)
from pytest_ato.model.policy import Asn, Declared, Denied, Geo, Policy, Terms, Waiver
from pytest_ato.policy import source
from pytest_ato.target.files import printable

_T = TypeVar("_T")
_AT: Final = re.compile(r" - at `(?:key in )?\$\.?(.*)`$", re.DOTALL)
_UNKNOWN: Final = re.compile(r"Object contains unknown field `(.*)`", re.DOTALL)
_TYPES: Final = re.compile(r"`([a-z]+(?: \| [a-z]+)*)`")
_BETTER: Final = {
    "Invalid enum value": "expected reject, review or conditions",
    "Invalid RFC3339": "expected a day such as 2027-01-31",
}
"""In place of the decoder's own words, by how these begin."""
_MISSING: Final = re.compile(r"Object missing required field `(.*)`")
_KINDS: Final = {
    "array": "a list",
    "object": "a mapping",
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "null": "nothing",
}
_PARTS: Final[dict[str, type[msgspec.Struct]]] = {
    "": Policy,
    "declared": Declared,
    "deny": Denied,
    "geo": Geo,
    "asn": Asn,
    "waivers": Waiver,
}
_DESTINATIONS: Final[dict[str, Callable[[str], object]]] = {
    "domains": check_domain,
    "cidrs": network,
    "ports": ports,
    "files": check_path,
    "children": check_child,
}
"""By the last key of its path: what checks an entry."""

_CATEGORIES: Final = frozenset(category.value for category in Category)


def load(path: Path) -> Terms:
    """Read a policy file; raises `UsageError` or `PolicyError`, in one line.

    Names of detectors are checked by `check_names`, once all detectors are known.
    """
    data, origin = source.read(path)
    try:
        policy = _policy(data)
    except _Wrong as wrong:
        raise PolicyError(f"{printable(path)}: {wrong}") from None
    return Terms(policy=policy, policy_source=origin)


def check_names(terms: Terms, definitions: Iterable[Definition]) -> None:
    """Refuse a detector, category or threshold that nobody has; raises `PolicyError`."""
    thresholds = {definition.name: definition.thresholds for definition in definitions}
    try:
        _check_names(terms.policy, thresholds)
    except _Wrong as wrong:
        name = terms.policy_source.name if terms.policy_source else "policy"
        raise PolicyError(f"{show(name)}: {wrong}") from None


class _Wrong(Exception):
    """What is wrong in a policy, and where in it."""

    def __init__(self, path: str, problem: str) -> None:
        where = f"{show(path, 200)}: " if path else ""
        super().__init__(where + show(problem, 600))


# --- types ---------------------------------------------------------------------------------------


def _policy(data: object) -> Policy:
    if not isinstance(data, dict):
        raise _Wrong("", f"a policy is a mapping; its keys are {_keys('')}")
    # A decoder's message leaves out keys that are the user's own, so these go first, one by one.
    for detector, numbers in _items(data, "thresholds"):
        for name, number in _convert(numbers, dict, f"thresholds.{detector}").items():
            _convert(number, float, f"thresholds.{detector}.{name}")
    for family, services in _items(data.get("declared"), "credentials"):
        _convert(services, tuple[str, ...], f"declared.credentials.{family}")
    policy = _convert(data, Policy)
    _check(policy)
    return policy


def _items(data: object, key: str) -> Iterable[tuple[str, object]]:
    found = data.get(key) if isinstance(data, dict) else None
    return found.items() if isinstance(found, dict) else ()


def _convert(data: object, kind: type[_T], path: str = "") -> _T:
    try:
        return msgspec.convert(data, kind)
    except msgspec.ValidationError as error:
        message = str(error)
    at = _AT.search(message)
    inner = at[1] if at else ""
    where = path + inner if inner.startswith("[") else _joined(path, inner)
    text = message[: at.start()] if at else message
    if unknown := _UNKNOWN.fullmatch(text):
        raise _Wrong(_joined(where, unknown[1]), f"no such key; there are {_keys(where)}")
    if missing := _MISSING.fullmatch(text):
        raise _Wrong(where, f"the key {missing[1]} is missing")
    words = next((say for start, say in _BETTER.items() if text.startswith(start)), None)
    words = words or _TYPES.sub(_kinds, text)
    raise _Wrong(where, words[:1].lower() + words[1:])


def _kinds(types: re.Match[str]) -> str:
    """The decoder's ```array | null``` as "a list": that a key may be absent is no type."""
    names = [name for name in types[1].split(" | ") if name != "null"]
    return " or ".join(_KINDS.get(name, name) for name in names) or _KINDS["null"]


def _joined(path: str, key: str) -> str:
    return f"{path}.{key}" if path and key else path or key


def _keys(path: str) -> str:
    part = _PARTS[path.split("[", 1)[0]]
    return ", ".join(field.encode_name for field in msgspec.structs.fields(part))


# --- meaning -------------------------------------------------------------------------------------


def _check(policy: Policy) -> None:
    for name, part in (("declared", policy.declared), ("deny", policy.deny)):
        for key, check in _DESTINATIONS.items():
            _each(getattr(part, key, None) or (), check, f"{name}.{key}")
    if policy.declared is not None:
        for family, services in policy.declared.credentials.items():
            _each(services, check_domain, f"declared.credentials.{family}")
    if policy.geo is not None:
        _each(policy.geo.allow or (), country, "geo.allow")
        _each(policy.geo.deny, country, "geo.deny")
    if policy.asn is not None:
        _each(policy.asn.deny, system, "asn.deny")
    for detector, numbers in policy.thresholds.items():
        for name, number in numbers.items():
            if not math.isfinite(number):
                raise _Wrong(f"thresholds.{detector}.{name}", f"{number} is no threshold")
    for number, waiver in enumerate(policy.waivers):
        _check_waiver(waiver, f"waivers[{number}]")


def _each(entries: Iterable[_T], check: Callable[[_T], object], path: str) -> None:
    for number, entry in enumerate(entries):
        try:
            check(entry)
        except ValueError as error:
            raise _Wrong(f"{path}[{number}]", str(error)) from None


def _check_waiver(waiver: Waiver, path: str) -> None:
    if (waiver.finding is None) == (waiver.detector is None):
        raise _Wrong(path, "give the key of a finding, or a detector with a scope, and not both")
    if waiver.finding is not None and waiver.scope is not None:
        raise _Wrong(f"{path}.scope", "a finding's key says already what it is about")
    if waiver.detector is not None:
        if waiver.scope is None:
            problem = "scope is missing: the domain, address, network or path that is meant"
            raise _Wrong(path, problem)
        _each([waiver.scope], check_scope, f"{path}.scope")
    for key in ("reason", "owner"):
        if not getattr(waiver, key).strip():
            raise _Wrong(f"{path}.{key}", "is empty; say it, somebody will ask")


# --- names of detectors --------------------------------------------------------------------------


def _check_names(policy: Policy, thresholds: Mapping[str, Mapping[str, float]]) -> None:
    for detector, numbers in policy.thresholds.items():
        if detector not in thresholds:
            _unknown(f"thresholds.{detector}", detector, thresholds)
        known = thresholds[detector]
        for name in numbers:
            if name not in known:
                there = ", ".join(sorted(known)) or "none"
                problem = f"{detector} has no such threshold; there are: {there}"
                raise _Wrong(f"thresholds.{detector}.{name}", problem)
    for number, name in enumerate(policy.allow):
        if name not in _CATEGORIES and name.split(":", 1)[0] not in thresholds:
            _unknown(f"allow[{number}]", name, thresholds)
    for number, waiver in enumerate(policy.waivers):
        path = f"waivers[{number}]"
        if waiver.detector is not None:
            if waiver.detector not in _CATEGORIES and waiver.detector not in thresholds:
                _unknown(f"{path}.detector", waiver.detector, thresholds)
        elif waiver.finding is not None:
            detector, colon, _ = waiver.finding.partition(":")
            if not colon or detector not in thresholds:
                problem = "expected a finding's key, as report.json has it: DETECTOR:..."
                raise _Wrong(f"{path}.finding", problem)


def _unknown(path: str, name: str, detectors: Iterable[str]) -> NoReturn:
    known = ", ".join(sorted({*detectors, *Category}))
    raise _Wrong(path, f"no detector or category is named {show(name, 60)!r}; known are: {known}")
