"""Merging: the order in which findings come in changes neither counts nor severity."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pytest_ato.detectors.merge import MAX_EVIDENCE, Merged
from pytest_ato.model.findings import Category, Evidence, Finding, Severity

_FINDINGS = st.lists(
    st.builds(
        Finding,
        ts=st.integers(0, 99),
        detector=st.just("d"),
        rule=st.just("R-1"),
        category=st.just(Category.DNS),
        severity=st.sampled_from(Severity),
        title=st.sampled_from("ab"),
        key=st.sampled_from(("d:1", "d:2", "d:3")),
        count=st.integers(1, 5),
        evidence=st.lists(st.builds(Evidence, ts=st.just(0), text=st.just("e"))).map(tuple),
    ),
    max_size=20,
)


def _numbered(findings):
    merged = Merged()
    merged.add(findings)
    return merged.numbered()


@given(_FINDINGS)
def test_one_finding_for_each_key(findings):
    numbered = _numbered(findings)
    assert {finding.key for finding in numbered} == {finding.key for finding in findings}
    assert [finding.id for finding in numbered] == [
        f"F-{number:03}" for number in range(1, len(numbered) + 1)
    ]
    order = [(-finding.severity.rank, finding.key) for finding in numbered]
    assert order == sorted(order)
    for finding in numbered:
        same = [one for one in findings if one.key == finding.key]
        assert finding.count == sum(one.count for one in same)
        assert finding.severity.rank == max(one.severity.rank for one in same)
        assert finding.ts == min(one.ts for one in same)
        assert len(finding.evidence) == min(MAX_EVIDENCE, sum(len(one.evidence) for one in same))


@given(_FINDINGS, st.randoms())
def test_the_order_of_arrival_changes_no_number(findings, random):
    shuffled = list(findings)
    random.shuffle(shuffled)
    told = [(f.id, f.key, f.severity, f.count, f.ts) for f in _numbered(findings)]
    assert told == [(f.id, f.key, f.severity, f.count, f.ts) for f in _numbered(shuffled)]
