"""The public keys that this user trusts, by a decision of theirs and never by a find in a folder.

Owns the file that holds them.
"""

from __future__ import annotations

import fcntl
import os
import secrets
from pathlib import Path
from typing import Final

import msgspec

from pytest_ato.evidence import places
from pytest_ato.evidence.keys import PublicKey
from pytest_ato.model.errors import UsageError
from pytest_ato.model.malformed import MALFORMED
from pytest_ato.model.octets import show

_LARGEST: Final = 4 << 20


class Pin(msgspec.Struct, frozen=True, kw_only=True):
    """One trusted key and the name that the user gave it."""

    name: str
    key: str
    """See `PublicKey.id`."""
    public_key: bytes
    """SubjectPublicKeyInfo in DER."""


def path() -> Path:
    """Where pinned keys are kept."""
    return places.config() / "pinned-keys.json"


def pinned() -> dict[str, Pin]:
    """Return the pinned keys by id; raises `UsageError` for a file that cannot be read."""
    try:
        with path().open("rb") as file:
            data = file.read(_LARGEST)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise UsageError(f"cannot read {show(str(path()))}: {error.strerror}") from None
    try:
        pins = msgspec.json.decode(data, type=list[Pin])
    except MALFORMED as error:
        raise UsageError(f"{show(str(path()))} is damaged: {show(str(error), 100)}") from None
    for pin in pins:
        if PublicKey(pin.public_key).id != pin.key:
            raise UsageError(f"{show(str(path()))} is damaged: a key is not the one it is named")
    return {pin.key: pin for pin in pins}


def pin(key: PublicKey, name: str) -> Pin:
    """Trust `key` from now on, under `name`; raises `UsageError`."""
    made = Pin(name=show(name, 100), key=key.id, public_key=key.der)
    place = path()
    try:
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(place.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)  # of two at once, neither is forgotten
            _write(place, {**pinned(), made.key: made})
        finally:
            os.close(lock)
    except OSError as error:
        raise UsageError(f"cannot write {show(str(place))}: {error.strerror}") from None
    return made


def _write(place: Path, pins: dict[str, Pin]) -> None:
    draft = place.with_name(f".{place.name}-{secrets.token_hex(8)}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    with os.fdopen(os.open(draft, flags, 0o600), "wb") as file:
        file.write(msgspec.json.encode(list(pins.values())))
        file.flush()
        os.fsync(file.fileno())
    draft.rename(place)
