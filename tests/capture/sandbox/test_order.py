from __future__ import annotations

import pytest

from pytest_ato.capture.sandbox.order import encode, environment
from pytest_ato.model.errors import UsageError


@pytest.fixture
def program(tmp_path):
    path = tmp_path / "tool"
    path.write_text("#!/bin/sh\n")
    return path


def test_strings_follow_the_header_in_order(spec, program):
    order = encode(
        spec(program, b"\xff", b"", env={"A": "1"}), uid=71_000, gid=71_000, directory="/work"
    )
    assert int.from_bytes(order[:4], "little") == int.from_bytes(order[4:8], "little") == 71_000
    strings = order[order.index(b"/opt/vendor/tool") :].split(b"\0")
    assert strings[:5] == [b"/opt/vendor/tool", b"/work", b"/opt/vendor/tool", b"\xff", b""]
    assert strings[-2:] == [b"A=1", b""]


def test_the_specs_variables_win(spec, program):
    variables = environment(
        spec(program, env={"PATH": "/x", "NPM_TOKEN": "t", "B": "spec"}, home="/home/u"),
        {"A": "sandbox", "B": "sandbox"},
    )
    assert (variables["A"], variables["B"]) == ("sandbox", "spec")
    assert variables["PATH"] == "/x"
    assert variables["NPM_TOKEN"] == "t"
    assert variables["HOME"] == "/home/u"


@pytest.mark.parametrize("fields", [{"env": {"A": "x\0y"}}, {"args": (b"a\0b",)}])
def test_a_nul_is_refused(spec, program, fields):
    wanted = spec(program, *fields.pop("args", ()), **fields)
    with pytest.raises(UsageError, match="NUL"):
        encode(wanted, uid=1, gid=1, directory="/")
