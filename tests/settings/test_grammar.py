"""The grammar: what is taken, what is refused, and that a refusal says what would be right."""

from __future__ import annotations

import contextlib
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ato.model.errors import UsageError
from pytest_ato.model.spec import Limits
from pytest_ato.settings import grammar
from pytest_ato.settings.grammar import Include
from pytest_ato.settings.table import TABLE


def test_values_that_are_taken():
    assert grammar.arguments("""-v 'two words' "" a\\ b""") == ("-v", "two words", "", "a b")
    assert grammar.variable("A=b=c") == ("A", "b=c")
    assert grammar.variable("A=") == ("A", "")
    assert grammar.include("a/b") == Include("a/b")
    assert grammar.include("a:/b") == Include("a", "/b")
    assert grammar.include("a:b") == Include("a:b")
    assert grammar.include("a:/b:/c") == Include("a:/b", "/c")
    assert grammar.timeout("0.5") == 0.5
    assert grammar.exit_status("255") == 255
    assert grammar.limit("memory=4G") == ("memory", 4 << 30)
    assert grammar.limit("tasks=none") == ("tasks", None)


@pytest.mark.parametrize("value", ["0", "-1", "nan", "inf", "1e9", "", "ten", "10s"])
def test_timeouts_that_are_refused(value):
    with pytest.raises(UsageError, match="expected SECONDS"):
        grammar.timeout(value)


@pytest.mark.parametrize(
    "value",
    ["", "memory", "memory=", "memory=0", "memory=-1", "disk=none", "output=none", "tasks=4G",
     "cpu=1", "memory=1KB", "memory=1.5G", "memory=٣"],
)  # fmt: skip
def test_limits_that_are_refused(value):
    with pytest.raises(UsageError, match="memory=4G"):
        grammar.limit(value)


def test_of_one_limit_the_last_counts_and_the_rest_stay():
    default = Limits()
    got = grammar.limits(["memory=1M", "memory=none", "output=2K"])
    assert got == Limits(memory=None, output=2048)
    assert (got.tasks, got.disk) == (default.tasks, default.disk)


@pytest.mark.parametrize("value", ["", "=x", "A", "A=\0", "A=\udcff"])
def test_variables_that_are_refused(value):
    with pytest.raises(UsageError):
        grammar.variable(value)


@pytest.mark.parametrize("value", ["256", "-1", "1.0", "", "²", "0x1"])
def test_exit_statuses_that_are_refused(value):
    with pytest.raises(UsageError, match="from 0 to 255"):
        grammar.exit_status(value)


def test_what_execve_would_not_take_is_refused():
    longest = 128 * 1024 - 1
    grammar.executable_arguments([b"x" * longest], [])
    with pytest.raises(UsageError, match="131,072 bytes, the kernel takes at most 131,071"):
        grammar.executable_arguments([b"x" * (longest + 1)], [])
    with pytest.raises(UsageError, match="131,071"):
        grammar.executable_arguments([], [(b"A", b"x" * longest)])
    with pytest.raises(UsageError, match="together"):
        grammar.executable_arguments([b"x" * longest] * 17, [])
    with pytest.raises(UsageError, match="NUL"):
        grammar.executable_arguments([b"a\0b"], [])


@given(st.text(max_size=60))
def test_any_text_is_taken_or_refused_with_one_line(value):
    for setting in TABLE:
        told = ""
        try:
            setting.parse(value)
        except UsageError as error:
            told = str(error)
        assert told.isprintable()


@given(st.floats())
def test_a_timeout_that_is_taken_is_usable(value):
    with contextlib.suppress(UsageError):
        assert 0 < grammar.timeout(str(value)) < math.inf


def test_names_of_the_table_are_unique_and_its_defaults_are_valid():
    assert len({setting.dest for setting in TABLE}) == len(TABLE)
    for setting in TABLE:
        if setting.default:
            setting.parse(setting.default)
