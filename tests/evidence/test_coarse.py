"""The evidence view: addresses as networks, ports as 0, everywhere."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ato.evidence.views import mask_sensitive_fields

TEXTS = {
    "sent to 203.0.113.77:443 (tcp)": "sent to 203.0.113.0/24:0 (tcp)",
    "203.0.113.77": "203.0.113.0/24",
    "from 192.0.2.255, then": "from 192.0.2.0/24, then",
    "192.0.2.8/32": "192.0.2.0/24",
    "10.0.0.0/8": "10.0.0.0/8",
    "[2001:db8:1:2::5]:8443": "2001:db8:1::/48:0",
    "to 2001:db8:1:2::5 at once": "to 2001:db8:1::/48 at once",
    "::1": "::/48",
    "::ffff:192.0.2.7 mapped": "::/48 mapped",
    "telemetry.vendor.example:8443 by x": "telemetry.vendor.example:0 by x",
    "version 1.2.3 of a.b": "version 1.2.3 of a.b",
    "libssl.so.3: no": "libssl.so.3: no",
    "at 12:34:56 o'clock": "at 12:34:56 o'clock",
    "2026-11-25T12:34:56.123+00:00": "2026-11-25T12:34:56.123+00:00",
    "\u2039aws_secret:40:1a2b3c4d\u203a": "\u2039aws_secret:40:1a2b3c4d\u203a",
    "999.1.1.1 is none": "999.1.1.1 is none",
    "SHA256:00ff is a key": "SHA256:00ff is a key",
    "sha256 aa:bb": "sha256 aa:bb",
}


@pytest.mark.parametrize("text", TEXTS)
def test_texts(text: str) -> None:
    assert mask_sensitive_fields(text) == TEXTS[text]
    assert mask_sensitive_fields(TEXTS[text]) == TEXTS[text]


def test_fields_of_a_flow() -> None:
    flow = {
        "src": "192.0.2.17",
        "dst": "2001:db8:aa:bb::1",
        "src_port": 50123,
        "dport": "443",
        "ports": [80, 443],
        "bytes": 17,
        "nested": [{"peer": "198.51.100.9:53"}],
        "port_scan": True,
    }
    assert mask_sensitive_fields(flow) == {
        "src": "192.0.2.0/24",
        "dst": "2001:db8:aa::/48",
        "src_port": 0,
        "dport": 0,
        "ports": [0, 0],
        "bytes": 17,
        "nested": [{"peer": "198.51.100.0/24:0"}],
        "port_scan": True,
    }


@given(
    st.ip_addresses(), st.sampled_from(["", "to ", "(", "a, "]), st.sampled_from(["", " x", ")"])
)
def test_no_host_part_of_any_address_is_left(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address, before: str, after: str
) -> None:
    text = mask_sensitive_fields(f"{before}{address}{after}")
    network = ipaddress.ip_network(f"{address}/{24 if address.version == 4 else 48}", strict=False)
    assert text == f"{before}{network}{after}"


@given(st.text(max_size=80))
def test_any_text_comes_out_the_same_the_second_time(text: str) -> None:
    once = mask_sensitive_fields(text)
    assert mask_sensitive_fields(once) == once
