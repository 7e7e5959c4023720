"""The index of Python packages."""

from __future__ import annotations

import json

HOST = "pypi.org"
SIMPLE = "application/vnd.pypi.simple.v1+json"


def test_a_project_has_a_page_in_both_forms(ask):
    page = ask("GET", HOST, "/simple/Requests/")
    assert b"Links for requests" in page.body
    answer = ask("GET", HOST, "/simple/requests/", {"Accept": f"{SIMPLE}, text/html;q=0.1"})
    assert answer.headers["content-type"] == SIMPLE
    assert json.loads(answer.body)["files"] == []


def test_its_json_is_there_and_the_index(ask):
    assert json.loads(ask("GET", HOST, "/pypi/requests/json").body)["info"]["name"] == "requests"
    assert b"/simple/requests/" in ask("GET", HOST, "/simple/").body


def test_an_upload_wants_a_token(ask):
    assert ask("POST", "upload.pypi.org", "/legacy/", body=b"x").status == 403
    authorization = {"Authorization": "Basic X190b2tlbl9f"}
    assert ask("POST", "upload.pypi.org", "/legacy/", authorization, body=b"x").status == 200


def test_a_name_that_cannot_be_is_not_repeated(ask):
    answer = ask("GET", HOST, "/simple/<script>/")
    assert (answer.status, b"script" in answer.body) == (404, False)
