"""Which keys the reader believes: one given, those pinned, or for integrity only, any.

A key that lies in what is verified is used to compute, and never to believe.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from pytest_ato.evidence.keys import PublicKey
from pytest_ato.evidence.log.entries import Head, signed_part
from pytest_ato.evidence.pins import Pin
from pytest_ato.model.errors import UsageError, VerificationError
from pytest_ato.model.octets import show

INTEGRITY_ONLY: Final = (
    "integrity only: nothing was changed since it was signed by the key that lies in it; "
    "who that is was not checked"
)


class Unpinned(UsageError):
    """Everything fits together, and the key is nobody's that the reader trusts."""


@dataclass
class Keys:
    """The keys that signed what was looked at so far, computed with and not yet believed."""

    seen: dict[str, PublicKey] = field(default_factory=dict)
    last: str = ""

    def check_head(self, head: Head, line: bytes) -> str | None:
        """Return what is wrong with a head's signature, or None."""
        key = self.seen.get(head.key)
        if key is None:
            key = PublicKey(head.public_key)
            if key.id != head.key:
                return "whose public key is not the one it names"
        message = signed_part(line)
        try:
            good = message is not None and key.made(head.signature, message, head.algorithm)
        except UsageError as error:
            return f"whose key cannot be used: {error}"
        if not good:
            return f"whose signature is not that of {show(head.key, 80)}"
        self.seen[head.key] = key
        self.last = head.key
        return None


@dataclass(frozen=True)
class Trust:
    """Whom to believe."""

    key: PublicKey | None = None
    """The one that was given for this verification."""
    pins: Mapping[str, Pin] = field(default_factory=dict)
    integrity_only: bool = False

    def judge(self, keys: Keys) -> str:
        """Say by whom everything was signed; raises for keys that are not believed."""
        if self.integrity_only:
            return INTEGRITY_ONLY
        for name in keys.seen:
            if self.key is not None and name != self.key.id:
                raise VerificationError(
                    f"it was signed by {name}, which is not the key given, {self.key.id}"
                )
            if self.key is None and name not in self.pins:
                raise Unpinned(f"signed by {name}, which you have not pinned")
        names = [f"{name} ({self._name(name)})" for name in keys.seen]
        return f"signed by {', '.join(names)}"

    def _name(self, key: str) -> str:
        return "the key given" if self.key is not None else f"pinned as {self.pins[key].name}"
