"""Signers by URI: where the private key lies decides which.

Owns the registry. ``file:`` is the key file of this user, ``pkcs11:`` a key in a token.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Final

from pytest_ato.evidence.signers.interface import Signer
from pytest_ato.model.errors import UsageError

NONE: Final = "none"
"""Instead of a URI: nothing is signed."""
DEFAULT: Final = "file:"

_MODULES: Final = {
    "file": "pytest_ato.evidence.signers.file",
    "pkcs11": "pytest_ato.evidence.signers.pkcs11",
}
_REGISTERED: dict[str, Callable[[str], Signer]] = {}


def register(scheme: str, factory: Callable[[str], Signer]) -> None:
    """Have URIs of `scheme` opened by `factory`, which raises `UsageError` for a bad one."""
    _REGISTERED[scheme] = factory


def open_signer(uri: str) -> Signer:
    """Make the signer that `uri` names; no key is touched yet. Raises `UsageError`."""
    scheme, colon, _ = uri.partition(":")
    if colon and scheme in _REGISTERED:
        return _REGISTERED[scheme](uri)
    if not colon or scheme not in _MODULES:
        known = ", ".join(f"{name}:" for name in (*_MODULES, *_REGISTERED))
        # What was written is not repeated: somebody may have put a PIN into it.
        raise UsageError(f"expected a key's URI, one of {known} or none; see docs/options.md")
    factory: Callable[[str], Signer] = importlib.import_module(_MODULES[scheme]).open_uri
    return factory(uri)


def is_hardware(uri: str) -> bool:
    """Whether a signer of this URI may call its key hardware-backed."""
    return uri.startswith("pkcs11:") or uri.partition(":")[0] in _REGISTERED
