"""Settings: the parsed options of one session, and the audit options that follow from them.

Takes raw text from a face (with the directory that its relative paths start from), gives frozen
typed values. Reads one file, the one that `--ato-stdin` names.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias, cast

from pytest_ato.model.errors import UsageError
from pytest_ato.settings import grammar
from pytest_ato.settings.table import TABLE, Arity

if TYPE_CHECKING:
    from pytest_ato.audit import Inputs, Options
    from pytest_ato.detectors.interface import Definition, Detector
    from pytest_ato.enrich.choice import Mode
    from pytest_ato.model.policy import Policy
    from pytest_ato.model.spec import Limits, Network
    from pytest_ato.model.verdict import FailOn

Raw: TypeAlias = str | list[str] | bool
_STDIN_LIMIT = 64 << 20
_ARITY = {setting.name: setting.arity for setting in TABLE}
_DEFAULT = {setting.name: setting.default for setting in TABLE}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a user set, parsed; every path is absolute."""

    target: tuple[Path, ...] = ()
    entry: str = ""
    args: tuple[str, ...] = ()
    stdin: Path | None = None
    env: Mapping[str, str]
    include: tuple[grammar.Include, ...] = ()
    timeout: float
    limits: Limits
    service: bool = False
    expect_exit: int = 0
    network: Network
    allow: tuple[str, ...] = ()
    enrich: Mode = "auto"
    resolver: tuple[str, int] | None = None
    asn_table: Path | None = None
    rules: tuple[Path, ...] = ()
    domain_list: tuple[Path, ...] = ()
    asn_list: tuple[Path, ...] = ()
    report_dir: Path
    policy: Path | None = None
    baseline: Path | None = None
    update_baseline: bool = False
    fail_on: FailOn
    fail_on_given: bool = False
    """By option or ini file, so that the policy's does not count."""
    allow_inconclusive: bool = False
    loader: str
    runtime: str
    image: str = ""
    sign: str = "file:"
    require_hsm: bool = False
    evidence_log: Path
    batch: int = 0
    timestamp: str = ""
    metrics: str = ""
    """A file or the URL of a gateway; empty: audits are not counted."""
    unmask: bool = False

    def detectors(self) -> tuple[type[Detector], ...]:
        """Those of the rule files; raises `UsageError` or `PolicyError`."""
        if not self.rules:
            return ()
        from pytest_ato.rules.load import detectors

        return detectors(self.rules)

    def inputs(self, definitions: Iterable[Definition]) -> Inputs:
        """What audits are judged by, read from its files; raises `UsageError` or `PolicyError`.

        The policy may name the detectors with these `definitions`.
        """
        from pytest_ato.audit import Inputs
        from pytest_ato.enrich.choice import Sources
        from pytest_ato.enrich.lists import load
        from pytest_ato.model.policy import Terms
        from pytest_ato.policy import baseline, decode

        terms = decode.load(self.policy) if self.policy else Terms()
        decode.check_names(terms, definitions)
        terms = baseline.under(terms, self.baseline, update=self.update_baseline)
        return Inputs(
            terms=replace(terms, lists=load(self.domain_list, self.asn_list)),
            sources=Sources(self.enrich, self.resolver, self.asn_table),
        )

    def under(self, policy: Policy) -> Settings:
        """The same settings, where nothing was given as `policy` says."""
        if self.fail_on_given or policy.fail_on is None:
            return self
        return replace(self, fail_on=policy.fail_on)

    def options(self) -> Options:
        """The audit options of a target given by option; raises `UsageError`."""
        from pytest_ato.audit import Options
        from pytest_ato.model.octets import octets

        args = [os.fsencode(arg) for arg in self.args]
        grammar.executable_arguments(args, encoded(self.env))
        return Options(
            args=tuple(octets(arg) for arg in args),
            env=self.env,
            stdin=read_stdin(self.stdin) if self.stdin else b"",
            timeout=self.timeout,
            network=self.network,
            limits=self.limits,
            service=self.service,
            expect_exit=self.expect_exit,
            allow=self.allow,
            unmask=self.unmask,
        )


class RawValues:
    """Option values as text, by name, and the directories that their paths are relative to."""

    def __init__(self, values: Mapping[str, Raw], bases: Mapping[str, Path], base: Path) -> None:
        self._values = values
        self._bases = bases
        self._base = base

    def one(self, name: str) -> str:
        """Value of an option that is given once, or its default."""
        value = self._values.get(name)
        return value if isinstance(value, str) and value else _DEFAULT[name]

    def path_or_none(self, name: str) -> Path | None:
        """Path of an option that has no default."""
        value = self.one(name)
        return self.path(name, value) if value else None

    def many(self, name: str) -> list[str]:
        """Values of a repeatable option."""
        value = self._values.get(name)
        return value if isinstance(value, list) else []

    def given(self, name: str) -> bool:
        """Whether an option was given at all."""
        return bool(self._values.get(name))

    def flag(self, name: str) -> bool:
        """Whether a flag is set."""
        return self._values.get(name) is True

    def path(self, name: str, value: str) -> Path:
        """Make `value` absolute, relative to where option `name` was written."""
        return self._bases.get(name, self._base) / value


def parse(raw: RawValues) -> Settings:
    """Parse all values; raises `UsageError` with the grammar of the one that is wrong."""
    return Settings(
        target=tuple(raw.path("target", value) for value in raw.many("target")),
        entry=raw.one("entry"),
        args=grammar.arguments(raw.one("args")),
        stdin=raw.path_or_none("stdin"),
        env=dict(grammar.variable(value) for value in raw.many("env")),
        include=tuple(_include(raw, value) for value in raw.many("include")),
        timeout=grammar.timeout(raw.one("timeout")),
        limits=grammar.limits(raw.many("limit")),
        service=raw.flag("service"),
        expect_exit=grammar.exit_status(raw.one("expect-exit")),
        network=cast("Network", raw.one("network")),
        allow=tuple(raw.many("allow")),
        enrich=cast("Mode", raw.one("enrich")),
        resolver=grammar.resolver(raw.one("resolver")) if raw.one("resolver") else None,
        asn_table=raw.path_or_none("asn-table"),
        rules=tuple(raw.path("rules", value) for value in raw.many("rules")),
        domain_list=tuple(raw.path("domain-list", value) for value in raw.many("domain-list")),
        asn_list=tuple(raw.path("asn-list", value) for value in raw.many("asn-list")),
        report_dir=raw.path("report-dir", raw.one("report-dir")),
        policy=raw.path_or_none("policy"),
        baseline=raw.path_or_none("baseline"),
        update_baseline=raw.flag("update-baseline"),
        fail_on=cast("Literal['reject', 'review', 'conditions']", raw.one("fail-on")),
        fail_on_given=raw.given("fail-on"),
        allow_inconclusive=raw.flag("allow-inconclusive"),
        loader=raw.one("loader"),
        runtime=raw.one("runtime"),
        image=raw.one("image"),
        sign=raw.one("sign"),
        require_hsm=raw.flag("require-hsm"),
        evidence_log=_evidence_log(raw),
        batch=grammar.batch(raw.one("batch")),
        timestamp=raw.one("timestamp"),
        metrics=_metrics(raw.one("metrics"), raw),
        unmask=raw.flag("unmask"),
    )


def check(values: Mapping[str, Raw]) -> None:
    """Check the text of all values against the table; raises `UsageError` naming the option."""
    for setting in TABLE:
        value = values.get(setting.name)
        if setting.arity is Arity.FLAG or not value or isinstance(value, bool):
            continue
        for item in value if isinstance(value, list) else [value]:
            try:
                setting.parse(item)
            except UsageError as error:
                raise UsageError(f"{setting.dest}: {error}") from None


def encoded(env: Mapping[str, str]) -> Iterable[tuple[bytes, bytes]]:
    """Encode the variables as execve(2) gets them."""
    return ((os.fsencode(name), os.fsencode(value)) for name, value in env.items())


def read_stdin(path: Path) -> bytes:
    """Read a regular file of at most 64 MiB that becomes a target's standard input."""
    from pytest_ato.target import files

    with files.open_regular(path, "standard input") as file:
        content = file.read(_STDIN_LIMIT + 1)
    if len(content) > _STDIN_LIMIT:
        raise UsageError(
            f"standard input {files.printable(path)} is larger than {_STDIN_LIMIT >> 20} MiB"
        )
    return content


def _include(raw: RawValues, value: str) -> grammar.Include:
    include = grammar.include(value)
    return replace(include, source=str(raw.path("include", include.source)))


def _evidence_log(raw: RawValues) -> Path:
    given = raw.one("evidence-log")
    if given:
        return raw.path("evidence-log", given)
    return raw.path("report-dir", raw.one("report-dir")) / "evidence.log"


def _metrics(given: str, raw: RawValues) -> str:
    is_url = given.startswith(("http://", "https://"))
    return given if is_url or not given else str(raw.path("metrics", given))
