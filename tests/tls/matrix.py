"""The matrix of TLS clients: what each is, and by which path its plaintext must be seen.

Owns the list. Every client sends a planted value; a row ends with it found, or with the finding
that says why not.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
FOUND: Final = "honeytoken_exfil"


@dataclass(frozen=True)
class Row:
    """One client."""

    name: str
    """First label of the host that it calls."""
    what: str
    source: str
    """Below `clients/`."""
    via: tuple[str, ...]
    """Sources that see the plaintext, all of it."""
    program: str = ""
    """Below `build/`; empty: the source itself."""
    finding: str = FOUND
    opaque: str = ""
    """What of it stays opaque."""

    @property
    def path(self) -> Path:
        """What is audited."""
        return HERE / "build" / self.program if self.program else HERE / "clients" / self.source


ROWS: Final = (
    Row("curl-openssl", "curl with OpenSSL, HTTP/2", "curl_openssl.sh", ("openssl", "proxy")),
    Row("curl-gnutls", "libcurl with GnuTLS", "curl_gnutls.c", ("gnutls", "proxy"), "curl-gnutls"),
    Row("wget", "wget (GnuTLS)", "wget.sh", ("gnutls", "proxy")),
    Row("s-client", "openssl s_client", "s_client.sh", ("openssl", "proxy")),
    Row("nss", "NSS's tstclnt", "nss.sh", ("nss", "proxy")),
    Row("python-ssl", "Python's ssl (SSL_write_ex)", "python_ssl.py", ("openssl", "proxy")),
    Row("python-asyncio", "Python's asyncio", "python_asyncio.py", ("openssl", "proxy")),
    Row("python-requests", "requests from PyPI", "python_requests.py", ("openssl", "proxy")),
    Row("node", "node (OpenSSL inside)", "node.js", ("openssl", "proxy")),
    Row("java", "Java's HttpClient, HTTP/2", "java.sh", ("proxy",)),
    Row(
        "java-upload",
        "the same, 10 MB, the value at the end",
        "java.sh",
        ("proxy",),
        finding="tls_uninspected",
        opaque="all beyond 8 MiB",
    ),
    Row("go", "Go 1.19", "go.go", ("go", "proxy"), "go"),
    Row("go-stripped", "Go 1.19, stripped", "go.go", ("go", "proxy"), "go-stripped"),
    Row("go-static", "Go 1.19, static", "go.go", ("go", "proxy"), "go-static"),
    Row("hugo", "hugo, of a recent Go, HTTP/2", "hugo.sh", ("go", "proxy")),
    Row("uv", "uv (rustls)", "uv.sh", ("proxy",)),
    Row("static", "OpenSSL linked statically", "static.c", ("openssl", "proxy"), "static"),
    Row("static-stripped", "the same, stripped", "static.c", ("proxy",), "static-stripped"),
    Row("pinned-ca", "trusts its own authority", "pinned_ca.sh", (), finding="tls_pinned"),
    Row("pinned-key", "pins a key, politely", "pinned_key.sh", (), finding="tls_uninspected"),
    Row("keep-alive", "four requests, one connection", "keep_alive.sh", ("openssl", "proxy")),
    Row("upload", "5 MB, the value at the end", "upload.sh", ("openssl", "proxy")),
    Row("bytewise", "one byte in each record", "bytewise.py", ("openssl", "proxy")),
)
