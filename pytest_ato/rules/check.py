"""Rules tested on their own examples, by the pipeline that audits use.

Owns what passing means: each positive example gives a finding, no negative one does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pytest_ato.detectors.pipeline import Pipeline
from pytest_ato.rules.detector import detector
from pytest_ato.rules.load import example
from pytest_ato.rules.rule import Rule


@dataclass(frozen=True)
class Checked:
    """What the examples of one rule showed."""

    rule: Rule
    failures: tuple[str, ...]
    """A sentence for each example that came out wrong."""


def check(rules: Iterable[Rule]) -> Iterator[Checked]:
    """Run the examples of each rule, each in an audit of its own."""
    for rule in rules:
        failures = [
            f"positive[{number}]: it does not fire"
            for number, fields in enumerate(rule.positive)
            if not _fires(rule, fields)
        ]
        failures += [
            f"negative[{number}]: it fires"
            for number, fields in enumerate(rule.negative)
            if _fires(rule, fields)
        ]
        yield Checked(rule, tuple(failures))


def _fires(rule: Rule, fields: dict[str, object]) -> bool:
    pipeline = Pipeline([detector(rule)])
    pipeline.feed(example(rule, fields))
    pipeline.finish()
    return bool(pipeline.findings)
