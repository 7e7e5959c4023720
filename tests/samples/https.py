#!/usr/bin/python3
"""https WAY: talk to a server by TLS, or by something that is opaque.

For tls_pinned (`authority`), tls_uninspected (`pinned`), honeytoken_used (`sts`, `github`)
and opaque_transport (`quic`, `wireguard`, `ssh`, `noise`, `dot`, `doh`, `ech`, `onion`, `tor`).
`plain`, `down`, `own_key` and `ntp` are the nearest ordinary ones.
"""

import configparser
import contextlib
import hashlib
import hmac
import http.client
import os
import socket
import ssl
import sys
from collections.abc import Callable
from pathlib import Path

HOST = "api.vendor.example"
TIMEOUT = 10


def request(host: str, headers: dict[str, str] | None = None, path: str = "/") -> None:
    connection = http.client.HTTPSConnection(host, timeout=TIMEOUT)
    connection.request("GET", path, headers=headers or {})
    connection.getresponse().read()
    connection.close()


def authority() -> None:
    """Trusts nobody, so that no certificate is good enough."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    with socket.create_connection((HOST, 443), TIMEOUT) as plain:
        try:
            context.wrap_socket(plain, server_hostname=HOST)
        except ssl.SSLCertVerificationError:
            return
    raise SystemExit("the certificate was accepted")


def pinned() -> None:
    """Looks at the certificate after the handshake, and leaves without a word."""
    context = ssl.create_default_context()
    with (
        socket.create_connection((HOST, 443), TIMEOUT) as plain,
        context.wrap_socket(plain, server_hostname=HOST) as channel,
    ):
        certificate = channel.getpeercert(binary_form=True) or b""
        assert hashlib.sha256(certificate).hexdigest() != "00" * 32
        channel.unwrap()


def down() -> None:
    """Nobody listens there, on this machine."""
    try:
        socket.create_connection(("127.0.0.1", 4443), TIMEOUT)
    except ConnectionRefusedError:
        return
    raise SystemExit("somebody listens")


def signature(key: str, secret: str) -> dict[str, str]:
    """A signed call as AWS wants it (SigV4), near enough."""
    date, scope = "20250101T000000Z", "20250101/us-east-1/sts/aws4_request"
    digest = b"AWS4" + secret.encode()
    for part in (*scope.split("/"), date):
        digest = hmac.digest(digest, part.encode(), "sha256")
    credential = f"Credential={key}/{scope}, SignedHeaders=host;x-amz-date"
    return {
        "X-Amz-Date": date,
        "Authorization": f"AWS4-HMAC-SHA256 {credential}, Signature={digest.hex()}",
    }


def sts() -> None:
    config = configparser.RawConfigParser()
    config.read(Path.home() / ".aws/credentials")
    section = config[config.sections()[0]]
    call = signature(section["aws_access_key_id"], section["aws_secret_access_key"])
    request("sts.amazonaws.com", call, "/?Action=GetCallerIdentity&Version=2011-06-15")


def own_key() -> None:
    """The same call with a key that the program brought."""
    request("sts.amazonaws.com", signature("AKIAIOSFODNN7EXAMPLE", "x" * 40))


def github() -> None:
    request("api.github.com", {"Authorization": f"token {os.environ['GITHUB_TOKEN']}"}, "/user")


def packet(data: bytes, port: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as channel:
        channel.sendto(data, (HOST, port))


def stream(data: bytes, port: int) -> None:
    with socket.create_connection((HOST, port), TIMEOUT) as channel:
        channel.sendall(data)


def dot() -> None:
    context = ssl.create_default_context()
    with (
        socket.create_connection((HOST, 853), TIMEOUT) as plain,
        context.wrap_socket(plain, server_hostname=HOST) as channel,
    ):
        channel.sendall(b"\0\x1d\xab\xcd\1\0\0\1\0\0\0\0\0\0\7example\3com\0\0\1\0\1")


def ech() -> None:
    """A true hello whose extensions end with one more: an encrypted ClientHello, of no sense."""
    into, out = ssl.MemoryBIO(), ssl.MemoryBIO()
    half = ssl.create_default_context().wrap_bio(into, out, server_hostname=HOST)
    with contextlib.suppress(ssl.SSLWantReadError):
        half.do_handshake()
    hello = bytearray(out.read())
    place = 43 + 1 + hello[43]  # behind both heads, version, random and session
    place += 2 + int.from_bytes(hello[place : place + 2], "big")
    place += 1 + hello[place]
    inner = b"\0\0\1\0\1\7\0\x20" + os.urandom(32) + b"\0\x90" + os.urandom(144)
    extension = b"\xfe\x0d" + len(inner).to_bytes(2, "big") + inner
    for start, size in ((3, 2), (6, 3), (place, 2)):
        length = int.from_bytes(hello[start : start + size], "big") + len(extension)
        hello[start : start + size] = length.to_bytes(size, "big")
    stream(bytes(hello) + extension, 443)


def onion() -> None:
    with contextlib.suppress(socket.gaierror):  # where nobody answers for such names
        socket.getaddrinfo("vendorvendorvendorvendorvendorvendorvendorvendorvendorab.onion", 443)


def tor() -> None:
    """As its client greets a guard: by a name that it made up and no DNS knows."""
    context = ssl.create_default_context()
    name = "www.qhr3xmzk7v2b5tplw4.com"
    with (
        socket.create_connection(("203.0.113.9", 9001), TIMEOUT) as plain,
        context.wrap_socket(plain, server_hostname=name) as channel,
    ):
        channel.sendall(b"\0\0\7\0\4\0\4\0\5")  # the link protocols that it speaks
        channel.unwrap()


WAYS: dict[str, Callable[[], None]] = {
    "authority": authority,
    "pinned": pinned,
    "down": down,
    "plain": lambda: request(HOST),
    "sts": sts,
    "own_key": own_key,
    "github": github,
    "quic": lambda: packet(b"\xc3\0\0\0\1\x08" + os.urandom(1194), 443),
    "wireguard": lambda: packet(b"\1\0\0\0" + os.urandom(144), 51820),
    "ntp": lambda: packet(b"\x23" + bytes(47), 123),
    "ssh": lambda: stream(b"SSH-2.0-OpenSSH_9.2\r\n", 22),
    "noise": lambda: stream(os.urandom(2000), 443),
    "dot": dot,
    "doh": lambda: request("dns.vendor.example", path="/dns-query?dns=q80BAAABAAAAAAAAA3d3dw"),
    "ech": ech,
    "onion": onion,
    "tor": tor,
}

if __name__ == "__main__":
    WAYS[sys.argv[1]]()
