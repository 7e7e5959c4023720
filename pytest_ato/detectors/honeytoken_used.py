"""honeytoken_used: a planted credential is presented to a service, as its owner would.

Owns where in a request a credential stands, and which service it is. The sinkhole answers as the
service would, so a thief who tries what he found shows it here. That the value left is another
detector's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import ClassVar, Final

from pytest_ato.detectors.context import Context
from pytest_ato.detectors.interface import Definition, Detector
from pytest_ato.detectors.traffic import Exchange
from pytest_ato.model.findings import Category, Evidence, Finding, Severity
from pytest_ato.model.octets import octets, show
from pytest_ato.model.record import Event
from pytest_ato.protocols.messages import Request

MAX_CREDENTIALS: Final = 2000
"""Different credentials that are looked at."""
_LONGEST: Final = 16 << 10
_HEADERS: Final = frozenset(
    {
        *(b"authorization", b"proxy-authorization", b"x-api-key", b"api-key", b"apikey"),
        *(b"private-token", b"job-token", b"x-auth-token", b"x-access-token", b"x-vault-token"),
        *(b"x-amz-security-token", b"x-goog-api-key", b"x-registry-auth", b"cookie"),
    }
)
_USER: Final = re.compile(rb"^[a-zA-Z][a-zA-Z0-9+.-]*://([^/?#@]*)@")
_IN_QUERY: Final = re.compile(
    rb"(?i)[?&](?:x-amz-credential|x-amz-security-token|access_token|private_token|api_?key|"
    rb"_authtoken|token|key)=([^&#]*)"
)
_SERVICES: Final = (
    ("AWS STS", re.compile(r"sts(?:\.[a-z0-9-]+)?\.amazonaws\.com(?:\.cn)?")),
    ("AWS", re.compile(r"(?:.+\.)?amazonaws\.com(?:\.cn)?")),
    ("GitHub", re.compile(r"(?:.+\.)?github(?:usercontent)?\.com|ghcr\.io")),
    ("GitLab", re.compile(r"(?:.+\.)?gitlab\.com")),
    ("npm registry", re.compile(r"(?:.+\.)?npmjs\.(?:org|com)|npm\.pkg\.github\.com")),
    ("PyPI", re.compile(r"(?:.+\.)?(?:pypi\.org|pythonhosted\.org)")),
    ("Slack", re.compile(r"(?:.+\.)?slack\.com")),
    ("Stripe", re.compile(r"(?:.+\.)?stripe\.com")),
    ("Docker registry", re.compile(r"(?:.+\.)?docker\.(?:io|com)")),
    ("cloud metadata", re.compile(r"169\.254\.169\.254|metadata\.google\.internal")),
)


class HoneytokenUsed(Detector):
    """One finding for each honeytoken and destination."""

    definition: ClassVar[Definition] = Definition(
        rule="ATO-EXF-002",
        name="honeytoken_used",
        category=Category.EXFIL,
        severity=Severity.CRITICAL,
        title="A planted credential is presented to a service",
        technique="T1078",
        fires="an HTTP request, in clear or inside TLS, is signed with a planted key id (SigV4) "
        "or carries a planted value as its credential: Authorization, an API key's header, "
        "a user in the URL, a token in the query",
        silent="a request with a credential that was not planted",
        wants=(Exchange,),
        needs=frozenset({"sinkhole", "open"}),
    )

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._looked_at: dict[bytes, tuple[str, ...]] = {}

    def process(self, event: Event) -> Iterable[Finding]:
        """Look at what the request gives to show who it is from."""
        if not isinstance(event, Exchange):
            return
        told: set[str] = set()
        for kind, value in _credentials(event.request):
            for token in self._planted(value):
                if token not in told:
                    told.add(token)
                    yield self._used(event, token, kind)

    def _planted(self, value: bytes) -> tuple[str, ...]:
        """Names of the honeytokens whose values are part of `value`, in whatever encoding."""
        known = self._looked_at.get(value)
        if known is None:
            hits = self.context.tokens.matcher.scan(value)
            known = tuple(dict.fromkeys(hit.carrier for hit in hits))
            if len(self._looked_at) < MAX_CREDENTIALS:
                self._looked_at[value] = known
        return known

    def _used(self, event: Exchange, token: str, kind: str) -> Finding:
        process = event.process
        by = f" by {process.label}" if process else ""
        host = show(octets(event.request.host), 100).lower().rpartition("@")[2]
        service = _service(host.partition(":")[0] or event.destination.rpartition(":")[0])
        method = show(octets(event.request.method), 20)
        text = f"{method} {self.context.tokens.mask_text(event.url)} with {kind}"
        return self.finding(
            key=f"{token}:{event.destination}",
            title=f"{token} presented to {service or event.destination}{by} as {kind}",
            evidence=[Evidence(ts=event.ts, text=text, pid=process.pid if process else 0)],
            where=event.destination,
            process=process,
        )


def _credentials(request: Request) -> Iterator[tuple[str, bytes]]:
    """Yield what kind of credential a request has, and its text."""
    for name, value in request.headers:
        if name in _HEADERS and value:
            yield _kind(name, value), value[:_LONGEST]
    for match in (_USER.match(request.target), *_IN_QUERY.finditer(request.target)):
        if match is not None:
            yield "a part of the URL", match.group(1)[:_LONGEST]


def _kind(name: bytes, value: bytes) -> str:
    scheme = value.split(b" ", 1)[0].lower()
    schemes = {
        b"aws4-hmac-sha256": "a SigV4 signature",
        b"bearer": "a bearer token",
        b"token": "a token",
        b"basic": "a user and password",
    }
    return schemes.get(scheme, f"the header {name.decode('latin-1')}")


def _service(host: str) -> str:
    name = next((name for name, pattern in _SERVICES if pattern.fullmatch(host)), "")
    return f"{name} ({host})" if name else ""
