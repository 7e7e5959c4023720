"""Masking: no marker gets through in any simple encoding, and no character acts."""

# ruff: noqa: RUF001  (masks stand in angle quotation marks)
from __future__ import annotations

import base64
import gzip
import hashlib
import hmac
import re
import unicodedata
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from pytest_ato.evidence.views import ARGUMENTS, DEEP, LENGTH, View
from pytest_ato.honeytokens.match import PIECE
from pytest_ato.honeytokens.mint import Minted, mint
from pytest_ato.honeytokens.sshkey import generate_key
from pytest_ato.model.events import Honeytoken
from pytest_ato.model.findings import Category, Evidence, Finding, Process, Severity
from pytest_ato.model.octets import B64, octets, show

KEY = b"k" * 32
SECRET = "wJq3XtBnFEm7K1MDnGzbPxRciCYq0EXAMPvKeyZz"
AWS = Honeytoken(ts=1, name="aws", family="aws", markers={"aws_secret": SECRET})
SSH_KEY = generate_key()  # the slow part of minting
VIEW = View(KEY, [AWS])
MASK = f"‹aws_secret:40:{hmac.new(KEY, SECRET.encode(), hashlib.sha256).hexdigest()[:8]}›"

ENCODINGS: dict[str, Callable[[bytes], bytes]] = {
    "raw": lambda value: value,
    "base64": base64.b64encode,
    "base64, shifted": lambda value: base64.b64encode(b"x" + value)[2:],
    "base64url": base64.urlsafe_b64encode,
    "base32": base64.b32encode,
    "hex": lambda value: value.hex().encode(),
    "HEX": lambda value: value.hex().upper().encode(),
    "url": lambda value: quote(value, safe="").encode(),
    "percent": lambda value: b"".join(b"%%%02x" % byte for byte in value),
    "reversed": lambda value: value[::-1],
    "utf-16": lambda value: value.decode().encode("utf-16-le"),
}


@pytest.fixture(scope="module")
def view() -> View:
    return VIEW


@pytest.fixture
def minted() -> Minted:
    return mint(now=datetime(2025, 1, 1, tzinfo=UTC), ssh_key=SSH_KEY)


def test_a_marker_becomes_name_length_and_keyed_digest(view: View) -> None:
    assert view.text(f"key={SECRET}&x=1") == f"key={MASK}&x=1"


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("4111 1111 1111 1111", "card"),
        ("DE89370400440532013000", "iban"),
        ("219-09-9998", "ssn"),
        ("jane.doe", "e-mail"),
    ],
)
def test_personal_data_of_anybody_is_masked(view: View, value: str, kind: str) -> None:
    text = view.text(f"argument {value}@vendor.example" if kind == "e-mail" else f"is {value}.")
    assert value not in text
    assert f"‹{kind}:" in text
    assert text.endswith("@vendor.example" if kind == "e-mail" else ".")


@pytest.mark.parametrize("text", ["4111111111111112", "2025-11-25 12:00", "198.18.0.9:443"])
def test_other_numbers_stay(view: View, text: str) -> None:
    assert view.text(text) == text


@pytest.mark.parametrize("encode", ENCODINGS.values(), ids=ENCODINGS)
@pytest.mark.parametrize("flooded", [False, True])
def test_no_simple_encoding_of_any_minted_value_gets_through(
    minted: Minted, encode: Callable[[bytes], bytes], flooded: bool
) -> None:
    view = View(KEY, minted.honeytokens)
    if flooded:
        for number in range(DEEP):
            view.text(f"%{number}")
    for token in minted.honeytokens:
        for name, value in token.markers.items():
            line = value.split("\n")[-1]
            text = view.text(octets(b"POST /?a=" + encode(line.encode()) + b"&b=c"), 4096)
            assert f"‹{name}:" in text or (flooded and "‹unsearched:" in text)
            for slices in range(len(line) - 15):
                assert encode(line[slices : slices + 16].encode()).decode("latin-1") not in text


@pytest.mark.parametrize("kept", [PIECE, 15, 16, 31])
def test_nothing_is_left_of_a_value_that_a_detector_cut(kept: int) -> None:
    view = View(KEY, [AWS])
    for text in (SECRET, SECRET[3:], SECRET.encode().hex(), SECRET[::-1]):
        title = show(f"app runs --token={text} first", len("app runs --token=…") + kept)
        assert title.endswith(f"{text[:kept]}…")
        assert view.text(f"{title} twice") == f"app runs --token={MASK}… twice"


def test_what_is_no_piece_of_a_marker_stays_in_front_of_a_cut(view: View) -> None:
    for text in ("/usr/share/vendor…", f"/opt/{SECRET[: PIECE - 1]}…", "…", "wJq3…, wJq3"):
        assert view.text(text) == text


LAYERS: dict[str, Callable[[bytes], bytes]] = {
    "base64 twice": lambda value: base64.b64encode(base64.b64encode(value)),
    "base64 in hex": lambda value: base64.b64encode(value).hex().encode(),
    "gzip in base64": lambda value: base64.b64encode(gzip.compress(value)),
    "deflate": zlib.compress,
    "one escaped": lambda value: value.replace(b"7K", b"%37K").replace(b"Rc", b"%52c"),
    "base64 in labels": lambda value: b".".join(
        re.findall(rb"\w{1,5}", base64.b64encode(value).rstrip(b"="))
    ),
    "base64 in UTF-16": lambda value: base64.b64encode(value).decode().encode("utf-16-le"),
}


@pytest.mark.parametrize("layers", LAYERS)
@pytest.mark.parametrize("flooded", [False, True])
def test_several_layers_are_masked_too_and_hidden_in_a_flood(layers: str, flooded: bool) -> None:
    view = View(KEY, [AWS])
    for number in range(DEEP if flooded else DEEP - 1):
        view.text(f"%{number}")
    encoded = LAYERS[layers](SECRET.encode())
    text = view.text(octets(b"data: " + encoded + b"."))
    assert ("‹unsearched:" if flooded else "‹aws_secret:40:") in text
    assert show(octets(encoded[8:24]), 100) not in text


def test_ordinary_texts_are_no_part_of_a_flood() -> None:
    view = View(KEY, [AWS])
    for number in range(DEEP + 1):
        view.text(f"agent writes the unit ~/.config/systemd/user/agent-{number}.service")
    assert "‹aws_secret:40:" in view.text(base64.b64encode(SECRET.encode()).decode())
    path = f"/usr/lib/agent/{'x' * 30}"
    assert view.text(path) == path


def test_equal_values_look_equal_in_one_audit_and_different_in_two(view: View) -> None:
    assert view.text(SECRET) == view.text(SECRET.encode().decode())
    assert View(b"other" * 6, [AWS]).text(SECRET) != view.text(SECRET)


def test_without_a_key_there_is_no_digest_to_guess_from() -> None:
    assert View(b"", [AWS]).text(SECRET) == "‹aws_secret:40›"


def test_overlapping_markers_hide_all_that_either_covers() -> None:
    longer = Honeytoken(ts=1, name="b", family="b", markers={"b": SECRET[20:] + "T5" * 10})
    for order in ([AWS, longer], [longer, AWS]):
        text = View(KEY, order).text(f"<{SECRET}{'T5' * 10}>")
        assert text[0] == "<"
        assert text[-1] == ">"
        assert "T5T5T5" not in text
        assert SECRET[:8] not in text


def test_a_marker_too_short_for_encodings_is_hidden_where_it_stands() -> None:
    short = Honeytoken(ts=1, name="pin", family="x", markers={"pin": "12 34", "none": ""})
    text = View(KEY, [short, AWS]).text(f"pin 12 34 and {SECRET}")
    assert text.startswith("pin ‹pin:5:")
    assert text.endswith(f" and {MASK}")


def test_personal_data_of_a_planted_document_is_masked(minted: Minted) -> None:
    (document,) = (plant for plant in minted.plants if plant.path.startswith("Documents/"))
    view = View(KEY, minted.honeytokens, {"customer_list": document.content})
    header, *rows = document.content.decode().splitlines()
    assert view.text(header) == header
    for row in rows:
        shown = view.text(row, 4096)
        _, _, _, email, phone, born, ssn, card, _, iban = row.split(",")
        for value in (email, phone, born, ssn, card, iban[4:]):
            assert value not in shown
        assert "‹customer_list:11:" in shown


@given(st.one_of(st.text(), st.binary().map(octets)), st.integers(1, 500))
@settings(max_examples=300)
def test_what_comes_out_is_one_inert_line_of_bounded_length(value, limit) -> None:
    text = VIEW.text(value, limit)
    assert len(text) <= limit
    unsafe = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    assert not [char for char in text if unicodedata.category(char) in unsafe]
    assert not text.lstrip().startswith("::") or not text.lstrip()[2:3].isalpha()
    assert "##[" not in text


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("\x1b[31mred", r"\x1b[31mred"),
        ("a\nb\r\tc", r"a\nb\r\tc"),
        ("\u202egnp.exe", r"\u202egnp.exe"),
        ("::error::x", r"\x3a:error::x"),
        ("  ::set-output name=a::b", r"  \x3a:set-output name=a::b"),
        ("a ##[error]b", r"a ##\x5berror]b"),
        ("[::1]:443 std::string", "[::1]:443 std::string"),
        ("::1", "::1"),
        (B64(b"\xff\xfea"), r"\xff\xfea"),
        ("\ud800", r"\ud800"),
        ("überall — 漢字", "überall — 漢字"),
    ],
)
def test_what_could_act_is_escaped(view: View, hostile, shown: str) -> None:
    assert view.text(hostile) == shown


def test_a_cut_is_marked_and_never_goes_through_a_search(view: View) -> None:
    assert view.text("x" * LENGTH) == "x" * LENGTH
    assert view.text("x" * (LENGTH + 1)) == "x" * (LENGTH - 1) + "…"
    # The marker lies across the cut: its part before the cut is masked, too.
    text = view.text("x" * (LENGTH - 60) + " " + SECRET)
    assert SECRET[:8] not in text


def test_megabytes_cost_no_more_than_what_is_looked_at(view: View) -> None:
    looked_at: list[int] = []

    class Counting(View):
        def _masks(self, data: bytes) -> list[tuple[int, int, str]]:
            looked_at.append(len(data))
            return super()._masks(data)

    text = Counting(KEY, [AWS]).text(SECRET + "\x1b" * (8 << 20))
    assert text.startswith(MASK)
    assert text.endswith("…")
    assert len(text) <= LENGTH
    assert looked_at == [16 << 10]


def test_a_command_line_is_masked_and_bounded(view: View) -> None:
    shown = view.argv(["curl", "-H", f"x: {SECRET}", *map(str, range(1000))])
    assert shown[:3] == ("curl", "-H", f"x: {MASK}")
    assert len(shown) == ARGUMENTS + 1
    assert shown[-1] == "…"
    assert view.argv(["a"] * ARGUMENTS) == ("a",) * ARGUMENTS
    long = view.argv(["x" * 200] * 60)
    assert sum(map(len, long)) <= 2_001
    assert long[-1] == "…"


def test_of_variables_only_the_names_are_shown(view: View) -> None:
    shown = view.environment({"LICENSE": "my own secret", "B": ""})
    assert list(shown) == ["LICENSE", "B"]
    assert shown["LICENSE"].startswith("‹value:13:")
    assert "my own" not in shown["LICENSE"]


def test_every_string_of_a_finding_is_masked(view: View) -> None:
    hostile = f"\x1b{SECRET}"
    finding = Finding(
        ts=1,
        detector=hostile,
        rule=hostile,
        category=Category.EXFIL,
        severity=Severity.HIGH,
        title=hostile,
        key=hostile,
        where=hostile,
        lineage=(Process(7, hostile, (hostile,)),),
        evidence=(Evidence(ts=2, text=hostile, pid=7),),
        technique=hostile,
        id=hostile,
        waived_by=hostile,
        count=3,
    )
    masked = view.finding(finding)
    inert = "\\x1b" + MASK
    assert masked.lineage == (Process(7, inert, (inert,)),)
    assert masked.evidence == (Evidence(ts=2, text=inert, pid=7),)
    names = ("detector", "rule", "title", "where", "technique", "id", "waived_by")
    assert {getattr(masked, name) for name in names} == {inert}
    same = ("ts", "category", "severity", "count")
    assert [getattr(masked, name) for name in same] == [getattr(finding, name) for name in same]


def test_a_key_is_the_same_in_every_audit() -> None:
    """Not so its mask, which has a digest under a key of the audit's: waivers go by the key."""
    keys = set()
    for number in range(3):
        token = replace(AWS, markers={"aws_secret": f"{number}{SECRET[1:]}"})
        path = f"/tmp/{token.markers['aws_secret']}-jane{number}@vendor.example"
        finding = Finding(
            ts=1,
            detector="d",
            rule="r",
            category=Category.EXFIL,
            severity=Severity.HIGH,
            title="t",
            key=f"d:{path}",
        )
        keys.add(View(bytes([number] * 32), [token]).finding(finding).key)
    assert len(keys) == 1
    assert "\u2039aws_secret\u203a" in keys.pop()
