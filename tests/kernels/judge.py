"""What a kernel must let the product do, and which of it a boot did not show."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from results import Machine, Step

from pytest_ato.capture.probes import PROBES

VERDICTS: Final = {"bad-sample": "REJECT", "good-sample": "APPROVE"}


def complaints(machine: Machine) -> list[str]:
    """Return one line for each thing that is not as it must be."""
    found = []
    for step in machine.steps:
        told = [*(_audit(step) if step.name in VERDICTS else _plain(step))]
        found += [f"{step.name}: {problem}" for problem in told]
        found += [f"{step.name} printed:\n{step.output}"] if told else []
    return found


def _plain(step: Step) -> Iterator[str]:
    if step.status:
        yield f"ended with {step.status}"


def _audit(step: Step) -> Iterator[str]:
    if step.verdict != VERDICTS[step.name]:
        yield f"{step.verdict or 'no verdict'}, not {VERDICTS[step.name]}"
    if not step.verdict:
        return
    for probe in PROBES:
        state = step.probes.get(probe.name, "unknown")
        if state != "live":
            yield f"the probe {probe.name} is {state}"
    if step.lost:
        yield f"{step.lost} events were lost"
