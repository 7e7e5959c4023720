"""A signer whose signatures are timed, and whose failures are counted by kind."""

from __future__ import annotations

import time

from pytest_ato.evidence.keys import Algorithm, PublicKey
from pytest_ato.evidence.signers.interface import Signer
from pytest_ato.metrics.dispatch import DispatchMetrics
from pytest_ato.model.errors import SigningError


class CountedSigner(Signer):
    """Signs with another signer."""

    def __init__(self, signer: Signer, metrics: DispatchMetrics) -> None:
        self._signer = signer
        self._metrics = metrics

    @property
    def public(self) -> PublicKey:
        """As of the other."""
        try:
            return self._signer.public
        except SigningError as error:
            self._metrics.hsm_error(error.kind)
            raise

    @property
    def algorithm(self) -> Algorithm:
        """As of the other, which may have to reach its key to know."""
        _ = self.public
        return self._signer.algorithm

    @property
    def hardware_backed(self) -> bool:
        """As of the other."""
        return self._signer.hardware_backed

    @property
    def description(self) -> str:
        """As of the other."""
        return self._signer.description

    @property
    def caveat(self) -> str:
        """As of the other."""
        return self._signer.caveat

    def close(self) -> None:
        """Close the other."""
        self._signer.close()

    def sign(self, data: bytes, algorithm: Algorithm | None = None) -> bytes:
        """Have the other sign, which verifies what it made."""
        began = time.perf_counter()
        try:
            signature = self._signer.sign(data, algorithm)
        except SigningError as error:
            self._metrics.hsm_error(error.kind)
            raise
        self._metrics.sign_latency.observe(time.perf_counter() - began)
        return signature
