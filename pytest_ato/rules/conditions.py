"""What a condition means: one test of one value, made once from the rule and asked for each event.

Owns the safety of patterns: they are a user's, but the text is the target's. Regular expressions
run in RE2 (google-re2), whose time is linear in the text whatever the pattern says, so there is no
pattern that a target could make run away; it has no back-references and no look-around, and says
so. Globs become regular expressions. Only the first bytes of a long text are looked at.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Final, TypeAlias

from pytest_ato.model.octets import B64, raw
from pytest_ato.rules.rule import Condition, Value

LOOKED_AT: Final = 16 << 10
"""Bytes of a text that a pattern is searched in."""
LONGEST: Final = 1000
"""Characters of a pattern."""
_MEMORY: Final = 8 << 20
"""Bytes that RE2 may use for one pattern; one that needs more is refused."""

Test: TypeAlias = Callable[[object], bool]


def compiled(condition: Condition) -> Test:
    """A test of a field's value; raises ValueError with what is wrong."""
    tests = tuple(_tests(condition))
    if not tests:
        raise ValueError("a condition has at least one of eq, in, glob, regex, cidr, not")

    def holds(value: object) -> bool:
        if isinstance(value, tuple):
            return any(holds(item) for item in value)
        return all(test(value) for test in tests)

    inner = compiled(condition.not_) if condition.not_ is not None else None
    if inner is None:
        return holds
    # "not" is about all items of a list, the other tests are about one of them.
    plain = tests[:-1]
    return lambda value: not inner(value) and (not plain or _any(plain, value))


def _any(tests: tuple[Test, ...], value: object) -> bool:
    items = value if isinstance(value, tuple) else (value,)
    return any(all(test(item) for test in tests) for item in items)


def _tests(condition: Condition) -> Iterable[Test]:
    if condition.eq is not None:
        yield _equal((condition.eq,))
    if condition.in_ is not None:
        if not condition.in_:
            raise ValueError("in: an empty list never holds")
        yield _equal(condition.in_)
    if condition.glob is not None:
        yield _searched([_translated(glob) for glob in _many(condition.glob)])
    if condition.regex is not None:
        yield _searched(_many(condition.regex))
    if condition.cidr is not None:
        yield _within(_many(condition.cidr))
    if condition.not_ is not None:
        yield lambda _: True


def _many(value: str | tuple[str, ...]) -> tuple[str, ...]:
    values = (value,) if isinstance(value, str) else value
    if not values:
        raise ValueError("an empty list never holds")
    for one in values:
        if not one or len(one) > LONGEST:
            raise ValueError(f"a pattern has 1 to {LONGEST} characters")
    return values


def _equal(values: Iterable[Value]) -> Test:
    known = {(isinstance(value, str), value) for value in values}

    def test(value: object) -> bool:
        if isinstance(value, B64 | str):
            return (True, _text(value)) in known
        return isinstance(value, bool | int | float) and (False, value) in known

    return test


def _searched(patterns: Iterable[str]) -> Test:
    import re2

    options = re2.Options()
    options.max_mem = _MEMORY
    options.log_errors = False
    options.dot_nl = True
    options.encoding = re2.Options.Encoding.LATIN1
    found = []
    for pattern in patterns:
        try:
            found.append(re2.compile(pattern.encode(), options))
        except (re2.error, UnicodeError) as error:
            raise ValueError(f"regex: {_reason(error)} (the grammar is RE2's)") from None
    return lambda value: (
        isinstance(value, B64 | str)
        and any(pattern.search(raw(value)[:LOOKED_AT]) is not None for pattern in found)
    )


_SET: Final = re.compile(r"\[(!?)(\]?[^\]]*)\]")


def _translated(glob: str) -> str:
    """A glob as a regular expression of RE2's grammar."""
    parts, at = [r"\A"], 0
    while at < len(glob):
        letter = glob[at]
        inside = _SET.match(glob, at) if letter == "[" else None
        if inside is not None and inside[2]:
            members = inside[2].replace("\\", "\\\\").replace("[", r"\[").replace("]", r"\]")
            parts.append(f"[{'^' if inside[1] else ''}{members}]")
            at = inside.end()
            continue
        parts.append({"*": ".*", "?": "."}.get(letter) or re.escape(letter))
        at += 1
    return "".join(parts) + r"\z"


def _reason(error: Exception) -> str:
    words = error.args[0] if error.args else error
    return words.decode("utf-8", "replace") if isinstance(words, bytes) else str(words)


def _within(networks: Iterable[str]) -> Test:
    known = tuple(ipaddress.ip_network(network) for network in networks)

    @lru_cache(maxsize=4096)
    def test(address: str) -> bool:
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return False
        if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped:
            parsed = parsed.ipv4_mapped
        return any(parsed in network for network in known)

    return lambda value: isinstance(value, str) and test(value)


def _text(value: str | B64) -> str:
    return value if isinstance(value, str) else raw(value).decode("utf-8", "surrogateescape")
