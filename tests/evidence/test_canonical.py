"""Canonical JSON: the standard's own examples, and what it leaves to us."""

from __future__ import annotations

import json

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from pytest_ato.evidence.canonical import EXACT, canonical
from pytest_ato.model.errors import SigningError

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
VALUES = st.recursive(
    st.none() | st.booleans() | TEXT | st.integers(-EXACT, EXACT) | st.floats(-1e15, 1e15),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


def test_the_example_of_the_standard() -> None:
    value = {
        "numbers": [333333333.33333329, 1e30, 4.50, 2e-3, 0.000000000000000000000000001],
        "string": '\u20ac$\u000f\nA\'B"\\\\"/',
        "literals": [None, True, False],
    }
    assert canonical(value) == (
        b'{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
        b'"string":"\xe2\x82\xac$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    )


@given(VALUES)
def test_any_reader_of_json_gets_the_value_back_and_the_same_bytes(value: object) -> None:
    data = canonical(value)  # type: ignore[arg-type]
    assert b"\n" not in data
    assert canonical(json.loads(data)) == data
    assert data == rfc8785.dumps(value)  # type: ignore[arg-type]


def test_integers_beyond_what_json_numbers_hold_are_strings() -> None:
    value = {"at": EXACT, "over": EXACT + 1, "under": -EXACT - 1, "nested": [2**64], "flag": True}
    assert canonical(value) == (
        b'{"at":9007199254740991,"flag":true,"nested":["18446744073709551616"],'
        b'"over":"9007199254740992","under":"-9007199254740992"}'
    )


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "\ud800", {"\udfff": 1}])
def test_what_json_cannot_say_is_one_clear_error(value: object) -> None:
    with pytest.raises(SigningError, match="canonical JSON"):
        canonical(value)  # type: ignore[arg-type]
