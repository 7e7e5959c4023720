"""From the data of a policy file to a `Policy`: every key known, every value of its type.

Owns the wording of a wrong type: ``FILE: declared.domains[3]: ...``, with the path of the value in
the file. What values of the right type may say is in `checks`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from pytest_ato.detectors.interface import Definition
from pytest_ato.model.errors import PolicyError
from pytest_ato.model.octets import show
from pytest_ato.model.policy import Asn, Declared, Denied, Geo, Policy, Source, Terms, Waiver
from pytest_ato.policy import checks, source
from pytest_ato.policy.checks import Wrong
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


def load(path: Path) -> Terms:
    """Read a policy file; raises `UsageError` or `PolicyError`, in one line.

    Names of detectors are checked by `check_names`, once all detectors are known.
    """
    return _terms(source.read(path), path)


def loads(text: str, path: Path = Path("policy.yaml")) -> Terms:
    """Read the text of a policy as `load` does."""
    return _terms(source.parse(text.encode(), path), path)


def _terms(found: tuple[source.Data, Source], path: Path) -> Terms:
    data, origin = found
    try:
        policy = _policy(data)
    except Wrong as wrong:
        raise PolicyError(f"{printable(path)}: {wrong}") from None
    return Terms(policy=policy, policy_source=origin)


def check_names(terms: Terms, definitions: Iterable[Definition]) -> None:
    """Refuse a detector, category or threshold that nobody has; raises `PolicyError`."""
    thresholds = {definition.name: definition.thresholds for definition in definitions}
    try:
        checks.check_names(terms.policy, thresholds)
    except Wrong as wrong:
        name = terms.policy_source.name if terms.policy_source else "policy"
        raise PolicyError(f"{show(name)}: {wrong}") from None


def _policy(data: object) -> Policy:
    if not isinstance(data, dict):
        raise Wrong("", f"a policy is a mapping; its keys are {_keys('')}")
    # A decoder's message leaves out keys that are the user's own, so these go first, one by one.
    for detector, numbers in _items(data, "thresholds"):
        for name, number in _convert(numbers, dict, f"thresholds.{detector}").items():
            _convert(number, float, f"thresholds.{detector}.{name}")
    for family, services in _items(data.get("declared"), "credentials"):
        _convert(services, tuple[str, ...], f"declared.credentials.{family}")
    policy = _convert(data, Policy)
    checks.check(policy)
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
        raise Wrong(_joined(where, unknown[1]), f"no such key; there are {_keys(where)}")
    if missing := _MISSING.fullmatch(text):
        raise Wrong(where, f"the key {missing[1]} is missing")
    words = next((say for start, say in _BETTER.items() if text.startswith(start)), None)
    words = words or _TYPES.sub(_kinds, text)
    raise Wrong(where, words[:1].lower() + words[1:])


def _kinds(types: re.Match[str]) -> str:
    """The decoder's ```array | null``` as "a list": that a key may be absent is no type."""
    names = [name for name in types[1].split(" | ") if name != "null"]
    return " or ".join(_KINDS.get(name, name) for name in names) or _KINDS["null"]


def _joined(path: str, key: str) -> str:
    return f"{path}.{key}" if path and key else path or key


def _keys(path: str) -> str:
    part = _PARTS[path.split("[", 1)[0]]
    return ", ".join(field.encode_name for field in msgspec.structs.fields(part))
