"""What watching costs a large upload over TLS, and what the proxy does."""

from __future__ import annotations

import tls_programs
from measure import alternate
from programs import Audited, Place, run
from results import Figure, Goal, Row

MEGABYTES = 200
PORT, NAME = "https://127.0.0.1:4433/", "https://upload.example/"
ROUNDS = 3
GOAL = 0.7
SCRIPT = tls_programs.SOURCES / "upload.sh"


def figure(place: Place) -> Figure:
    """Megabytes a second, as curl tells them."""
    tls_programs.build(place)
    cases = {
        "untraced": lambda: _speed(
            run((str(SCRIPT), str(MEGABYTES), PORT, str(place.path)), place)
        ),
        "probes": lambda: _watched(
            tls_programs.audit_script(place, SCRIPT, MEGABYTES, PORT, "/srv")
        ),
        "proxy": lambda: _speed(
            tls_programs.audit_script(place, SCRIPT, MEGABYTES, NAME, "").stdout()
        ),
    }
    found = alternate(cases, ROUNDS)
    ratio = {name: found[name].over(found["untraced"]) for name in ("probes", "proxy")}
    names = {
        "untraced": "untraced, to a server on loopback",
        "probes": "with probes, the same",
        "proxy": "through the proxy to the sinkhole, with probes",
    }
    rows = [
        Row(
            case=names[name],
            value=found[name],
            unit="MB/s",
            ratio=ratio.get(name),
            against="untraced" if name in ratio else "",
        )
        for name in cases
    ]
    text = f"at least {GOAL} of the untraced speed with probes"
    return Figure(
        name="upload",
        title=f"An upload of {MEGABYTES} MB by curl over TLS",
        rows=rows,
        goals=[Goal(text=text, met=ratio["probes"].median >= GOAL)],
    )


def _speed(told: str) -> float:
    return float(told) / 1e6


def _watched(found: Audited) -> float:
    """All of it went by the probes, or is counted as lost."""
    sent = (event for event in found.events("tls") if event["direction"] == "out")
    seen = sum(int(str(event.get("size", 0))) for event in sent)
    assert seen >= MEGABYTES << 20 or tls_programs.lost(found)
    return _speed(found.stdout())
