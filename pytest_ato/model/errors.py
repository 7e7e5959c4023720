"""Errors by consequence: what a caller can do about one decides its class, not where it arose.

At the edge (pytest or `ato`) each becomes one line that says what is wrong and what to do; a
traceback that reaches a user is a defect.
"""

from __future__ import annotations

from typing import ClassVar


class AtoError(Exception):
    """Base of all errors that a user may see; the message is one clear line, with the cure."""


class UsageError(AtoError):
    """The call is wrong: a target, option or file that cannot be used as given. Exit code 2."""


class CaptureUnavailable(AtoError):
    """This machine cannot capture (privilege, kernel, program missing). Exit code 2."""


class CaptureIncomplete(AtoError):
    """The capture was not whole, so an absence proves nothing. Exit code 3 (INCONCLUSIVE)."""


class PolicyError(AtoError):
    """A policy, waiver or baseline file is malformed; the message has the path inside the file."""


class SigningError(AtoError):
    """Evidence could not be signed."""

    kind: ClassVar[str] = "other"
    """What failed, as one of a few words: a label of metrics."""


class VerificationError(AtoError):
    """Evidence was checked and is bad; "could not check" is a `UsageError`."""
