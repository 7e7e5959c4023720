"""The examples of the page on policies are policies."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pytest_ato.detectors import registry
from pytest_ato.model import policy as model
from pytest_ato.policy import decode

PAGE = (Path(__file__).parents[2] / "docs/policy.md").read_text()
EXAMPLES = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("text", EXAMPLES)
def test_an_example_is_a_policy(text):
    terms = decode.loads(text)
    decode.check_names(terms, registry.definitions())


def test_every_key_is_on_the_page():
    assert EXAMPLES
    for part in (model.Policy, model.Declared, model.Denied, model.Geo, model.Asn, model.Waiver):
        for key in part.__struct_fields__:
            assert re.search(rf"\b{key}\b", PAGE), key


def test_what_a_declaration_silences_is_what_detectors_say():
    rows = re.findall(r"^\| a (destination|file|child)\b.*\| (.*) \|$", PAGE, re.MULTILINE)
    told = {kind: set(re.findall(r"`(\w+)`", row)) - {"undeclared"} for kind, row in rows}
    known: dict[str, set[str]] = {}
    for definition in registry.definitions():
        for kind in definition.declarable:
            known.setdefault(kind, set()).add(definition.name)
    assert told == known
