"""What the dispatcher counts, with names, units and help.

Owns the families of the dispatcher, each with all its labels from the start, so that a rate over
what never happened is 0 and not nothing.
"""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

from pytest_ato.capture.flowabi import Counts
from pytest_ato.metrics import build

HSM_ERRORS: Final = ("gone", "pin", "locked", "bad_signature", "other")
"""`kind` of the `SigningError`s that have to do with a key."""
LOST: Final = {"map_full": "full", "spike_untold": "spikes_untold"}
"""By label, which of the kernel's counts."""
_LATENCIES: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_DURATIONS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class DispatchMetrics:
    """The counts of one dispatcher, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        build.add(registry)
        ProcessCollector(registry=registry)
        self._counts = Counts(*(0 for _ in Counts._fields))

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"ato_{name}", text, labels, registry=registry)

        def gauge(name: str, text: str) -> Gauge:
            return Gauge(f"ato_{name}", text, registry=registry)

        self.verified = counter(
            "verified_flows", "Flow records in the log under a head whose signature checked."
        )
        self.unverified = counter(
            "unverified_flows", "Flow records whose signing failed in their round."
        )
        self.signed = counter("signed_evidence", "Records in the log under a verified signature.")
        self.spool = gauge("spool_flows", "Flow records that wait for a signature now.")
        self.spool_limit = gauge("spool_limit_flows", "Flow records that may wait at once.")
        self.superseded = counter(
            "spool_superseded_flows",
            "Waiting flow records that a later one of their flow replaced.",
        )
        self.dropped = counter(
            "spool_dropped_flows", "Waiting flow records that the spool had no room for: lost."
        )
        self.sign_latency = Histogram(
            "ato_sign_latency_seconds",
            "Time that one signature took, with its verification and all attempts.",
            buckets=_LATENCIES,
            registry=registry,
        )
        self.hsm_errors = counter("hsm_errors", "Signatures that failed, by what failed.", "kind")
        self.log_errors = counter("log_errors", "Writes that the evidence log refused.")
        self.log_bytes = gauge("log_size_bytes", "Size of the evidence log.")
        self.appended = gauge(
            "last_append_timestamp_seconds", "When the log last grew, since the epoch."
        )
        self.map_flows = gauge("map_flows", "Flows in the kernel's map.")
        self.map_limit = gauge("map_max_flows", "Flows that the kernel's map has room for.")
        self.map_fill = gauge("map_fill_ratio", "How full the kernel's map is, 0 to 1.")
        self.evicted = counter("evicted_flows", "Idle flows taken out of the map.")
        self.lost = counter(
            "events_lost", "Packets that found the map full, and hints that were not told.", "kind"
        )
        self.spikes = counter("spikes", "Hints of sources that sent more than they should.")
        self.malformed = counter("malformed_packets", "Packets whose headers could not be read.")
        self.other = counter("other_packets", "Packets of no IP.")
        self.packets = counter("flow_packets", "Packets of flows.", "direction")
        self.bytes = counter("flow_bytes", "Bytes of flows, whole frames.", "direction")
        self.clock_steps = counter("clock_steps", "Times that the wall clock was set.")
        self.rounds = Histogram(
            "ato_round_duration_seconds",
            "Time from the start of a walk over the map until its records are on the disk.",
            buckets=_DURATIONS,
            registry=registry,
        )
        self.round = gauge("last_round_timestamp_seconds", "When a round last ended, by the epoch.")
        for kind in HSM_ERRORS:
            self.hsm_errors.labels(kind=kind)
        for kind in LOST:
            self.lost.labels(kind=kind)
        for direction in ("in", "out"):
            self.packets.labels(direction=direction)
            self.bytes.labels(direction=direction)

    def kernel(self, counts: Counts) -> None:
        """Take the kernel's counts, which only grow."""
        before, self._counts = self._counts, counts
        for kind, field in LOST.items():
            self.lost.labels(kind=kind).inc(getattr(counts, field) - getattr(before, field))
        self.spikes.inc(counts.spikes - before.spikes)
        self.malformed.inc(counts.malformed - before.malformed)
        self.other.inc(counts.other - before.other)

    def hsm_error(self, kind: str) -> None:
        """Count a signature that failed."""
        self.hsm_errors.labels(kind=kind if kind in HSM_ERRORS else "other").inc()
