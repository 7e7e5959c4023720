"""The names of the files that make a report's directory evidence."""

from __future__ import annotations

from typing import Final

ATTESTATION: Final = "attestation.dsse.json"
TEST_RESULT: Final = "test-result.dsse.json"
TIMESTAMP: Final = "attestation.dsse.json.tsr"
"""RFC 3161 response over the attestation; only where one was asked for."""
LOG: Final = "evidence.log"
"""In a report's directory the slice of one audit; in the report directory the lasting log."""

ALL: Final = frozenset({ATTESTATION, TEST_RESULT, TIMESTAMP, LOG})
