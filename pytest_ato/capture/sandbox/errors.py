"""What goes wrong with one sandbox, as opposed to with this machine (`CaptureUnavailable`)."""

from __future__ import annotations

from pytest_ato.model.errors import AtoError


class SandboxError(AtoError):
    """The sandbox for this audit could not be made or broke; the audit is INCONCLUSIVE."""
