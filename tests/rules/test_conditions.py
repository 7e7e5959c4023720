"""Conditions: each operator, over text, bytes, numbers and lists; and no pattern runs away."""

from __future__ import annotations

import time

import msgspec
import pytest

from pytest_ato.model.octets import B64
from pytest_ato.rules.conditions import compiled
from pytest_ato.rules.rule import Condition


def holds(condition: object, value: object) -> bool:
    return compiled(msgspec.convert(condition, Condition))(value)


@pytest.mark.parametrize(
    ("condition", "value", "expected"),
    [
        ({"eq": "a"}, "a", True),
        ({"eq": "a"}, "ab", False),
        ({"eq": 22}, 22, True),
        ({"eq": 1}, "1", False),
        ({"eq": True}, True, True),
        ({"in": ["a", 3]}, 3, True),
        ({"in": ["a", 3]}, "b", False),
        ({"glob": "/etc/*"}, "/etc/a/b", True),
        ({"glob": "/etc/?"}, "/etc/ab", False),
        ({"glob": ["*.so", "*.so.*"]}, "/usr/lib/libx.so.1", True),
        ({"glob": "[a-c]x"}, "bx", True),
        ({"glob": "*a.b"}, "a\nxab", False),
        ({"regex": "b.d"}, "abcde", True),
        ({"regex": "^b"}, "abcde", False),
        ({"regex": ["x", "(?i)B"]}, "abc", True),
        ({"regex": r"\xff"}, B64(b"a\xffb"), True),
        ({"cidr": "203.0.113.0/24"}, "203.0.113.9", True),
        ({"cidr": "203.0.113.0/24"}, "::ffff:203.0.113.9", True),
        ({"cidr": "203.0.113.0/24"}, "203.0.114.9", False),
        ({"cidr": ["2001:db8::/32"]}, "2001:db8::1", True),
        ({"cidr": "0.0.0.0/0"}, "no address", False),
        ({"glob": "a*", "not": {"eq": "ab"}}, "ac", True),
        ({"glob": "a*", "not": {"eq": "ab"}}, "ab", False),
        ({"not": {"cidr": "203.0.113.0/24"}}, "198.51.100.1", True),
        ({"eq": "copy"}, ("rclone", "copy"), True),
        ({"eq": "copy"}, ("rclone",), False),
        ({"not": {"eq": "copy"}}, ("rclone", "copy"), False),
        ({"regex": "x"}, None, False),
        ({"eq": "x"}, None, False),
    ],
)
def test_operators(condition: object, value: object, expected: bool) -> None:
    assert holds(condition, value) is expected


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|aa)+$", "(.*a){20}", "(a*)*b", "a*a*a*a*a*c"])
def test_no_pattern_runs_away(pattern: str) -> None:
    test = compiled(Condition(regex=pattern))
    began = time.process_time()
    for _ in range(20):
        test("a" * 10_000 + "!")
    assert time.process_time() - began < 5
