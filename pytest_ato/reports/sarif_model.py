"""The parts of SARIF 2.1.0 that we write, as the standard (OASIS, 2020) names them.

Owns shapes only.
"""

from __future__ import annotations

from typing import Final

import msgspec

SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"


class _Part(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Absent is what has its default."""


class Message(_Part, frozen=True, kw_only=True):
    """Plain text; brackets are links unless escaped (3.11.6)."""

    text: str


class Configuration(_Part, frozen=True, kw_only=True):
    """How bad a rule's results usually are."""

    level: str


class RuleProperties(_Part, frozen=True, kw_only=True):
    """What GitHub reads of a rule."""

    tags: tuple[str, ...]
    precision: str = msgspec.field(default="high")
    security_severity: str = msgspec.field(name="security-severity")


class Rule(_Part, frozen=True, kw_only=True):
    """A reportingDescriptor."""

    id: str
    name: str
    short_description: Message
    full_description: Message
    help: Message
    default_configuration: Configuration
    properties: RuleProperties


class Driver(_Part, frozen=True, kw_only=True):
    """The tool component that found it all."""

    name: str
    version: str
    rules: tuple[Rule, ...]


class Tool(_Part, frozen=True, kw_only=True):
    """The tool."""

    driver: Driver


class Notification(_Part, frozen=True, kw_only=True):
    """Something about the run itself."""

    message: Message
    level: str


class Invocation(_Part, frozen=True, kw_only=True):
    """How the run went."""

    execution_successful: bool
    start_time_utc: str | None = None
    end_time_utc: str | None = None
    tool_execution_notifications: tuple[Notification, ...] = ()


class ArtifactLocation(_Part, frozen=True, kw_only=True):
    """A file, by a relative reference."""

    uri: str


class Region(_Part, frozen=True, kw_only=True):
    """Where in the file."""

    start_line: int


class PhysicalLocation(_Part, frozen=True, kw_only=True):
    """A place in a file."""

    artifact_location: ArtifactLocation
    region: Region


class LogicalLocation(_Part, frozen=True, kw_only=True):
    """The process that did it."""

    fully_qualified_name: str
    kind: str


class Location(_Part, frozen=True, kw_only=True):
    """Where a result is."""

    physical_location: PhysicalLocation
    logical_locations: tuple[LogicalLocation, ...] = ()


class Suppression(_Part, frozen=True, kw_only=True):
    """Why a result does not count."""

    kind: str
    justification: str


class ResultProperties(_Part, frozen=True, kw_only=True):
    """What the standard has no name for."""

    security_severity: str = msgspec.field(name="security-severity")
    severity: str
    detector: str
    where: str
    finding_id: str


class Result(_Part, frozen=True, kw_only=True):
    """One finding."""

    rule_id: str
    rule_index: int = -1
    kind: str
    level: str
    message: Message
    locations: tuple[Location, ...]
    partial_fingerprints: dict[str, str]
    occurrence_count: int
    suppressions: tuple[Suppression, ...] = ()
    properties: ResultProperties


class AutomationDetails(_Part, frozen=True, kw_only=True):
    """By which two runs are known to be of the same kind."""

    id: str


class Run(_Part, frozen=True, kw_only=True):
    """One audit."""

    tool: Tool
    invocations: tuple[Invocation, ...]
    results: tuple[Result, ...]
    automation_details: AutomationDetails
    column_kind: str = msgspec.field(default="unicodeCodePoints")
    properties: dict[str, str]


class Log(msgspec.Struct, frozen=True, kw_only=True):
    """The file."""

    schema: str = msgspec.field(default=SCHEMA, name="$schema")
    version: str = "2.1.0"
    runs: tuple[Run, ...]
