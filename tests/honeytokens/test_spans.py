"""What is masked: all of a value, in clear and encoded, and nothing around it."""

from __future__ import annotations

import base64
import gzip
import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ato.honeytokens.match import Matcher, Span
from pytest_ato.honeytokens.mint import Minted


def values(planted: Minted) -> list[tuple[str, bytes]]:
    return [
        (name, value.encode())
        for token in planted.honeytokens
        for name, value in token.markers.items()
    ]


def masked(data: bytes, spans: list[Span]) -> bytes:
    out, at = b"", 0
    for start, end, marker in spans:
        out, at = out + data[at:start] + b"<" + marker.encode() + b">", end
    return out + data[at:]


def test_a_raw_value_is_covered_whole(matcher: Matcher, planted: Minted) -> None:
    for name, value in values(planted):
        if name == "customer_list":  # its lines do not stand together
            value = value.split(b"\n")[0]
        data = b"before " + value + b" after"
        assert matcher.spans(data) == [(7, 7 + len(value), name)]


def test_each_line_of_the_customer_list(matcher: Matcher, planted: Minted) -> None:
    document = next(p.content for p in planted.plants if p.path.startswith("Documents"))
    shown = masked(document, matcher.spans(document))
    assert shown.count(b"<customer_list>") == 16
    for line in dict(values(planted))["customer_list"].split(b"\n"):
        assert line not in shown
        assert line[4:] not in shown


def test_files_show_no_secret_when_masked(matcher: Matcher, planted: Minted) -> None:
    secrets = [line for _, value in values(planted) for line in value.split(b"\n")]
    for plant in planted.plants:
        shown = masked(plant.content, matcher.spans(plant.content))
        assert shown != plant.content
        for secret in secrets:
            for at in range(len(secret) - 15):
                part = secret[at : at + 16]
                assert part not in shown
                assert base64.b64encode(part)[:20] not in shown


def test_simple_encodings_are_covered_to_the_letters_that_others_share(
    matcher: Matcher, planted: Minted
) -> None:
    for name, value in values(planted):
        value = value.split(b"\n")[0]
        for text in (
            value.hex().encode(),
            value.hex().upper().encode(),
            value[::-1],
            "".join(f"%{byte:02x}" for byte in value).encode(),
        ):
            assert matcher.spans(b"k: " + text + b" ;") == [(3, 3 + len(text), name)]
        for pad in (b"", b"x", b"xy", b"xyz"):
            text = base64.b64encode(pad + value + b"tail")
            ((start, end, marker),) = matcher.spans(b"<" + text + b">")
            assert marker == name
            assert start - 1 <= -(-len(pad) * 8 // 6)
            assert end - 1 >= (len(pad) + len(value)) * 8 // 6


def test_an_archive_is_covered_as_a_whole(matcher: Matcher, planted: Minted) -> None:
    name, value = values(planted)[0]
    packed = gzip.compress(value)
    ((start, end, marker),) = matcher.spans(b"PUT " + packed)
    assert (start, end, marker) == (4, 4 + len(packed), name)


def test_escapes_are_covered_exactly(matcher: Matcher, planted: Minted) -> None:
    name, value = values(planted)[5]
    escaped = "".join(f"\\u{byte:04x}" for byte in value).encode()
    data = b'{"a%20b":"x\\n' + escaped + b'\\nz"}'
    ((start, end, marker),) = matcher.spans(data)
    assert marker == name
    assert data[start:end] == escaped


def test_two_values_are_two_spans(matcher: Matcher, planted: Minted) -> None:
    (one, first), (two, second) = values(planted)[0], values(planted)[4]
    assert matcher.spans(first + b"|" + second) == [
        (0, len(first), one),
        (len(first) + 1, len(first) + 1 + len(second), two),
    ]


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_sorted_apart_and_inside(matcher: Matcher, planted: Minted, data: st.DataObject) -> None:
    pieces = st.one_of(
        st.binary(max_size=20),
        st.sampled_from([value for _, value in values(planted)]),
        st.sampled_from([base64.b64encode(value) for _, value in values(planted)]),
        st.sampled_from([gzip.compress(value) for _, value in values(planted)]),
        st.sampled_from([value[:20] for _, value in values(planted)]),
    )
    whole = b"".join(data.draw(st.lists(pieces, max_size=6)))
    spans = matcher.spans(whole)
    edges = [edge for start, end, _ in spans for edge in (start, end)]
    assert edges == sorted(edges)
    assert all(start < end for start, end, _ in spans)
    assert not edges or (edges[0] >= 0 and edges[-1] <= len(whole))
    for (_, end, marker), (start, _, following) in itertools.pairwise(spans):
        assert start > end or marker != following
