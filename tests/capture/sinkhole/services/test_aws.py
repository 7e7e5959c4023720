"""Amazon's token service."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import pytest

KEY = {"Authorization": "AWS4-HMAC-SHA256 Credential=AKIAX/20260101/us-east-1/sts/aws4_request"}
QUESTION = b"Action=GetCallerIdentity&Version=2011-06-15"


@pytest.mark.parametrize("host", ["sts.amazonaws.com", "sts.us-east-1.amazonaws.com:443"])
def test_a_signed_call_is_told_who_it_is(ask, host):
    answer = ask("POST", host, "/", KEY, body=QUESTION)
    assert (answer.status, answer.headers["content-type"]) == (200, "text/xml")
    tree = ElementTree.fromstring(answer.body)
    arn = tree.find(".//{*}Arn")
    assert arn is not None
    assert arn.text is not None
    assert arn.text.startswith("arn:aws:iam::")


def test_a_call_without_a_signature_is_not(ask):
    answer = ask("POST", "sts.amazonaws.com", "/", body=QUESTION)
    assert answer.status == 403
    assert b"MissingAuthenticationToken" in answer.body


def test_buckets_are_listed(ask):
    assert b"<Bucket>" in ask("GET", "s3.amazonaws.com", "/", KEY).body


def test_a_name_that_only_looks_like_it_is_somebody_else(ask):
    assert b"It works." in ask("GET", "sts.amazonaws.com.example", "/", KEY).body
