"""TLS from outside: hellos, sizes, and records that are none."""

from __future__ import annotations

import ssl
import struct

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pytest_ato.protocols.tls import Records, begins_tls, parse_hello


def real_hello(name="a.example", alpn=("h2", "http/1.1")):
    """What OpenSSL sends first."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(list(alpn))
    out = ssl.MemoryBIO()
    client = context.wrap_bio(ssl.MemoryBIO(), out, server_hostname=name)
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    return out.read()


HELLO = real_hello()


@pytest.mark.parametrize("size", [1, 100, 10_000])
def test_a_real_hello(size):
    assert begins_tls(HELLO)
    records = Records()
    for at in range(0, len(HELLO), size):
        records.feed(HELLO[at : at + size])
    hello = records.hello
    assert (hello.server_name, hello.version, hello.encrypted) == (b"a.example", 0x0304, False)
    assert hello.alpn == (b"h2", b"http/1.1")
    assert records.read == len(HELLO)


def test_application_data_is_counted_without_tags_and_finished():
    records = Records()
    records.feed(HELLO)
    for size in (53, 100 + 17, 19, 19):
        records.feed(bytes([23, 3, 3]) + size.to_bytes(2, "big") + bytes(size))
    assert records.plaintext(records.hello, records.application) == 100


def test_garbage_and_truncation():
    for data in (b"", b"\x16", HELLO[:50], b"\x16\x03\x01\x00\x05\x01\x00", b"GET / HTTP/1.1"):
        records = Records()
        records.feed(data)
        assert records.hello is None
        assert records.lost or records.read + records.waiting == len(data)
    records = Records()
    records.feed(HELLO + b"no record")
    assert records.lost
    assert records.hello is not None


def hello_with(extensions, kind=1):
    """A hello made by hand, of these types and contents of extensions."""
    inner = b"".join(struct.pack(">HH", of, len(data)) + data for of, data in extensions)
    offer = b"\0\2\x13\1\1\0" if kind == 1 else b"\x13\1\0"
    body = b"\3\3" + bytes(32) + b"\0" + offer + struct.pack(">H", len(inner)) + inner
    return bytes([kind]) + len(body).to_bytes(3, "big") + body


def test_a_hello_made_by_hand():
    hello = parse_hello(hello_with([(43, b"\4\x1a\x1a\3\4")]))
    assert hello.version == 0x0304
    assert parse_hello(hello_with([(43, b"\3\4")], kind=2)).version == 0x0304


EXTENSIONS = st.lists(
    st.tuples(st.sampled_from([0, 16, 43, 0xFE0D]), st.binary(max_size=9)), max_size=4
)


@settings(max_examples=60, derandomize=True, deadline=None)
@example(extensions=[(43, b"\2\3")], kind=1)  # half a version
@given(extensions=EXTENSIONS, kind=st.sampled_from([1, 2]))
def test_any_extension_whatever(extensions, kind):
    parse_hello(hello_with(extensions, kind))


@settings(max_examples=60, derandomize=True, deadline=None)
@given(at=st.integers(0, len(HELLO) - 1), byte=st.integers(0, 255), cut=st.integers(0, len(HELLO)))
def test_any_input_whatever(at, byte, cut):
    data = bytearray(HELLO)
    data[at] = byte
    records = Records()
    records.feed(bytes(data[:cut]))
    records.feed(bytes(data[cut:]))
    records.plaintext(records.hello, records.application)
    parse_hello(bytes(data[5:]))
    begins_tls(bytes(data))
