"""From settings to who signs: the sealer of a session, and what is checked before anything runs.

Owns the rule when a missing signature fails the gate: always, where the user asked for a certain
key, for hardware or for a timestamp; never for the key file that signs because nobody said
otherwise.
"""

from __future__ import annotations

from pytest_ato.evidence import signers
from pytest_ato.evidence.seal import Sealer
from pytest_ato.model.errors import UsageError
from pytest_ato.settings.settings import Settings


def sealer(settings: Settings) -> Sealer | None:
    """Make what signs the audits of this session; None: the user wants no signatures."""
    if settings.sign == signers.NONE:
        return None
    return Sealer(
        signers.open_signer(settings.sign),
        settings.evidence_log,
        batch=settings.batch,
        authority=settings.timestamp,
    )


def must_sign(settings: Settings) -> bool:
    """Whether an audit that could not be signed fails."""
    asked = settings.require_hsm or bool(settings.timestamp)
    return asked or settings.sign not in (signers.DEFAULT, signers.NONE)


def check(settings: Settings) -> None:
    """Reach the key that must sign, once: a PIN that is wrong is wrong for all workers.

    Raises `UsageError` or `SigningError`.
    """
    if settings.require_hsm and not signers.is_hardware(settings.sign):
        raise UsageError("require-hsm needs a key in a token: give its URI with sign=pkcs11:...")
    if settings.timestamp and settings.sign == signers.NONE:
        raise UsageError("timestamp needs a signature that it can be about: sign=none makes none")
    if must_sign(settings):
        with signers.open_signer(settings.sign) as signer:
            signer.prepare()
