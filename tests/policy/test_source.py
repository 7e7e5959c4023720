"""What is refused before anybody looks at what a policy says."""

from __future__ import annotations

import hashlib
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ato.model.errors import AtoError, PolicyError, UsageError
from pytest_ato.policy import source


@pytest.fixture
def read(tmp_path):
    def run(content, name="policy.yaml"):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return source.read(path)[0]

    return run


@pytest.mark.parametrize("text", ["allow: [a]", "\ufeffallow: [a]\n", "allow:\r\n  - a\r\n"])
def test_marks_and_line_ends_of_other_systems_are_no_content(read, text):
    assert read(text) == {"allow": ["a"]}


def test_yaml_is_what_json_knows_and_no_more(read):
    content = "a: [NO, yes, 22:80, 010, 0x10, 2027-01-31, 1_000, =, .inf]\nb: [true, 5, 1.5, x]\n"
    assert read(content) == {
        "a": ["NO", "yes", "22:80", "010", "0x10", "2027-01-31", "1_000", "=", ".inf"],
        "b": [True, 5, 1.5, "x"],
    }


def test_toml_goes_by_the_name(read):
    assert read("allow = ['a']", "policy.toml") == {"allow": ["a"]}


def test_the_digest_is_of_the_file(tmp_path):
    (tmp_path / "p.yaml").write_bytes(b"allow: [a]\r\n")
    _, origin = source.read(tmp_path / "p.yaml")
    assert origin.name == "p.yaml"
    assert origin.sha256 == hashlib.sha256(b"allow: [a]\r\n").hexdigest()


BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "is empty"),
        (" \n\n", "is empty"),
        ("# nothing\n", "is empty"),
        (b"allow:\n - a\n - \xff\n", "line 3 is not UTF-8"),
        ("a: [1\nb: }\n", "line 2: not YAML"),
        ("a:\n\t- x\n", "line 2: not YAML"),
        ("a: \0\n", "is not YAML"),
        ("a: 1\n---\nb: 2\n", "line 2: not YAML"),
        ("allow: [a]\nallow: [b]\n", "line 2: not YAML: allow is there twice"),
        ("1: x\n", "line 1: not YAML: a key is text"),
        ("? [a]\n: x\n", "line 1: not YAML: a key is text"),
        ("a: !!python/object/apply:os.system [id]\n", "line 1: not YAML"),
        ("a: !!set {x}\n", "a: a policy has no values of this kind (set)"),
        ("a: {b: [x, !!binary aGk=]}\n", "a.b[1]: a policy has no values of this kind (bytes)"),
        ("a: " + "9" * 5000, "is not YAML"),
        ("a:\n  b:\n", "a.b: there is nothing"),
        ("a: [x, null]\n", "a[1]: there is nothing"),
        ("a: &a\n  b: [x, *a]\n", "a.b[1]: an alias that contains itself"),
        ("a: &a [*a]\n", "a[0]: an alias that contains itself"),
        (BOMB, "values in all"),
        ("[" * 100_000, "line 1: "),
        ("\n".join(" " * depth + "-" for depth in range(60)), "nested more than 16 deep"),
        ("a: x\n" + "# long\n" * 200_000, "larger than 1 MiB"),
    ],
)
def test_what_is_no_policy_is_refused_in_one_line(read, content, words):
    with pytest.raises(PolicyError) as caught:
        read(content)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize("content", ["a = [[[[1", "a=" + "[" * 100_000, "a = 1\na = 2", "\0"])
def test_what_is_no_toml_is_refused_in_one_line(read, content):
    with pytest.raises(PolicyError, match="is not TOML") as caught:
        read(content, "policy.toml")
    assert "\n" not in str(caught.value)


def test_what_is_no_file_is_a_wrong_call(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for name in ("absent", "pipe", "."):
        with pytest.raises(UsageError, match="policy"):
            source.read(tmp_path / name)


@settings(max_examples=60, derandomize=True)
@given(st.binary(max_size=400) | st.text(alphabet="ab:-[]{}&*!#'\"\n ,?|>%@\t~", max_size=80))
@pytest.mark.parametrize("suffix", [".yaml", ".toml"])
def test_no_content_breaks_the_reader(tmp_path_factory, suffix, content):
    path = tmp_path_factory.getbasetemp() / f"hostile{suffix}"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    message = ""
    try:
        source.read(path)
    except AtoError as error:
        message = str(error)
    assert "\n" not in message
