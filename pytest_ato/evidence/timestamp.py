"""Time from somebody else: RFC 3161 timestamps over what was signed, by HTTP.

Owns request, response and their limits. Whom to trust for time is decided when it is verified.
"""

from __future__ import annotations

import time
import urllib.error
import urllib.request
from hashlib import sha256
from http.client import HTTPException
from typing import TYPE_CHECKING, BinaryIO, Final
from urllib.parse import urlsplit

from pytest_ato.model.errors import SigningError, UsageError, VerificationError
from pytest_ato.model.octets import show

if TYPE_CHECKING:
    from datetime import datetime

    from rfc3161_client import TimeStampResponse

SECONDS: Final = 15
"""How long an authority may take to begin its answer, and then to end it."""
_LARGEST: Final = 256 << 10


def check_url(url: str) -> None:
    """Raise `UsageError` unless `url` is one that a timestamp can be asked of."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError("expected the URL of a timestamp authority, http://... or https://...")


def ask(url: str, data: bytes) -> bytes:
    """Have an authority timestamp `data`; return its response (DER), which answers our request.

    Only the SHA-256 of `data` goes out. Raises `SigningError`.
    """
    from rfc3161_client import HashAlgorithm, TimestampRequestBuilder

    builder = TimestampRequestBuilder().data(data).hash_algorithm(HashAlgorithm.SHA256)
    request = builder.nonce(nonce=True).cert_request(cert_request=True).build()
    call = urllib.request.Request(  # noqa: S310  (`check_url` lets nothing else through)
        url,
        data=request.as_bytes(),
        headers={"Content-Type": "application/timestamp-query"},
    )
    name = f"the timestamp authority {show(urlsplit(url).hostname or '?', 100)}"
    try:
        with urllib.request.urlopen(call, timeout=SECONDS) as answer:  # noqa: S310
            response = _read(answer)
    except (OSError, ValueError, HTTPException) as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        raise SigningError(f"{name} does not answer: {show(str(reason), 100)}") from None
    try:
        told = _decode(response).tst_info
    except VerificationError as error:
        raise SigningError(f"{name} gave no timestamp: {error}") from None
    if told.nonce != request.nonce:
        raise SigningError(f"{name} answered another request (it has another nonce)")
    if told.message_imprint.message != sha256(data).digest():
        raise SigningError(f"{name} timestamped something else (another digest)")
    return response


def check(response: bytes, data: bytes, root: bytes) -> datetime:
    """Return when `data` existed at the latest, by the authority whose root certificate is given
    in PEM; raises `VerificationError`."""
    from cryptography.x509 import load_pem_x509_certificates
    from rfc3161_client import VerificationError as Refused
    from rfc3161_client import VerifierBuilder

    builder = VerifierBuilder()
    try:
        for certificate in load_pem_x509_certificates(root):
            builder = builder.add_root_certificate(certificate)
    except ValueError:
        raise UsageError("the authority's certificate is no PEM file") from None
    read = _decode(response)
    try:
        builder.build().verify_message(read, data)
    except (Refused, ValueError) as error:
        raise VerificationError(f"the timestamp is not good: {show(str(error), 200)}") from None
    return read.tst_info.gen_time


def _read(answer: BinaryIO) -> bytes:
    """Read an answer that is neither endless nor comes byte by byte for ever."""
    until = time.monotonic() + SECONDS
    response = b""
    while block := answer.read1(_LARGEST):  # type: ignore[attr-defined]  # an HTTPResponse has it
        response += block
        if len(response) > _LARGEST or time.monotonic() > until:
            raise ValueError("its answer does not end")
    return response


def _decode(response: bytes) -> TimeStampResponse:
    """Read a response that has a timestamp; raises `VerificationError`."""
    from rfc3161_client import decode_timestamp_response
    from rfc3161_client.tsp import PKIStatus

    try:
        read = decode_timestamp_response(response)
        if read.status == PKIStatus.GRANTED:
            _ = read.tst_info, read.time_stamp_token()
            return read
        told = "; ".join(show(each, 100) for each in read.status_string[:3])
        status = read.status
    except ValueError:
        raise VerificationError("this is no timestamp response (RFC 3161)") from None
    raise VerificationError(f"it was not granted (status {status}){told and ': '}{told}")
