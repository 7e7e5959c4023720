"""The schema beside the docs is the one that the model gives."""

from __future__ import annotations

import json
from pathlib import Path

from pytest_ato.policy.schema import schema

COPY = Path(__file__).parents[2] / "docs/policy.schema.json"


def test_the_copy_is_up_to_date():
    assert COPY.read_text() == schema(), "run: make docs"


def test_it_knows_every_part():
    known = json.loads(schema())["$defs"]["Policy"]["properties"]
    assert {"declared", "allow", "deny", "geo", "asn", "thresholds", "waivers"} <= set(known)
