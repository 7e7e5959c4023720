"""Which open is a honeytoken's, and values masked in what is shown."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ato.detectors.tokens import Tokens
from pytest_ato.model import events as ev


@pytest.fixture
def tokens(log):
    tokens = Tokens()
    for event in log.events:
        tokens.update(event)
    return tokens


def _open(path, dev=0, inode=0):
    return ev.Open(ts=0, pid=1, call="open", path=path, file=path, dev=dev, inode=inode)


def test_the_planted_inode_decides(tokens, log):
    inode = log.inodes[".netrc"]
    assert tokens.carrier(_open("/anywhere", 77, inode)).name == "netrc"
    assert tokens.carrier(_open("/home/user/.netrc", 77, 4242)) is None
    assert tokens.carrier(_open("/home/user/.netrc", 78, inode)) is None


@pytest.mark.parametrize("home", ["/home/user", "/root"])
def test_the_path_decides_without_an_inode(tokens, home):
    assert tokens.carrier(_open(f"{home}/.netrc")).name == "netrc"
    assert tokens.carrier(_open(f"{home}/sub/.netrc")) is None
    assert tokens.carrier(_open(f"/opt{home}/.netrc")) is None


def test_paths_count_when_nothing_was_planted_there(log):
    tokens = Tokens()
    for event in log.events:
        if not isinstance(event, ev.Planted):
            tokens.update(event)
    assert tokens.carrier(_open("/root/.netrc", 77, 4242)).name == "netrc"


def test_folders_lead_to_planted_files(tokens):
    assert tokens.folders["/root"] == tokens.folders["/home/user"] == ""
    assert tokens.folders["/home/user/.aws"] == ".aws"
    assert "/home" not in tokens.folders


def test_variables_are_no_files(tokens):
    variable = ev.Honeytoken(
        ts=0, name="github", family="github", variable="GITHUB_TOKEN", markers={"g": "x" * 40}
    )
    tokens.update(variable)
    assert "github" in tokens.carriers
    assert variable not in tokens.files


def test_values_are_masked_raw_and_encoded(tokens, log):
    secret = log.values["aws_secret"].encode()
    shown = tokens.mask(b"POST /?k=" + secret + b"&x=1\r\n")
    assert shown == "POST /?k=\u2039aws_secret\u203a&x=1\\r\\n"
    encoded = base64.b64encode(b"key=" + secret)
    shown = tokens.snippet(b"a" * 500 + b" " + encoded)
    assert "\u2039aws_secret\u203a" in shown
    assert encoded.decode()[12:40] not in shown
    assert tokens.snippet(b"nothing here") == ""


@given(before=st.binary(max_size=80), after=st.binary(max_size=80), limit=st.integers(20, 200))
def test_whatever_surrounds_it_a_masked_line_is_inert_and_without_the_value(before, after, limit):
    tokens = Tokens()
    value = "wJq3XtBnFEm7K1MDnGzbPxRciCYq0EXAMPvKeyZz"
    tokens.update(ev.Honeytoken(ts=0, name="aws", family="aws", markers={"secret": value}))
    shown = tokens.mask(before + value.encode() + after, limit)
    assert shown.isprintable()
    assert len(shown) <= limit
    assert value[4:-4] not in shown
