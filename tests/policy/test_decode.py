"""Every key known, every value of its type, no wildcard over everything; the path says where."""

from __future__ import annotations

import datetime

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ato.detectors.interface import Definition
from pytest_ato.model.errors import AtoError, PolicyError
from pytest_ato.model.findings import Category, Severity
from pytest_ato.model.policy import Waiver
from pytest_ato.policy import decode

BEACONING = Definition(
    rule="ATO-C2C-009",
    name="beaconing",
    category=Category.C2,
    severity=Severity.HIGH,
    title="t",
    technique="T1",
    thresholds={"score": 0.8},
)


@pytest.fixture
def load(tmp_path):
    def run(content, name="policy.yaml"):
        path = tmp_path / name
        path.write_text(content)
        terms = decode.load(path)
        decode.check_names(terms, [BEACONING])
        return terms.policy

    return run


def test_all_parts_of_a_policy(load):
    policy = load(
        """\
declared:
  domains: [updates.vendor.example, "*.cdn.vendor.example"]
  cidrs: [203.0.113.0/24, "2001:db8::/32"]
  ports: [443, 8000-8100, 123/udp]
  files: [~/.config/vendor/**, /var/lib/vendor/state.db]
  children: [sh, /opt/vendor/helper-*]
  credentials: {aws: [sts.amazonaws.com]}
  service: true
  exit_status: 3
allow: [c2, beaconing, "beaconing:updates.vendor.example:443"]
deny: {domains: [bad.example], cidrs: [198.51.100.9], files: [/etc/shadow], children: [nc]}
geo: {allow: [DE, NO], deny: [US]}
asn: {deny: [64500, AS64501]}
thresholds: {beaconing: {score: 0.9}}
fail_on: conditions
max_opaque_bytes: 4096
waivers:
  - finding: "beaconing:x.example:443"
    reason: the vendor fixes it in 2.1
    owner: ann@corp.example
    ticket: SEC-7
    expires: 2027-01-31
  - {detector: c2, scope: 203.0.113.9, reason: r, owner: o, expires: 2027-01-31}
"""
    )
    assert policy.declared is not None
    assert policy.declared.service
    assert policy.declared.credentials == {"aws": ("sts.amazonaws.com",)}
    assert policy.geo is not None
    assert policy.geo.allow == ("DE", "NO")
    assert policy.thresholds == {"beaconing": {"score": 0.9}}
    assert policy.waivers[0] == Waiver(
        finding="beaconing:x.example:443",
        reason="the vendor fixes it in 2.1",
        owner="ann@corp.example",
        ticket="SEC-7",
        expires=datetime.date(2027, 1, 31),
    )


def test_toml_and_yaml_say_the_same(load):
    toml = load(
        "fail_on = 'review'\n[[waivers]]\nfinding = 'beaconing:x'\nreason = 'r'\nowner = 'o'\n"
        "expires = 2027-01-31\n",
        "policy.toml",
    )
    yaml = load(
        "fail_on: review\nwaivers:\n- {finding: 'beaconing:x', reason: r, owner: o, "
        "expires: 2027-01-31}\n"
    )
    assert toml == yaml


WAIVER = "reason: r, owner: o, expires: 2027-01-31"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("[a]", "a policy is a mapping"),
        ("declrd: {}", "declrd: no such key; there are declared, allow"),
        ("declared: {domain: [a]}", "declared.domain: no such key; there are domains, cidrs"),
        ("waivers: [{x: 1}]", "waivers[0]"),
        ("declared: {domains: [a.example, 5]}", "declared.domains[1]: expected text, got a whole"),
        ("declared: {domains: a}", "declared.domains: expected a list, got text"),
        ("declared: {service: 'on'}", "declared.service: expected true or false, got text"),
        ("declared: {ports: [true]}", "declared.ports[0]: expected a whole number or text"),
        ("declared: {credentials: {aws: x}}", "declared.credentials.aws: expected a list"),
        ("declared: {credentials: {aws: [a.b, 5]}}", "declared.credentials.aws[1]: expected text"),
        ("declared: {exit_status: 300}", "declared.exit_status: expected a whole number <= 255"),
        ("thresholds: {beaconing: {score: high}}", "thresholds.beaconing.score: expected a number"),
        ("thresholds: {beaconing: 5}", "thresholds.beaconing: expected a mapping"),
        ("thresholds: {beaconing: {scor: 1}}", "thresholds.beaconing.scor: beaconing has no such"),
        ("thresholds: {becon: {score: 1}}", "thresholds.becon: no detector or category is named"),
        ("fail_on: never", "fail_on: expected reject, review or conditions"),
        ("max_opaque_bytes: -1", "max_opaque_bytes: expected a whole number >= 0"),
        ("geo: {allow: [DE, de]}", "geo.allow[1]: expected two capital letters"),
        ("asn: {deny: [AS1, x]}", "asn.deny[1]: expected a number such as 64500"),
        ("allow: ['*']", "allow[0]: no detector or category is named '*'"),
        ("allow: [c2, 'nosuch:x']", "allow[1]: no detector or category is named 'nosuch:x'"),
        ("waivers: [{finding: 'beaconing:x', reason: r, owner: o}]", "waivers[0]: the key expires"),
        (f"waivers: [{{{WAIVER}}}]", "waivers[0]: give the key of a finding, or a detector"),
        (f"waivers: [{{finding: x, {WAIVER}}}]", "waivers[0].finding: expected a finding's key"),
        (f"waivers: [{{detector: c2, {WAIVER}}}]", "waivers[0]: scope is missing"),
        (f"waivers: [{{detector: c2, scope: '*', {WAIVER}}}]", "waivers[0].scope: expected NAME"),
        (f"waivers: [{{detector: c2, scope: '/**', {WAIVER}}}]", "waivers[0].scope: '/**' stands"),
        (f"waivers: [{{detector: x, scope: a.b, {WAIVER}}}]", "waivers[0].detector: no detector"),
        (
            "waivers: [{finding: 'beaconing:x', reason: ' ', owner: o, expires: 2027-01-31}]",
            "waivers[0].reason: is empty",
        ),
        (
            "waivers: [{finding: 'beaconing:x', reason: r, owner: o, expires: 2027-13-01}]",
            "waivers[0].expires: expected a day such as 2027-01-31",
        ),
    ],
)
def test_what_is_wrong_is_told_by_its_path(load, content, words):
    with pytest.raises(PolicyError) as caught:
        load(content)
    message = str(caught.value)
    assert f"policy.yaml: {words}" in message
    assert "\n" not in message


@pytest.mark.parametrize("part", ["declared", "deny"])
@pytest.mark.parametrize(
    ("kind", "wide"),
    [
        ("domains", "*"),
        ("domains", "*.*"),
        ("domains", "*.com"),
        ("domains", "*.co.uk"),
        ("domains", "*.github.io"),
        ("domains", "www.*.example.com"),
        ("domains", "10.0.0.1"),
        ("cidrs", "0.0.0.0/0"),
        ("cidrs", "128.0.0.0/1"),
        ("cidrs", "::/0"),
        ("cidrs", "10.0.0.1/8"),
        ("files", "/**"),
        ("files", "/*"),
        ("files", "**"),
        ("files", "~/**"),
        ("files", "~/.*"),
        ("files", "~/ab*"),
        ("files", "~/abc**"),
        ("files", "/home/**"),
        ("files", "/root/x"),
        ("files", "/etc/../x"),
        ("files", "/etc/"),
        ("children", "*"),
        ("children", "/**"),
        ("children", "sh*"),
    ],
)
def test_no_pattern_stands_for_everything(load, part, kind, wide):
    with pytest.raises(PolicyError) as caught:
        load(f"{part}: {{{kind}: ['{wide}']}}")
    assert f"policy.yaml: {part}.{kind}[0]: " in str(caught.value)


@pytest.mark.parametrize("wide", ["1-65535", "0-65535", "0", "70000", "53/sctp", "x", "443/"])
def test_no_range_stands_for_all_ports(load, wide):
    with pytest.raises(PolicyError, match=r"declared\.ports\[0\]: "):
        load(f"declared: {{ports: ['{wide}']}}")


_KEYS = ["declared", "domains", "allow", "deny", "thresholds", "waivers", "geo", "x", "beaconing"]
_VALUES = st.recursive(
    st.booleans() | st.integers() | st.floats() | st.text(max_size=6) | st.sampled_from(["*", "/"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(_KEYS) | st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(max_examples=80, derandomize=True)
@given(_VALUES)
def test_no_data_breaks_the_decoder(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "hostile.yaml"
    path.write_bytes(msgspec.json.encode(data))
    message = ""
    try:
        decode.check_names(decode.load(path), [BEACONING])
    except AtoError as error:
        message = str(error)
    assert "\n" not in message
