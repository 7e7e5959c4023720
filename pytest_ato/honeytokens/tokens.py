"""The formats of tokens and keys, checksums included: one function a format.

Each takes a source of random bytes and returns a value that passes the offline checks of its
issuer and of secret scanners. Owns no file format and no placement.
"""

from __future__ import annotations

import base64
import json
import zlib

from pytest_ato.honeytokens.draw import (
    BASE62,
    DIGITS,
    Entropy,
    between,
    letters,
    uuid4,
)

_BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


def aws_access_key_id(entropy: Entropy) -> str:
    """``AKIA`` and 80 bits in base32, in which a 12-digit account number can be read.

    Since 2019 the bits are: one set bit, 40 bits of account number, 39 bits without known meaning.
    """
    account = between(entropy, 10**11, 10**12 - 1)
    bits = 1 << 79 | account << 39 | int.from_bytes(entropy(5)) >> 1
    return "AKIA" + base64.b32encode(bits.to_bytes(10)).decode()


def aws_secret_access_key(entropy: Entropy) -> str:
    """40 characters of the base64 alphabet."""
    return letters(entropy, 40, _BASE64)


def github_token(entropy: Entropy) -> str:
    """A classic personal access token: ``ghp_``, 30 characters, six of checksum."""
    return "ghp_" + _with_checksum(letters(entropy, 30))


def npm_token(entropy: Entropy) -> str:
    """An npm access token: ``npm_``, then as GitHub's."""
    return "npm_" + _with_checksum(letters(entropy, 30))


def stripe_secret_key(entropy: Entropy) -> str:
    """A live secret key of 107 characters; an account id and a fixed ``00`` are part of it."""
    return f"sk_live_51{letters(entropy, 85)}00{letters(entropy, 10)}"


def slack_bot_token(entropy: Entropy) -> str:
    """``xoxb-``, workspace and bot number, 24 characters."""
    workspace = between(entropy, 10**12, 10**13 - 1)
    bot = between(entropy, 10**12, 10**13 - 1)
    return f"xoxb-{workspace}-{bot}-{letters(entropy, 24)}"


def password(entropy: Entropy, length: int = 24) -> str:
    """A password manager's password, without characters that need quoting in URL, INI or YAML."""
    return letters(entropy, length)


def session_token(entropy: Entropy) -> str:
    """An opaque session id as web frameworks put it into a cookie: 32 bytes in base64url."""
    return _base64url(entropy(32))


def session_jwt(entropy: Entropy, issuer: str, email: str, now: int) -> str:
    """An HS256 JSON Web Token (RFC 7519) that was issued within the last day and is valid on.

    `now` is in seconds of the epoch. The key that signed it exists nowhere.
    """
    issued = now - between(entropy, 600, 80_000)
    claims: dict[str, str | int] = {
        "iss": issuer,
        "sub": uuid4(entropy),
        "email": email,
        "sid": letters(entropy, 20),
        "iat": issued,
        "exp": issued + 30 * 86_400,
    }
    return _jwt({"alg": "HS256", "typ": "JWT"}, claims, entropy(32))


def service_account_jwt(entropy: Entropy, namespace: str, account: str) -> str:
    """A Kubernetes service account's long-lived token: RS256, without an expiry."""
    prefix = "kubernetes.io/serviceaccount"
    suffix = letters(entropy, 5, "bcdfghjklmnpqrstvwxz2456789")
    claims: dict[str, str | int] = {
        "iss": "kubernetes/serviceaccount",
        f"{prefix}/namespace": namespace,
        f"{prefix}/secret.name": f"{account}-token-{suffix}",
        f"{prefix}/service-account.name": account,
        f"{prefix}/service-account.uid": uuid4(entropy),
        "sub": f"system:serviceaccount:{namespace}:{account}",
    }
    # A signature is a number below the modulus, so its first bit is clear.
    signature = bytes([entropy(1)[0] & 0x7F]) + entropy(255)
    return _jwt({"alg": "RS256", "kid": _base64url(entropy(32))}, claims, signature)


def _with_checksum(random_part: str) -> str:
    """Append CRC-32 in base62, as GitHub described in April 2021 and npm in September 2021."""
    number = zlib.crc32(random_part.encode())
    digits = ""
    while number:
        number, digit = divmod(number, 62)
        digits = BASE62[digit] + digits
    return random_part + digits.rjust(6, DIGITS[0])


def _jwt(header: dict[str, str], claims: dict[str, str | int], signature: bytes) -> str:
    parts = (json.dumps(part, separators=(",", ":")).encode() for part in (header, claims))
    return ".".join(_base64url(part) for part in (*parts, signature))


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
