"""The registry of JavaScript packages."""

from __future__ import annotations

import json

import pytest

HOST = "registry.npmjs.org"
TOKEN = {"Authorization": "Bearer npm_0123456789"}


def test_a_token_is_somebodys_and_may_publish(ask):
    assert json.loads(ask("GET", HOST, "/-/whoami", TOKEN).body)["username"]
    assert ask("PUT", HOST, "/left-pad", TOKEN, body=b"{}").status == 201


def test_without_one_there_is_neither(ask):
    assert ask("GET", HOST, "/-/whoami").status == 401
    assert ask("PUT", HOST, "/left-pad", body=b"{}").status == 401


@pytest.mark.parametrize(
    ("path", "name"), [("/left-pad", "left-pad"), ("/@scope%2fthing", "@scope/thing")]
)
def test_any_package_is_there(ask, path, name):
    document = json.loads(ask("GET", HOST, path).body)
    assert document["name"] == name
    latest = document["dist-tags"]["latest"]
    assert document["versions"][latest]["dist"]["tarball"].endswith(".tgz")


def test_a_name_that_cannot_be_is_not_repeated(ask):
    answer = ask("GET", HOST, "/%3Cscript%3E")
    assert (answer.status, b"script" in answer.body) == (404, False)
