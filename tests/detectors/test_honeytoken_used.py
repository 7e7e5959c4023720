"""honeytoken_used: a planted credential where a service expects one, and nowhere else."""

from __future__ import annotations

import base64

import pytest

from pytest_ato.detectors.honeytoken_used import HoneytokenUsed
from pytest_ato.model.findings import Severity

SINK = "198.18.0.7"


def _request(*headers, target="/", host="api.vendor.example"):
    return "\r\n".join([f"GET {target} HTTP/1.1", f"Host: {host}", *headers, "", ""]).encode()


def _signature(key):
    return (
        f"Authorization: AWS4-HMAC-SHA256 Credential={key}/20250101/us-east-1/sts/aws4_request, "
        "SignedHeaders=host;x-amz-date, Signature=00ff"
    )


def test_a_signed_call_of_sts(log, detect):
    thief = log.spawn(log.root, "/usr/bin/python3")
    log.dns("sts.amazonaws.com", SINK, pid=thief)
    call = _request(_signature(log.values["aws_id"]), host="sts.amazonaws.com")
    log.tls(thief, SINK, 443, call, via=("proxy",))
    [finding] = detect(HoneytokenUsed, log)
    assert finding.severity is Severity.CRITICAL
    assert finding.key == "honeytoken_used:aws_credentials:sts.amazonaws.com:443"
    assert "AWS STS (sts.amazonaws.com)" in finding.title
    assert finding.title.endswith("as a SigV4 signature")
    assert log.values["aws_id"] not in str(finding)


@pytest.mark.parametrize(
    ("form", "kind"),
    [
        ("Authorization: Bearer {value}", "a bearer token"),
        ("Authorization: token {value}", "a token"),
        ("Authorization: Basic {basic}", "a user and password"),
        ("PRIVATE-TOKEN: {value}", "the header private-token"),
        ("Cookie: session={value}", "the header cookie"),
    ],
)
def test_every_way_to_present_one(log, detect, form, kind):
    value = log.values["kube_token"]
    basic = base64.b64encode(f"user:{value}".encode()).decode()
    log.tcp(log.root, SINK, 80, _request(form.format(value=value, basic=basic)))
    [finding] = detect(HoneytokenUsed, log)
    assert finding.title.endswith(f"as {kind}")


@pytest.mark.parametrize("target", ["http://u:{value}@a.example/", "/v1?x=1&access_token={value}"])
def test_a_value_in_the_url(log, detect, target):
    target = target.format(value=log.values["kube_token"])
    log.tcp(log.root, SINK, 80, _request(target=target))
    [finding] = detect(HoneytokenUsed, log)
    assert finding.title.endswith("as a part of the URL")
    assert log.values["kube_token"] not in str(finding)


def test_one_key_in_many_requests_is_one_finding(log, detect):
    call = _request(f"Authorization: Bearer {log.values['kube_token']}")
    log.tcp(log.root, SINK, 80, call * 5)
    [finding] = detect(HoneytokenUsed, log)
    assert finding.count == 5


def test_another_key_and_a_value_elsewhere_are_silent(log, detect):
    log.dns("sts.amazonaws.com", SINK)
    log.tls(log.root, SINK, 443, _request(_signature("AKIAIOSFODNN7EXAMPLE")))
    log.tcp(log.root, SINK, 80, _request(f"X-Note: {log.values['kube_token']}"))
    body = log.values["kube_token"]
    post = _request("Content-Length: 20", target="/upload").replace(b"GET", b"POST")
    log.tcp(log.root, SINK, 80, post + body.encode())
    assert detect(HoneytokenUsed, log) == ()
