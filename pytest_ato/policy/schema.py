"""The JSON schema of a policy, for editors: made from the model, so it cannot say anything else."""

from __future__ import annotations

import json

import msgspec

from pytest_ato.model.policy import Policy

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema() -> str:
    """The schema as JSON, sorted."""
    content = {"$schema": DIALECT, "title": "pytest-ato policy", **msgspec.json.schema(Policy)}
    return json.dumps(content, indent=2, sort_keys=True) + "\n"
