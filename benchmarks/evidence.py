"""Signing through a token: a signature for each record, against one for each thousand."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from measure import Sample, alternate, seconds
from programs import ATO, HERE, Place, run
from results import Figure, Goal, Row

from pytest_ato.evidence.canonical import Json
from pytest_ato.evidence.log.writer import EvidenceLog
from pytest_ato.evidence.signers import open_signer
from pytest_ato.evidence.signers.interface import Signer

sys.path.insert(0, str(HERE.parent / "tests" / "evidence"))
import softhsm

sys.path.pop(0)

GOAL = 50.0
RECORDS = 100_000
BATCH = 1000
SINGLE = 1000
"""Records that are signed one by one; the time is scaled to `RECORDS`."""
ROUNDS = 3
KEYS = {"rsa": "RSA-2048", "p256": "P-256"}
PAYLOADS: list[Json] = [
    {
        "type": "flow",
        "source": "198.51.100.0/24",
        "destination": "203.0.113.0/24",
        "port": 0,
        "protocol": "tcp",
        "packets": number % 97,
        "bytes": number * 1500,
    }
    for number in range(RECORDS)
]


def figure(place: Place) -> Figure:
    """Each append is on the disk, and its signature verified, before the next begins."""
    title = f"{RECORDS:,} evidence records, signed through SoftHSM 2"
    found = softhsm.module()
    if found is None:
        return Figure(name="evidence", title=title, rows=[], notes=["SoftHSM 2 is not installed"])
    rows, goals = [], []
    with _token(place.path / "token", found) as token:
        for key, name in KEYS.items():
            batched, single, verified = _measure(place.path, token.uri(key))
            ratio = single.over(batched)
            rows += [
                Row(case=f"{name}: {BATCH:,} records a signature", value=batched, unit="s"),
                Row(
                    case=f"{name}: one record a signature",
                    value=single,
                    unit="s",
                    ratio=ratio,
                    against="batches",
                    note=f"{SINGLE:,} of them, scaled",
                ),
                Row(case=f"{name}: ato verify of the batches", value=verified, unit="s"),
            ]
            text = f"{name}: one by one takes at least {GOAL:g} times as long as batches"
            goals.append(Goal(text=text, met=ratio.median >= GOAL))
    return Figure(name="evidence", title=title, rows=rows, goals=goals)


def _measure(place: Path, uri: str) -> tuple[Sample, Sample, Sample]:
    """Seconds for all records: in batches, one by one, and to verify the batches."""
    fresh = (place / f"{number}.log" for number in count())
    key = place / "public.pem"
    with open_signer(uri) as signer:
        key.write_bytes(signer.public.pem)
        samples = alternate(
            {
                "batched": lambda: seconds(lambda: _append(next(fresh), signer, BATCH, RECORDS)),
                "single": lambda: (
                    seconds(lambda: _append(next(fresh), signer, 1, SINGLE)) * RECORDS / SINGLE
                ),
            },
            ROUNDS,
        )
        log = place / "verified.log"
        _append(log, signer, BATCH, RECORDS)
    verify = (ATO, "verify", str(log), "--key", str(key))
    verified = alternate({"": lambda: seconds(lambda: run(verify, Place(place)))}, ROUNDS)[""]
    for each in place.glob("*.log"):
        each.unlink()
    return samples["batched"], samples["single"], verified


def _append(log: Path, signer: Signer, batch: int, records: int) -> None:
    with EvidenceLog(log, signer) as opened:
        for start in range(0, records, batch):
            opened.append(PAYLOADS[start : start + batch])


@contextmanager
def _token(place: Path, module: str) -> Iterator[softhsm.Token]:
    place.mkdir()
    token = softhsm.Token(place, module, place / "pin")
    os.environ["SOFTHSM2_CONF"] = token.configuration
    softhsm.make_token(token)
    softhsm.fill(token)
    try:
        yield token
    finally:
        del os.environ["SOFTHSM2_CONF"]
