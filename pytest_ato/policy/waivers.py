"""Who accepts a finding: a name of `allow`, or a waiver that has not expired.

Owns what a waiver matches and what became of each: used, unused or expired. Judged by the day on
which the audit began, so that a replay in two years says the same.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping

from pytest_ato.detectors.paths import home_relative, text
from pytest_ato.model.domains import Domains
from pytest_ato.model.findings import Finding
from pytest_ato.model.octets import show
from pytest_ato.model.patterns import Networks, Paths, host_of, is_network
from pytest_ato.model.policy import Policy, Waiver
from pytest_ato.model.report import WaiverUse


class Acceptance:
    """What is accepted in one audit: ask `by` for each finding, then read `waivers`."""

    def __init__(
        self,
        policy: Policy,
        names: Mapping[str, str],
        day: datetime.date | None,
        home: str = "",
    ) -> None:
        """`names` of detectors, categories or findings' keys to who accepts them, beyond the
        policy's; `day` of the audit: where it is not known, no waiver counts."""
        self._names = {name: f"allowed by the policy: {name}" for name in policy.allow} | {**names}
        self._waivers = [_Matcher(waiver, home) for waiver in policy.waivers]
        self._matched: list[list[str]] = [[] for _ in self._waivers]
        self._day = day

    def by(self, finding: Finding) -> str:
        """Who accepts `finding`, in words; empty if nobody does."""
        found = ""
        for matcher, keys in zip(self._waivers, self._matched, strict=True):
            if matcher.covers(finding):
                keys.append(finding.key)
                if not found and not self._is_over(matcher.waiver):
                    found = _words(matcher.waiver)
        names = self._names
        return (
            finding.waived_by
            or found
            or names.get(finding.key)
            or names.get(finding.category)
            or names.get(finding.detector)
            or ""
        )

    @property
    def waivers(self) -> tuple[WaiverUse, ...]:
        """What became of each waiver, in the order of the file."""
        return tuple(
            self._use(matcher.waiver, keys)
            for matcher, keys in zip(self._waivers, self._matched, strict=True)
        )

    def _use(self, waiver: Waiver, keys: Iterable[str]) -> WaiverUse:
        matched = tuple(dict.fromkeys(keys))
        if self._is_over(waiver):
            return WaiverUse(waiver=waiver, state="expired", findings=matched)
        return WaiverUse(waiver=waiver, state="used" if matched else "unused", findings=matched)

    def _is_over(self, waiver: Waiver) -> bool:
        return self._day is None or waiver.expires < self._day


def day_of(started: str) -> datetime.date | None:
    """The day (UTC) of a time in ISO 8601, as the log's first record has it; None if it is none."""
    try:
        when = datetime.datetime.fromisoformat(started)
    except ValueError:
        return None
    return (when.astimezone(datetime.UTC) if when.tzinfo else when).date()


def _words(waiver: Waiver) -> str:
    ticket = f", {show(waiver.ticket, 60)}" if waiver.ticket else ""
    owner, reason = show(waiver.owner, 60), show(waiver.reason, 120)
    return f"waived by {owner} until {waiver.expires}{ticket}: {reason}"


class _Matcher:
    """One waiver, ready to be compared."""

    def __init__(self, waiver: Waiver, home: str) -> None:
        self.waiver = waiver
        self._home = home
        scope = waiver.scope or ""
        self._paths = Paths([scope] if scope.startswith(("/", "~")) else ())
        self._networks = Networks([scope] if is_network(scope) else ())
        named = bool(scope) and not scope.startswith(("/", "~")) and not is_network(scope)
        self._domains = Domains([host_of(scope)] if named else ())
        self._port = scope.removeprefix(host_of(scope)) if named else ""

    def covers(self, finding: Finding) -> bool:
        waiver = self.waiver
        if waiver.finding is not None:
            return finding.key == waiver.finding
        if waiver.detector not in (finding.detector, finding.category):
            return False
        where = text(finding.where)
        if self._paths.match(home_relative(where, self._home)):
            return True
        host = host_of(where)
        if self._networks.match(host):
            return True
        return bool(self._domains.match(host)) and where.endswith(self._port)
