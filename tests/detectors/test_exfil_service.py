"""exfil_service: a service is found by name, handshake, request; its documentation is not."""

from __future__ import annotations

import pytest

from pytest_ato.detectors.exfil_service import ExfilService
from pytest_ato.detectors.services import service, webhook_path
from pytest_ato.model import events as ev
from pytest_ato.model.findings import Severity

ADDRESS = "198.18.0.9"


@pytest.mark.parametrize(
    ("name", "domain"),
    [
        ("webhook.site", "webhook.site"),
        ("WebHook.Site.", "webhook.site"),
        ("pastebin.com", "pastebin.com"),
        ("www.pastebin.com", "pastebin.com"),
        ("a1b2.oast.fun", "oast.fun"),
        ("x.y.ngrok-free.app", "ngrok-free.app"),
        ("api.telegram.org", "api.telegram.org"),
        ("transfer.sh", "transfer.sh"),
    ],
)
def test_a_name_that_is_asked_for(log, detect, name: str, domain: str) -> None:
    log.dns(name, ADDRESS, pid=log.root)
    (finding,) = detect(ExfilService, log)
    assert finding.key == f"exfil_service:{domain}"
    assert finding.severity is Severity.HIGH
    assert finding.rule == "ATO-EXF-013"
    assert [link.pid for link in finding.lineage] == [log.root]


def test_a_handshake_with_a_cached_address(log, detect) -> None:
    log.connect(log.root, "203.0.113.9", 443)
    log.add(
        ev.Handshake,
        connection=1,
        client="192.0.2.2",
        client_port=4000,
        address="203.0.113.9",
        port=443,
        outcome="intercepted",
        sni="hooks.slack.com",
    )
    (finding,) = detect(ExfilService, log)
    assert finding.where == "hooks.slack.com"


def test_a_webhook_below_a_chat(log, detect) -> None:
    for path in (b"/api/webhooks/1/abc", b"/channels/1"):
        request = b"POST " + path + b" HTTP/1.1\r\nHost: discord.com\r\n\r\n"
        log.tcp(log.root, ADDRESS, 80, request)
    (finding,) = detect(ExfilService, log)
    assert (finding.where, finding.count) == ("discord.com", 1)


def test_a_thousand_times_is_one(log, detect) -> None:
    for _ in range(1000):
        log.dns("webhook.site", ADDRESS)
    (finding,) = detect(ExfilService, log)
    assert finding.count == 1000


@pytest.mark.parametrize(
    "name",
    [
        *("docs.pipedream.net", "blog.pastebin.com", "pastebin.readthedocs.io", "telegram.org"),
        *("webhook.site.vendor.example", "mywebhook.site", "slack.com", "ngrok.com", "com", ""),
    ],
)
def test_names_nearby(log, detect, name: str) -> None:
    log.dns(name, ADDRESS)
    assert detect(ExfilService, log) == ()


def test_the_list() -> None:
    assert service("x.webhook.site") == ("webhook.site", "webhook")
    assert webhook_path("ptb.discord.com:443", "/api/webhooks/1") == "discord.com"
    assert not webhook_path("notdiscord.com", "/api/webhooks/1")
