"""Which build counts: a gauge that is 1, as others have it."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Gauge

from pytest_ato import __version__


def add(registry: CollectorRegistry) -> None:
    """Add ``ato_build_info``."""
    info = Gauge(
        "ato_build_info", "Version of pytest-ato; always 1.", ["version"], registry=registry
    )
    info.labels(version=__version__).set(1)
