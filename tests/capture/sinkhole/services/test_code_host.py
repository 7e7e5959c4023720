"""The code host's API."""

from __future__ import annotations

import json

TOKEN = {"Authorization": "token ghp_0123456789"}


def test_a_token_is_somebodys(ask):
    answer = ask("GET", "api.github.com", "/user", TOKEN)
    assert json.loads(answer.body)["login"]
    assert "repo" in answer.headers["x-oauth-scopes"]


def test_none_is_nobodys(ask):
    assert ask("GET", "api.github.com", "/user").status == 401


def test_repositories_are_listed_and_what_is_not_there_is_not(ask):
    (repository,) = json.loads(ask("GET", "api.github.com", "/user/repos?page=1", TOKEN).body)
    assert repository["private"]
    assert ask("GET", "api.github.com", "/no/such", TOKEN).status == 404


def test_a_gist_can_be_made(ask):
    assert ask("POST", "api.github.com", "/gists", TOKEN, body=b"{}").status == 201
