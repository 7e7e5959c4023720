"""The sandbox's trust stores: the host's public authorities, and the session's own.

Owns what programs read to decide whom they trust: the bundles and directories of Debian, Red Hat,
openSUSE and Alpine, the variables that name them, Java's store. It is built once a session; a
program that brings authorities of its own trusts those alone, and is seen to refuse.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from pytest_ato.capture.sandbox import keystore
from pytest_ato.capture.sandbox.rootfs import Bind, Stores

_CERTS: Final = "/etc/ssl/certs"
_BUNDLE: Final = f"{_CERTS}/ca-certificates.crt"
_KEYSTORE: Final = f"{_CERTS}/java/cacerts"
_NAME: Final = "Internet_Trust_Services_Root_R1"
_HASHES: Final = ("c09614d7.0", "ff71252e.0")
"""What OpenSSL (1.0 and later, and older) looks an authority of this subject up by."""

_HOST_BUNDLES: Final = (
    _BUNDLE,
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
_KEYSTORES: Final = ("usr/lib/jvm/*/lib/security/cacerts", "usr/lib/jvm/*/jre/lib/security/cacerts")

LINKS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "etc/ssl/cert.pem": _BUNDLE,
        "etc/ssl/ca-bundle.pem": _BUNDLE,
        "etc/pki/tls/cert.pem": _BUNDLE,
        "etc/pki/tls/cacert.pem": _BUNDLE,
        "etc/pki/tls/certs/ca-bundle.crt": _BUNDLE,
        "etc/pki/tls/certs/ca-bundle.trust.crt": _BUNDLE,
        "etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem": _BUNDLE,
        "etc/pki/ca-trust/extracted/java/cacerts": _KEYSTORE,
    }
)
"""Other systems' names for the same, relative to the sandbox's root."""

VARIABLES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "SSL_CERT_FILE": _BUNDLE,
        "REQUESTS_CA_BUNDLE": _BUNDLE,
        "CURL_CA_BUNDLE": _BUNDLE,
        "GIT_SSL_CAINFO": _BUNDLE,
        "AWS_CA_BUNDLE": _BUNDLE,
        "NODE_EXTRA_CA_CERTS": f"{_CERTS}/{_NAME}.pem",
    }
)
"""For programs that bring a bundle and look here first. Node adds to its own: one will do."""


def build(directory: Path, *, pem: bytes, der: bytes, host: Path = Path("/")) -> Stores:
    """Fill the empty `directory`; `host` is where the present stores are looked for."""
    certs = directory / "certs"
    certs.mkdir()
    _copy_links(host / _CERTS[1:], certs)
    bundles = (host / name[1:] for name in _HOST_BUNDLES)
    present = next((bundle.read_bytes() for bundle in bundles if bundle.is_file()), b"")
    _write(certs / "ca-certificates.crt", present.rstrip() + b"\n" * bool(present) + pem)
    _write(certs / f"{_NAME}.pem", pem)
    for name in _HASHES:
        (certs / name).symlink_to(f"{_NAME}.pem")
    binds = [Bind(certs, _CERTS), *_java(host, directory, der)]
    for folder in (certs, certs / "java"):
        if folder.is_dir():
            folder.chmod(0o755)
    return Stores(tuple(binds), LINKS)


def _copy_links(source: Path, dest: Path) -> None:
    """Copy a directory's links and small files; those of the same name are replaced later."""
    if not source.is_dir():
        return
    for entry in os.scandir(source):
        if entry.name == "ca-certificates.crt" or entry.name in _HASHES:
            continue
        if entry.is_symlink():
            (dest / entry.name).symlink_to(Path(entry.path).readlink())
        elif entry.is_file():
            shutil.copyfile(entry.path, dest / entry.name)


def _java(host: Path, directory: Path, der: bytes) -> Iterator[Bind]:
    """Write each Java store that is there once more, with the authority in it."""
    certs, usual = directory / "certs", host / _KEYSTORE[1:]
    found = {path.resolve() for pattern in _KEYSTORES for path in host.glob(pattern)}
    for number, path in enumerate(sorted({usual.resolve(), *found})):
        try:
            store = keystore.with_certificate(path.read_bytes(), der, _NAME.lower())
        except (OSError, keystore.UnknownKeystore):
            continue  # no such file, or none that we can add to: Java then refuses, and is seen to
        if path == usual.resolve():
            (certs / "java").mkdir()
            _write(certs / "java" / "cacerts", store)
        else:
            _write(directory / f"cacerts{number}", store)
            yield Bind(directory / f"cacerts{number}", "/" + str(path.relative_to(host.resolve())))


def _write(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    path.chmod(0o644)
