"""``file:``, the embedded default: a key file of this user, which is *not hardware-backed*.

Owns the making of the default key (P-256, mode 0600, on first use) and the refusal of key files
that others can read.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from pytest_ato.evidence import places
from pytest_ato.evidence.keys import Algorithm, PublicKey
from pytest_ato.evidence.signers.interface import KeySigner
from pytest_ato.model.errors import SigningError, UsageError
from pytest_ato.model.octets import show

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

NOT_HARDWARE: Final = "not hardware-backed"
INTEGRITY_ONLY: Final = (
    "a key that was made on this machine and that nobody pinned before proves integrity only: "
    "that nothing was changed since, not who signed"
)
"""What a fresh runner's key is worth."""

_NAME: Final = "signing-key.pem"
_LARGEST: Final = 64 << 10


def open_uri(uri: str) -> FileSigner:
    """Make the signer of ``file:`` (this user's own key) or ``file:/absolute/path.pem``."""
    rest = unquote(uri.removeprefix("file:"))
    if not rest:
        return FileSigner(None)
    path = rest.removeprefix("//") if rest.startswith("///") else rest
    if "\0" in path:
        raise UsageError("a NUL byte in the path of a key")
    return FileSigner(Path(path))


class FileSigner(KeySigner):
    """Signs with a private key in PEM (PKCS#8, without a passphrase)."""

    def __init__(self, path: Path | None) -> None:
        """`path`: None for this user's own key, which is made if it is not there."""
        self._given = path

    @property
    def path(self) -> Path:
        """The file."""
        return self._given or places.state() / _NAME

    @property
    def public(self) -> PublicKey:
        """The public half; raises `SigningError`."""
        return self._public

    @property
    def algorithm(self) -> Algorithm:
        """The usual of the key's kind."""
        return self._public.algorithms[0]

    @property
    def hardware_backed(self) -> bool:
        """Never."""
        return False

    @property
    def description(self) -> str:
        """What it is and is not."""
        return f"a key file ({NOT_HARDWARE})"

    @property
    def caveat(self) -> str:
        """What a key is worth that a fresh machine made."""
        return INTEGRITY_ONLY

    @cached_property
    def _public(self) -> PublicKey:
        try:
            return PublicKey.of(self._key.public_key())  # type: ignore[arg-type]  # refused there
        except UsageError as error:
            raise self._useless(str(error)) from None

    @cached_property
    def _key(self) -> PrivateKeyTypes:
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        try:
            if self._given is None and not self.path.exists():
                _make(self.path)
            data = _read_private(self.path)
        except OSError as error:
            raise SigningError(
                f"the key file {show(str(self.path))} cannot be read or made: {error.strerror}; "
                "name another with --ato-sign=file:/path, or use --ato-sign=none"
            ) from None
        try:
            return load_pem_private_key(data, password=None)
        except Exception:  # the library has no one class for what is wrong with a file
            raise self._useless("no private key in PEM without a passphrase") from None

    def _sign(self, data: bytes, algorithm: Algorithm) -> bytes:
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

        key = self._key
        if isinstance(key, ec.EllipticCurvePrivateKey):
            large = algorithm is Algorithm.ECDSA_P384_SHA384
            return key.sign(data, ec.ECDSA(hashes.SHA384() if large else hashes.SHA256()))
        if isinstance(key, rsa.RSAPrivateKey):
            return key.sign(data, padding.PKCS1v15(), hashes.SHA256())
        if isinstance(key, ed25519.Ed25519PrivateKey):
            return key.sign(data)
        raise self._useless("a key of a kind that is not used")

    def _useless(self, why: str) -> SigningError:
        return SigningError(f"the key file {show(str(self.path))} cannot sign: {why}")


def _read_private(path: Path) -> bytes:
    """Read a regular file that is this user's (or root's) and nobody else's to read."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW)
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise SigningError(f"the key {show(str(path))} is no regular file")
        if found.st_mode & 0o077 or found.st_uid not in (0, os.geteuid()):
            raise SigningError(
                f"the key {show(str(path))} can be read or replaced by others (mode "
                f"{found.st_mode & 0o777:04o}, owner {found.st_uid}): it proves nothing; "
                "make another, with chmod 600"
            )
        return file.read(_LARGEST)


def _make(path: Path) -> None:
    """Make a P-256 key at `path`, whole and private or not at all; whoever is first, wins."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    data = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    try:
        with os.fdopen(os.open(draft, flags, 0o600), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink(missing_ok=True)
