"""What values of a policy may say: well-formed patterns, none for everything, names that exist.

Owns the path of each value in the file. What a pattern means is in `model.patterns`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Final, NoReturn, TypeVar

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
from pytest_ato.model.policy import Policy, Waiver

_T = TypeVar("_T")
PATTERNS: Final[dict[str, Callable[[str], object]]] = {
    "domains": check_domain,
    "cidrs": network,
    "ports": ports,
    "files": check_path,
    "children": check_child,
}
"""By the last key of its path: what checks an entry."""
_CATEGORIES: Final = frozenset(category.value for category in Category)


class Wrong(Exception):
    """What is wrong in a policy, and where in it."""

    def __init__(self, path: str, problem: str) -> None:
        where = f"{show(path, 200)}: " if path else ""
        super().__init__(where + show(problem, 600))


def check(policy: Policy) -> None:
    """Refuse patterns that are malformed or stand for everything; raises `Wrong`."""
    for name, part in (("declared", policy.declared), ("deny", policy.deny)):
        for key, check in PATTERNS.items():
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
                raise Wrong(f"thresholds.{detector}.{name}", f"{number} is no threshold")
    for number, waiver in enumerate(policy.waivers):
        _check_waiver(waiver, f"waivers[{number}]")


def _each(entries: Iterable[_T], check: Callable[[_T], object], path: str) -> None:
    for number, entry in enumerate(entries):
        _one(entry, check, f"{path}[{number}]")


def _one(entry: _T, check: Callable[[_T], object], path: str) -> None:
    try:
        check(entry)
    except ValueError as error:
        raise Wrong(path, str(error)) from None


def _check_waiver(waiver: Waiver, path: str) -> None:
    if (waiver.finding is None) == (waiver.detector is None):
        raise Wrong(path, "give the key of a finding, or a detector with a scope, and not both")
    if waiver.finding is not None and waiver.scope is not None:
        raise Wrong(f"{path}.scope", "a finding's key says already what it is about")
    if waiver.detector is not None:
        if waiver.scope is None:
            problem = "scope is missing: the domain, address, network or path that is meant"
            raise Wrong(path, problem)
        _one(waiver.scope, check_scope, f"{path}.scope")
    for key in ("reason", "owner"):
        if not getattr(waiver, key).strip():
            raise Wrong(f"{path}.{key}", "is empty; say it, somebody will ask")


def check_names(policy: Policy, thresholds: Mapping[str, Mapping[str, float]]) -> None:
    """Refuse names that no category and no detector has, given the `thresholds` of each detector;
    raises `Wrong`."""
    for detector, numbers in policy.thresholds.items():
        if detector not in thresholds:
            _unknown(f"thresholds.{detector}", detector, thresholds)
        known = thresholds[detector]
        for name in numbers:
            if name not in known:
                there = ", ".join(sorted(known)) or "none"
                problem = f"{detector} has no such threshold; there are: {there}"
                raise Wrong(f"thresholds.{detector}.{name}", problem)
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
                raise Wrong(f"{path}.finding", problem)


def _unknown(path: str, name: str, detectors: Iterable[str]) -> NoReturn:
    known = ", ".join(sorted({*detectors, *Category}))
    raise Wrong(path, f"no detector or category is named {show(name, 60)!r}; known are: {known}")
