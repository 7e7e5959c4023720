"""The metadata services of cloud machines: credentials of the machine's role, for who asks.

Owns Amazon's (versions 1 and 2 of its protocol, and of containers), Google's and Azure's.
"""

from __future__ import annotations

from pytest_ato.capture.sinkhole.services.interface import Answer, Request, as_json, as_text

_ADDRESSES = ("169.254.169.254", "fd00:ec2::254", "169.254.170.2", "100.100.100.200")
_NAMES = ("metadata.google.internal", "metadata", "instance-data", "metadata.azure.internal")
_ROLE = "app-server-role"
_ACCOUNT = "482913746205"
_TOKEN = "AQAEAGt3b3J5c3RvcmUtaW1kcy10b2tlbi1leGFtcGxlLTAwMDE="  # noqa: S105 - of nobody
_CREDENTIALS = {
    "Code": "Success",
    "LastUpdated": "2026-01-01T00:00:00Z",
    "Type": "AWS-HMAC",
    "AccessKeyId": "ASIAXAMPLE7ROLE5CRED",
    "SecretAccessKey": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYROLEEXAMPLE",
    "Token": "IQoJb3JpZ2luX2VjEXAMPLETOKEN" + "0123456789abcdef" * 12,
    "Expiration": "2036-01-01T00:00:00Z",
}
_IDENTITY = {
    "accountId": _ACCOUNT,
    "architecture": "x86_64",
    "availabilityZone": "us-east-1a",
    "imageId": "ami-0abcdef1234567890",
    "instanceId": "i-0a1b2c3d4e5f67890",
    "instanceType": "m5.large",
    "privateIp": "192.168.50.23",
    "region": "us-east-1",
    "version": "2017-09-30",
}
_AMAZON = {
    "": "ami-id\nhostname\niam/\ninstance-id\ninstance-type\nlocal-ipv4\nplacement/\n",
    "ami-id": _IDENTITY["imageId"],
    "hostname": "ip-192-168-50-23.ec2.internal",
    "iam/": "info\nsecurity-credentials/\n",
    "iam/security-credentials/": _ROLE,
    "iam/security-credentials": _ROLE,
    "instance-id": _IDENTITY["instanceId"],
    "instance-type": _IDENTITY["instanceType"],
    "local-ipv4": _IDENTITY["privateIp"],
    "placement/region": _IDENTITY["region"],
    "placement/availability-zone": _IDENTITY["availabilityZone"],
}
_BEARER = {
    "access_token": "ya29.c.EXAMPLE-metadata-token-0123456789abcdef",
    "expires_in": 3599,
    "token_type": "Bearer",
}


def answer(request: Request) -> Answer | None:
    """Answer whatever goes to an address or a name of such a service."""
    if request.address not in _ADDRESSES and request.host not in _NAMES:
        return None
    if "metadata-flavor" in request.headers:
        return _google(request.path)
    if request.headers.get("metadata", "").lower() == "true":
        return _azure(request.path)
    return _amazon(request)


def _amazon(request: Request) -> Answer:
    path = request.path
    if path == "/latest/api/token":
        return as_text(_TOKEN) if request.method == "PUT" else as_text("", 405)
    if path.startswith("/v2/credentials/"):
        return as_json({**_CREDENTIALS, "RoleArn": f"arn:aws:iam::{_ACCOUNT}:role/{_ROLE}"})
    parts = path.split("/", 3)  # "", version, tree, rest
    tree, rest = parts[2] if len(parts) > 2 else "", parts[3] if len(parts) > 3 else ""
    if tree == "meta-data":
        if rest == f"iam/security-credentials/{_ROLE}":
            return as_json(_CREDENTIALS)
        return as_text(_AMAZON[rest]) if rest in _AMAZON else as_text("Not Found\n", 404)
    if (tree, rest) == ("dynamic", "instance-identity/document"):
        return as_json(_IDENTITY)
    if tree == "user-data":
        return as_text("#!/bin/bash\n/opt/app/bin/start --environment production\n")
    return as_text("dynamic\nmeta-data\nuser-data\n" if not tree else "Not Found\n")


def _google(path: str) -> Answer:
    flavor = (("Metadata-Flavor", "Google"),)
    if path.endswith("/token"):
        body = as_json(_BEARER).body
        return Answer(body, headers=flavor)
    texts = {
        "/computeMetadata/v1/project/project-id": "app-production-417",
        "/computeMetadata/v1/instance/service-accounts/": "default/\n",
        "/computeMetadata/v1/instance/service-accounts/default/email": (
            "417-compute@developer.gserviceaccount.com"
        ),
    }
    text = texts.get(path, "instance/\nproject/\n")
    return Answer(text.encode(), "application/text", headers=flavor)


def _azure(path: str) -> Answer:
    if path.startswith("/metadata/identity"):
        return as_json({**_BEARER, "resource": "https://management.azure.com/"})
    machine = {"vmId": "5c08b38e-4d57-4c23-ac45-aca61037f084", "location": "westeurope"}
    return as_json({"compute": {**machine, "name": "app-1"}})
