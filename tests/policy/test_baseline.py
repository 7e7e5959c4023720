"""Baseline files: sorted, replaced whole, and read with suspicion."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ato.model.baseline import Baseline, Recorded
from pytest_ato.model.errors import AtoError, PolicyError, UsageError
from pytest_ato.model.policy import Terms
from pytest_ato.policy import baseline


def record(**facts):
    return Recorded(sha256="00", facts=facts)


def test_a_file_has_an_item_a_line_sorted(tmp_path):
    content = Baseline(targets={"b": record(domains=("a", "b")), "a": record(files=("~/ü",))})
    path = tmp_path / "b.json"
    path.write_bytes(baseline.encode(content))
    assert baseline.load(path)[0] == content
    lines = path.read_text().splitlines()
    assert lines[3] == '    "a": {'
    assert '          "~/ü"' in lines
    assert path.read_text().endswith("}\n")


def test_a_difference_is_new_and_gone():
    found = baseline.compare(record(domains=("a", "b")), record(domains=("b", "c"), files=("x",)))
    assert found.new == (("domains", "c"), ("files", "x"))
    assert found.gone == (("domains", "a"),)
    assert not baseline.compare(record(domains=("a",)), record(domains=("a",)))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{}",
        b'{"targets": {"a": {}}}',
        b'{"targets": {"a": {"facts": {"domains": [5]}}}}',
        b'{"targets": {"a": {"facts": {"colours": ["x"]}}}}',
        b'{"targets": {}, "format": 99}',
        b'{"targets": {}, "more": 1}',
        b"\xff",
        b"[" * 100_000,
    ],
)
def test_what_is_no_baseline_is_refused_in_one_line(tmp_path, content):
    (tmp_path / "b.json").write_bytes(content)
    with pytest.raises(PolicyError) as caught:
        baseline.load(tmp_path / "b.json")
    assert "\n" not in str(caught.value)


def test_terms_take_a_baseline_only_to_compare_with(tmp_path):
    path = tmp_path / "b.json"
    with pytest.raises(UsageError, match="does not exist; make it"):
        baseline.under(Terms(), path, update=False)
    with pytest.raises(UsageError, match="give the option baseline"):
        baseline.under(Terms(), None, update=True)
    assert baseline.under(Terms(), path, update=True).baseline is None
    path.write_bytes(baseline.encode(Baseline(targets={"a": record()})))
    found = baseline.under(Terms(), path, update=False)
    assert found.baseline is not None
    assert found.baseline_source is not None
    assert baseline.under(Terms(), path, update=True).baseline is None
    path.write_bytes(b"[]")
    with pytest.raises(PolicyError):
        baseline.under(Terms(), path, update=True)


@settings(max_examples=60, derandomize=True)
@given(st.binary(max_size=200) | st.recursive(st.integers() | st.text(max_size=5), st.lists))
def test_no_content_breaks_the_reader(tmp_path_factory, content):
    path: Path = tmp_path_factory.getbasetemp() / "hostile.json"
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    message = ""
    try:
        baseline.load(path)
    except AtoError as error:
        message = str(error)
    assert "\n" not in message
