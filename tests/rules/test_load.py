"""Rule files are decoded strictly: what is wrong is told in one line, with its place."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ato.model.errors import AtoError, PolicyError, UsageError
from pytest_ato.model.policy import Source
from pytest_ato.rules.load import detectors, load


def test_a_good_file(write, rule) -> None:
    [loaded] = load(write(rule))
    assert loaded.name == "acme_copy"
    [detector] = detectors([write(rule)])
    assert detector.definition.rule == "ACME-EXF-001"


def test_a_detector_names_its_file_by_digest(write, rule) -> None:
    [detector] = detectors([write(rule)])
    digest = hashlib.sha256(rule.encode()).hexdigest()
    assert detector.definition.source == Source(name="rules.yaml", sha256=digest)
    assert detector.definition.version == f"sha256:{digest[:16]}"


@pytest.mark.parametrize("change", [("\n", "\r\n"), ("rules:", "\ufeffrules:")])
def test_line_ends_and_byte_order_marks_do_no_harm(write, rule, change) -> None:
    assert len(load(write(rule.replace(*change)))) == 1


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("event: exec", "event: excec", "there are bind, chmod"),
        ("event: exec", "evnt: exec", "evnt"),
        ("severity: high", "severity: awful", "severity"),
        ("category: exfil", "category: other", "category"),
        ("id: ACME-EXF-001", "id: acme", "id is like"),
        ("name: acme_copy", "name: Acme Copy", "name is like"),
        ('path: {glob: "*/rclone"}', 'pth: {glob: "*/rclone"}', "where.pth"),
        ('path: {glob: "*/rclone"}', "path: {}", "at least one of"),
        ('path: {glob: "*/rclone"}', "path: {regx: x}", "regx"),
        ('path: {glob: "*/rclone"}', 'path: {regex: "("}', "RE2"),
        ('path: {glob: "*/rclone"}', 'path: {regex: "(a)\\\\1"}', "RE2"),
        ('path: {glob: "*/rclone"}', "path: {in: []}", "never holds"),
        ('path: {glob: "*/rclone"}', "path: {cidr: 203.0.113.9/24}", "host bits"),
        ('      path: {glob: "*/rclone"}', "      {}", "without conditions"),
        ("argv: [rclone]", "argv: rclone", "positive[0]"),
        ("argv: [rclone]", "args: [rclone]", "no such field: args"),
        ("argv: [cp]}", "argv: [cp]}\n    extra: 1", "extra"),
        ("title: A copying tool is started", "title: 7", "title"),
        ("rules:", "rule:", "rule"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(write, rule, old: str, new: str, words: str) -> None:
    assert old in rule
    with pytest.raises(PolicyError) as error:
        load(write(rule.replace(old, new)))
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_a_rule_without_examples_is_refused(write, rule) -> None:
    for key in ("positive", "negative"):
        lines = rule.splitlines()
        at = lines.index(f"    {key}:")
        lines[at : at + 2] = [f"    {key}: []"]
        with pytest.raises(PolicyError, match=key):
            load(write("\n".join(lines)))


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"[]", b"a: &a [*a]", b"{", b"rules: []"])
def test_what_is_no_rule_file(write, content: bytes) -> None:
    with pytest.raises(PolicyError):
        load(write(content))


def test_a_file_that_is_not_there(tmp_path) -> None:
    with pytest.raises(UsageError):
        load(tmp_path / "none.yaml")


@given(st.binary(max_size=200))
@settings(max_examples=50)
def test_any_bytes_give_rules_or_one_line(tmp_path_factory, data: bytes) -> None:
    path = tmp_path_factory.mktemp("rules") / "rules.yaml"
    path.write_bytes(data)
    with pytest.raises(AtoError) as error:
        load(path)
    assert "\n" not in str(error.value)
