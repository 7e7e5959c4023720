"""A rule at work in the pipeline: findings like any detector's, with stable keys and lineage."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_ato.detectors.pipeline import Pipeline
from pytest_ato.model.events import Connect, Dns, Exec, Fork, Start
from pytest_ato.model.findings import Category, Severity
from pytest_ato.rules.check import check
from pytest_ato.rules.load import detectors, load

EXAMPLE = Path(__file__).parents[2] / "examples" / "rules.yaml"


def test_the_example_passes_its_own_test() -> None:
    assert [checked.failures for checked in check(load(EXAMPLE))] == [(), ()]


def test_examples_that_come_out_wrong_are_told(write, rule) -> None:
    swapped = rule.replace("positive:", "x:").replace("negative:", "positive:")
    [checked] = check(load(write(swapped.replace("x:", "negative:"))))
    assert checked.failures == ("positive[0]: it does not fire", "negative[0]: it fires")


def findings(paths, *events):
    pipeline = Pipeline(detectors(paths))
    for event in events:
        pipeline.feed(event)
    pipeline.finish()
    assert not pipeline.failures
    return pipeline.findings


def test_a_finding(write, rule) -> None:
    start = Start(
        ts=1, kernel="", loader="core", attach_ms=0, probes={}, init=9, uid=1, home="/home/user",
        program="/opt/app",
    )  # fmt: skip
    tool = Exec(ts=4, pid=11, path="/home/user/bin/rclone", file="/x", argv=("rclone",), ppid=10)
    [finding] = findings(
        [write(rule)],
        start,
        Exec(ts=2, pid=10, path="/opt/app", file="/opt/app", argv=("app",), ppid=9),
        Fork(ts=3, pid=10, child=11),
        *[tool] * 1000,
    )
    assert (finding.detector, finding.rule) == ("acme_copy", "ACME-EXF-001")
    assert (finding.category, finding.severity) == (Category.EXFIL, Severity.HIGH)
    assert finding.key == "acme_copy:~/bin/rclone"
    assert finding.count == 1000
    assert [link.pid for link in finding.lineage] == [10, 11]


def test_a_destination_is_written_by_its_name(write, rule) -> None:
    connect = rule.replace("event: exec", "event: connect").replace(
        'path: {glob: "*/rclone"}', "port: {eq: 22}"
    )
    fields = "{source: kernel, family: inet, address: 203.0.113.9, port: %s}"
    connect = connect.replace(
        "{path: /usr/bin/rclone, file: /usr/bin/rclone, argv: [rclone]}", fields % 22
    )
    connect = connect.replace("{path: /usr/bin/cp, file: /usr/bin/cp, argv: [cp]}", fields % 23)
    address = "198.18.3.4"
    [finding] = findings(
        [write(connect)],
        Dns(
            ts=1, client="c", server="s", transport="udp", qname="git.vendor.example", qtype="A",
            rcode="NOERROR", answers=(address,),
        ),
        Connect(ts=2, pid=10, source="kernel", family="inet", address=address, port=22),
    )  # fmt: skip
    assert finding.key == "acme_copy:git.vendor.example:22"


@pytest.mark.parametrize("file", [EXAMPLE])
def test_two_files_with_one_name_are_refused(file, write, rule) -> None:
    from pytest_ato.detectors import registry
    from pytest_ato.model.errors import UsageError

    with pytest.raises(UsageError, match="call themselves"):
        registry.load(detectors([file, file]))
