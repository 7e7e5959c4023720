"""``pkcs11:`` URIs (RFC 7512): which token, which key, through which module, with which PIN.

Owns the grammar. Opens nothing; a PIN in a URI is refused, since everybody who can list processes
would read it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import unquote_to_bytes

from pytest_ato.evidence.keys import Algorithm
from pytest_ato.model.errors import UsageError

FORM: Final = (
    "pkcs11:token=LABEL;object=LABEL?module-path=/path/module.so&pin-source=/path/pin "
    "(RFC 7512; also serial, manufacturer, model, slot-id, id)"
)
_PATH: Final = frozenset({"token", "serial", "manufacturer", "model", "slot-id", "object", "id"})
_IGNORED: Final = frozenset(
    {"type", "library-manufacturer", "library-description", "library-version"}
)
_QUERY: Final = frozenset({"module-path", "pin-source", "algorithm"})
_ESCAPED: Final = re.compile(r"(?:[^%]|%[0-9A-Fa-f]{2})*")


@dataclass(frozen=True, kw_only=True)
class Pkcs11Uri:
    """What a URI says; None: it does not say it, and anything matches."""

    token: str | None = None
    serial: str | None = None
    manufacturer: str | None = None
    model: str | None = None
    slot_id: int | None = None
    object: str | None = None
    id: bytes | None = None
    module_path: Path
    pin_source: Path | None = None
    algorithm: Algorithm | None = None
    """Our own attribute, for RSA keys, which can sign in two ways."""


def parse(uri: str) -> Pkcs11Uri:
    """Parse a URI; raises `UsageError`, which never repeats the value of an attribute."""
    path, _, query = uri.removeprefix("pkcs11:").partition("?")
    names = _attributes(path, ";", _PATH | _IGNORED)
    asked = _attributes(query, "&", _QUERY | {"pin-value"})
    if "pin-value" in asked:
        raise UsageError(
            "a PIN in the URI can be read by every process of this machine: "
            "put it into a file and name that with pin-source=, or set ATO_PKCS11_PIN"
        )
    if names.get("type", b"private") != b"private":
        raise UsageError("a pkcs11: URI to sign with names a private key: leave type= out")
    if "module-path" not in asked:
        raise UsageError(f"the pkcs11: URI does not say which module to load: {FORM}")
    if not names.keys() & {"object", "id"}:
        raise UsageError(f"the pkcs11: URI does not say which key: {FORM}")
    return Pkcs11Uri(
        token=_text(names, "token"),
        serial=_text(names, "serial"),
        manufacturer=_text(names, "manufacturer"),
        model=_text(names, "model"),
        slot_id=_number(names, "slot-id"),
        object=_text(names, "object"),
        id=names.get("id"),
        module_path=_file(asked["module-path"], "module-path"),
        pin_source=_file(asked["pin-source"], "pin-source") if "pin-source" in asked else None,
        algorithm=_algorithm(asked),
    )


def _attributes(text: str, separator: str, known: frozenset[str]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for part in text.split(separator) if text else ():
        name, equals, value = part.partition("=")
        if name not in known or not equals or not _ESCAPED.fullmatch(value):
            raise UsageError(f"a part of the pkcs11: URI is not understood; expected {FORM}")
        if name in found:
            raise UsageError(f"{name} stands twice in the pkcs11: URI")
        found[name] = unquote_to_bytes(value)
    return found


def _text(attributes: dict[str, bytes], name: str) -> str | None:
    if name not in attributes:
        return None
    try:
        return attributes[name].decode()
    except UnicodeDecodeError:
        raise UsageError(f"{name} in the pkcs11: URI is not valid UTF-8") from None


def _number(attributes: dict[str, bytes], name: str) -> int | None:
    text = attributes.get(name)
    if text is None:
        return None
    if not re.fullmatch(rb"\d{1,19}", text):
        raise UsageError(f"{name} in the pkcs11: URI is no number")
    return int(text)


def _file(value: bytes, name: str) -> Path:
    text = value.decode(errors="surrogateescape")
    text = text.removeprefix("file://").removeprefix("file:")
    if not text.startswith("/") or "\0" in text:
        raise UsageError(f"{name} in the pkcs11: URI must be the absolute path of a file")
    return Path(text)


def _algorithm(attributes: dict[str, bytes]) -> Algorithm | None:
    if "algorithm" not in attributes:
        return None
    try:
        return Algorithm(attributes["algorithm"].decode(errors="replace"))
    except ValueError:
        raise UsageError(f"algorithm= must be one of {', '.join(Algorithm)}") from None
