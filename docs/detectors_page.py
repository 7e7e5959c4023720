"""The page of all detectors: from their definitions, and from the last recorded run of the samples.

Owns the page's text. How many were found is counted, never written by hand.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pytest_ato.detectors import registry
from pytest_ato.detectors.interface import Definition

SAMPLES: Final = Path(__file__).parents[1] / "tests/samples"
if TYPE_CHECKING:
    from sample_runs import Run

HEAD: Final = """\
# Detectors

Made from the definitions, and from a recorded run of the samples, by `make docs`. `ato detectors
list` and `ato detectors explain NAME` tell the same of the version that you have. An id never
changes. How to add one of your own: [as a rule in a file, or as a class](writing-detectors.md).

| id | name | category | severity | technique | what it is for |
|--|--|--|--|--|--|
"""

MEASURED: Final = """
## How well they do

{runs} runs of the programs in [`tests/samples/`](../tests/samples/README.md) and {ordinary} of the
ordinary ones in `tests/corpus/`, under real capture. Each sample says what it does, so that it is
known which detectors should find it: *do it* counts those runs, *found* how many of them were
found, *others* all other runs, *false alarms* how many of these were told nevertheless; *which*
names the ones that were not found, and the false alarms. The tests fail when a run comes out
otherwise. A finding counts from low on; of one detector in one run, once. Precision is found /
(found + false alarms), recall found / do it. These programs were written by those who wrote the
detectors, so the figures say what works and what is known not to; they are no forecast for software
that nobody here has seen.

| detector | do it | found | others | false alarms | precision | recall | which |
|--|--:|--:|--:|--:|--:|--:|--|
"""


def page() -> str:
    """Render `docs/detectors.md`."""
    definitions = registry.definitions()
    return "".join(
        [HEAD, *map(_row, definitions), *_sections(definitions), *_measured(definitions)]
    )


def _row(definition: Definition) -> str:
    link = f"https://attack.mitre.org/techniques/{definition.technique.replace('.', '/')}/"
    cells = (
        definition.rule,
        f"[{definition.name}](#{definition.name})",
        str(definition.category),
        str(definition.severity),
        f"[{definition.technique}]({link})",
        definition.title[:1].upper() + definition.title[1:].rstrip("."),
    )
    return "| " + " | ".join(cells) + " |\n"


def _sections(definitions: tuple[Definition, ...]) -> Iterator[str]:
    for definition in definitions:
        yield f"\n## {definition.name}\n\n"
        yield f"- **Fires** when {definition.fires}.\n"
        yield f"- **Stays silent** on {definition.silent}.\n"
        if needs := tuple(_needs(definition)):
            yield f"- **Needs** {'; '.join(needs)}.\n"
        if definition.declarable:
            kinds = " or ".join(sorted(definition.declarable))
            yield f"- **Declared**: a {kinds} that the policy declares is no finding.\n"
        if definition.thresholds:
            numbers = (f"`{name}` {value:g}" for name, value in definition.thresholds.items())
            yield f"- **Thresholds**: {', '.join(numbers)}.\n"


def _needs(definition: Definition) -> Iterator[str]:
    if definition.needs:
        yield f"the network {' or '.join(sorted(definition.needs))}"
    if definition.input:
        yield definition.asks_for


def _measured(definitions: tuple[Definition, ...]) -> Iterator[str]:
    sys.path.insert(0, str(SAMPLES))
    from sample_runs import RESULTS, runs

    recorded: dict[str, dict[str, str]] = json.loads(RESULTS.read_text())
    ordinary = sum(name.startswith("corpus: ") for name in recorded)
    yield MEASURED.format(runs=len(recorded) - ordinary, ordinary=ordinary)
    known = {run.name: run for run in runs()}
    for definition in definitions:
        yield _figures(definition.name, recorded, known)


def _figures(
    detector: str, recorded: Mapping[str, dict[str, str]], known: Mapping[str, Run]
) -> str:
    doing = {name for name in recorded if name in known and detector in known[name].does}
    told = {name for name, found in recorded.items() if detector in found}
    found, alarms = len(doing & told), len(told - doing)
    wrong = [f"not `{name}`" for name in sorted(doing - told)]
    wrong += [f"`{name}`" for name in sorted(told - doing)]
    cells = (
        f"`{detector}`",
        str(len(doing)),
        str(found),
        str(len(recorded) - len(doing)),
        str(alarms),
        _share(found, found + alarms),
        _share(found, len(doing)),
        ", ".join(wrong) or "-",
    )
    return "| " + " | ".join(cells) + " |\n"


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.2f}" if whole else "-"
