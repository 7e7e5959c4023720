"""Bad input from inside TLS, through the whole analysis: bounded, and nothing of it silent."""

from __future__ import annotations

import base64
import gzip
import zlib
from collections.abc import Callable
from pathlib import Path

import brotli
import pytest
import zstandard
from hpack import Encoder
from hyperframe.frame import ContinuationFrame, DataFrame, HeadersFrame

from pytest_ato.detectors.honeytoken_exfil import HoneytokenExfil
from pytest_ato.detectors.pipeline import Pipeline
from pytest_ato.model.findings import Finding, Severity

SINK = "198.18.0.7"
PIECE = 64 << 10
GB = 1 << 30


def memory() -> int:
    """Bytes that this process held at most since `forget_peak`."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) << 10


def forget_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


def analysed(log) -> tuple[Finding, ...]:
    pipeline = Pipeline([HoneytokenExfil])
    for event in log.events:
        pipeline.feed(event)
    pipeline.finish()
    assert pipeline.failures == ()
    return pipeline.findings


def posted(log, coding: bytes, body: bytes) -> None:
    head = b"POST / HTTP/1.1\r\nhost: x.example\r\ncontent-encoding: %s\r\n" % coding
    data = head + b"content-length: %d\r\n\r\n" % len(body) + body
    log.tls(log.root, SINK, 443, *(data[at : at + PIECE] for at in range(0, len(data), PIECE)))


def gzipped() -> bytes:
    """10 GB in 10 MB, as many as this coding can hide: a flushed block again and again."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    head = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    return head + block * (10 * GB >> 20)


def brotlied() -> bytes:
    """10 GB in less."""
    packer = brotli.Compressor(quality=1)
    head = packer.process(bytes(1 << 20)) + packer.flush()
    block = packer.process(bytes(1 << 20)) + packer.flush()
    return head + block * (10 * GB >> 20)


def zstandarded() -> bytes:
    """10 GB in a third of a megabyte."""
    return zstandard.compress(bytes(64 << 20), 1) * (10 * GB // (64 << 20))


@pytest.mark.parametrize(
    ("coding", "bomb"),
    [(b"gzip", gzipped), (b"br", brotlied), (b"zstd", zstandarded)],
    ids=["gzip", "br", "zstd"],
)
def test_ten_gigabytes_out_of_ten_megabytes_or_less(
    log, coding: bytes, bomb: Callable[[], bytes]
) -> None:
    posted(log, coding, bomb())
    forget_peak()
    before = memory()
    [finding] = analysed(log)
    assert memory() - before < 256 << 20
    assert finding.severity is Severity.LOW
    assert "more than a limit allows" in finding.title


def hidden_in_headers(secret: bytes) -> bytes:
    lines = b"".join(b"h%d: x\r\n" % number for number in range(3000))
    return b"GET / HTTP/1.1\r\n" + lines + b"last: " + secret + b"\r\n\r\n"


PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
HIDDEN: dict[str, Callable[[bytes], bytes]] = {
    "the last of 3000 headers": hidden_in_headers,
    "a head without end": lambda secret: b"GET / HTTP/1.1\r\nx: " + secret + b"y" * 100_000,
    "an HTTP/2 frame of no known kind": lambda secret: (
        PREFACE + len(secret).to_bytes(3, "big") + b"\xee\0\0\0\0\1" + secret
    ),
    "an HTTP/2 frame that is too long": lambda secret: PREFACE + b"\xff\xff\xff\0\0" + secret,
    "an HTTP/2 frame that is cut off": lambda secret: PREFACE + b"\0\x40\0\0\0\0\0\0\1" + secret,
    "a chunk's extension": lambda secret: (
        b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n1;" + secret + b"\r\nx\r\n0\r\n\r\n"
    ),
    "a body beyond its length": lambda secret: (
        b"POST / HTTP/1.1\r\ncontent-length: 1\r\n\r\nx" + secret
    ),
    "what follows a gzip member": lambda secret: (
        b"POST / HTTP/1.1\r\ncontent-encoding: gzip\r\ncontent-length: 500\r\n\r\n"
        + gzip.compress(b"x")
        + secret
    ),
    "a coding that it is not in": lambda secret: (
        b"POST / HTTP/1.1\r\ncontent-encoding: br\r\ncontent-length: 40\r\n\r\n" + secret
    ),
    "garbage": lambda secret: b"\x16\x03\x01\xff\xff\0\x1b[2J" + secret,
}


@pytest.mark.parametrize("place", HIDDEN)
def test_a_value_is_found_in_what_no_parser_takes(log, place: str) -> None:
    secret = log.values["aws_secret"].encode()
    data = HIDDEN[place](secret)
    log.tls(log.root, SINK, 443, *(data[at : at + 1000] for at in range(0, len(data), 1000)))
    [finding] = analysed(log)
    assert finding.severity is Severity.CRITICAL


def test_a_value_in_a_masked_message_is_found(log) -> None:
    secret = log.values["aws_secret"].encode()
    masked = bytes(byte ^ 0xA5 for byte in secret)
    frame = bytes([0x81, 0x80 | len(secret)]) + b"\xa5" * 4 + masked
    log.tls(log.root, SINK, 443, b"GET /chat HTTP/1.1\r\nupgrade: websocket\r\n\r\n", frame)
    [finding] = analysed(log)
    assert finding.severity is Severity.CRITICAL
    assert finding.title.endswith("tls > websocket")


def test_a_value_in_a_body_whose_head_was_not_seen_is_found(log) -> None:
    secret = base64.b64encode(gzip.compress(log.values["aws_secret"].encode()))
    frames = [DataFrame(1, secret[at : at + 9]) for at in range(0, len(secret), 9)]
    log.tls(log.root, SINK, 443, *(frame.serialize() for frame in frames))
    [finding] = analysed(log)
    assert finding.severity is Severity.CRITICAL


@pytest.mark.parametrize("padding", [b"y" * 70_000, b"y" * 20_000], ids=["bound", "whole"])
def test_a_value_in_a_header_block_is_found_or_told(log, padding: bytes) -> None:
    """Its text is coded by Huffman, so that a block which is not decoded hides it."""
    secret = log.values["aws_secret"].encode()
    headers = [(b":method", b"GET"), (b":path", b"/"), (b"x", padding), (b"y", secret)]
    block = Encoder().encode(headers)
    assert secret not in block
    frames = [HeadersFrame(1, block[:16000])]
    frames += [
        ContinuationFrame(1, block[at : at + 16000]) for at in range(16000, len(block), 16000)
    ]
    frames[-1].flags.add("END_HEADERS")
    log.tls(log.root, SINK, 443, PREFACE, *(frame.serialize() for frame in frames))
    [finding] = analysed(log)
    assert finding.severity is (Severity.LOW if len(padding) > 65536 else Severity.CRITICAL)


def test_a_bomb_that_only_http_lets_through_is_told_too(log) -> None:
    bomb = gzip.compress(b"a" * 1000 + base64.b64encode(gzip.compress(bytes(64 << 20))))
    chunks = (bomb[at : at + 50] for at in range(0, len(bomb), 50))
    body = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)
    head = b"POST / HTTP/1.1\r\ncontent-encoding: gzip\r\ntransfer-encoding: chunked\r\n\r\n"
    log.tls(log.root, SINK, 443, head + body + b"0\r\n\r\n")
    [finding] = analysed(log)
    assert "more than a limit allows" in finding.title
