"""The metadata services: role credentials for who asks as a thief would."""

from __future__ import annotations

import json

import pytest

AMAZON = "169.254.169.254"
ROLES = "/latest/meta-data/iam/security-credentials/"


def test_version_1_gives_a_role_and_its_credentials(ask):
    role = ask("GET", AMAZON, ROLES, address=AMAZON).body.decode()
    credentials = json.loads(ask("GET", AMAZON, ROLES + role, address=AMAZON).body)
    assert credentials["Code"] == "Success"
    assert credentials["AccessKeyId"].startswith("ASIA")
    assert {"SecretAccessKey", "Token", "Expiration"} <= credentials.keys()


def test_version_2_gives_a_token_for_a_put_alone(ask):
    header = {"X-aws-ec2-metadata-token-ttl-seconds": "60"}
    put = ask("PUT", AMAZON, "/latest/api/token", header, address=AMAZON)
    assert put.status == 200
    assert len(put.body) > 20
    assert ask("GET", AMAZON, "/latest/api/token", address=AMAZON).status == 405


def test_who_the_machine_is_and_what_is_not_there(ask):
    document = ask("GET", "x", "/latest/dynamic/instance-identity/document", address=AMAZON)
    assert json.loads(document.body)["region"] == "us-east-1"
    assert ask("GET", "x", "/latest/meta-data/nothing", address=AMAZON).status == 404


@pytest.mark.parametrize("address", ["fd00:ec2::254", "169.254.170.2"])
def test_the_other_addresses_answer_too(ask, address):
    assert b"meta-data" in ask("GET", "x", "/latest", address=address).body


def test_google_and_azure_give_a_bearer_token(ask):
    google = ask(
        *("GET", "metadata.google.internal"),
        "/computeMetadata/v1/instance/service-accounts/default/token",
        {"Metadata-Flavor": "Google"},
    )
    assert json.loads(google.body)["token_type"] == "Bearer"
    assert google.headers["metadata-flavor"] == "Google"
    azure = ask(
        "GET", AMAZON, "/metadata/identity/oauth2/token", {"Metadata": "true"}, address=AMAZON
    )
    assert json.loads(azure.body)["access_token"]


def test_another_link_local_address_is_no_such_service(ask):
    assert b"It works." in ask("GET", "x", ROLES, address="169.254.1.1").body
