"""Parts of a report in the order and the groups in which people read them."""

from __future__ import annotations

from pytest_ato.model.report import Request
from pytest_ato.reports.grouping import ranges, repeated


def request(ts: int, url: str = "http://a.example/poll") -> Request:
    return Request(
        ts=ts,
        method="GET",
        url=url,
        host="a.example",
        destination="a.example:80",
        process="agent",
        channel="tcp",
        version="HTTP/1.1",
        headers=("host",),
        body_bytes=0,
    )


def test_findings_in_a_row_are_named_by_the_first_and_the_last() -> None:
    assert ranges(["F-001", "F-002", "F-003", "F-005"]) == (("F-001", "F-003"), ("F-005", ""))
    assert ranges(["F-998", "F-999", "F-1000"]) == (("F-998", "F-1000"),)


def test_two_in_a_row_are_named_each() -> None:
    assert ranges(["F-001", "F-002", "F-009"]) == (("F-001", ""), ("F-002", ""), ("F-009", ""))


def test_what_is_no_number_of_a_finding_stands_alone() -> None:
    ids = ["F-1", "F-2x", "", "F-３", "<b>", "F-" + "9" * 5000]  # noqa: RUF001
    assert ranges(ids) == tuple((each, "") for each in ids)
    assert ranges([]) == ()


def test_equal_requests_are_told_once_with_their_number() -> None:
    other = request(3, "http://b.example/")
    first = request(1)
    assert repeated([first, request(2), other, request(4)]) == ((first, 3), (other, 1))
