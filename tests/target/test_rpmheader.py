"""The scriptlets of an rpm: read from headers made by hand, and from bytes that are none."""

from __future__ import annotations

import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ato.target.packages import rpmheader
from pytest_ato.target.packages.rpmheader import Scriptlet, scriptlets

POSTIN, POSTIN_PROGRAM, POSTUN_PROGRAM, NAME = 1024, 1086, 1088, 1000
STRING, ARRAY = 6, 8


def header(*entries: tuple[int, int, tuple[bytes, ...]], count: int | None = None) -> bytes:
    index = store = b""
    for tag, kind, words in entries:
        index += struct.pack(">IIII", tag, kind, len(store), count or len(words))
        store += b"".join(word + b"\0" for word in words)
    start = b"\x8e\xad\xe8\x01" + bytes(4) + struct.pack(">II", len(entries), len(store))
    return start + index + store


def rpm(main: bytes) -> io.BytesIO:
    signature = header((NAME, STRING, (b"odd",)))
    return io.BytesIO(bytes(96) + signature + bytes(4) + main + b"payload")


def test_text_and_interpreter_of_each_script():
    file = rpm(
        header(
            (NAME, STRING, (b"demo",)),
            (POSTIN, STRING, (b"echo hi\n",)),
            (POSTIN_PROGRAM, ARRAY, (b"/usr/bin/perl", b"-w")),
            (POSTUN_PROGRAM, STRING, (b"/sbin/ldconfig",)),
        )
    )
    assert scriptlets(file) == {
        "post": Scriptlet((b"/usr/bin/perl", b"-w"), b"echo hi\n"),
        "postun": Scriptlet((b"/sbin/ldconfig",), b""),
    }
    assert scriptlets(rpm(header((POSTIN, STRING, (b"x",))))) == {
        "post": Scriptlet((b"/bin/sh",), b"x")
    }


@pytest.mark.parametrize(
    "main",
    [
        header((POSTIN, STRING, (b"a",)), (POSTIN, STRING, (b"b",))),
        header((POSTIN, 4, (b"a",))),
        header((POSTIN, STRING, ())),
        header((POSTIN_PROGRAM, ARRAY, (b"/bin/sh",)), count=2),
        header((POSTIN_PROGRAM, ARRAY, (b"/bin/sh",)), count=1 << 31),
        header((POSTIN, STRING, (b"a",)))[:-10],
        b"\x8e\xad\xe8\x01" + bytes(4) + b"\xff" * 8,
    ],
    ids=["twice", "number", "none", "too many", "far too many", "cut off", "larger than all"],
)
def test_what_does_not_fit_is_refused(main):
    with pytest.raises(ValueError, match="rpm"):
        scriptlets(rpm(main))


@given(st.binary(max_size=200), st.booleans())
def test_no_bytes_do_worse_than_a_refusal(data, framed):
    file = rpm(b"\x8e\xad\xe8\x01" + data) if framed else io.BytesIO(bytes(96) + data)
    try:
        found = scriptlets(file)
    except ValueError:
        return
    assert found.keys() <= rpmheader._SCRIPTS.keys()


@given(st.binary(max_size=50).filter(lambda text: b"\0" not in text), st.integers(0, 1))
def test_a_script_comes_out_as_it_went_in(text, program):
    entries = [(POSTIN, STRING, (text,)), (POSTIN_PROGRAM, STRING, (b"/bin/sh",))]
    file = rpm(header(*entries[: 2 - program]))
    assert scriptlets(file) == {"post": Scriptlet((b"/bin/sh",), text)}
