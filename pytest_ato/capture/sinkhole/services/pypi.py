"""An index of Python packages: the simple pages, the JSON ones, and the door to upload."""

from __future__ import annotations

import re

from pytest_ato.capture.sinkhole.services.interface import Answer, Request, as_json, as_text

_HOSTS = ("pypi.org", "test.pypi.org", "upload.pypi.org", "files.pythonhosted.org")
_PROJECT = re.compile(r"/(simple|pypi)/([A-Za-z0-9._-]{1,100})/?(json)?/?\Z")
_SIMPLE = "application/vnd.pypi.simple.v1+json"
_PAGE = (
    '<!DOCTYPE html>\n<html><head><meta name="pypi:repository-version" content="1.1">'
    "<title>{title}</title></head><body><h1>{title}</h1>{links}</body></html>\n"
)


def answer(request: Request) -> Answer | None:
    """Answer for a project of any name: it is there, and has no file yet."""
    if request.host not in _HOSTS:
        return None
    if request.path == "/legacy/":
        return as_text("OK") if request.authorized else as_text("Invalid API Token", 403)
    wants_json = _SIMPLE in request.headers.get("accept", "")
    if request.path in ("/simple", "/simple/"):
        return _index() if not wants_json else _as_simple({"projects": [{"name": "requests"}]})
    named = _PROJECT.match(request.path)
    if named is None:
        return as_text("404 Not Found", 404)
    name = named[2].lower()
    if named[1] == "pypi":
        info = {"name": name, "version": "1.0.0", "summary": ""}
        return as_json({"info": info, "releases": {"1.0.0": []}, "urls": []})
    if wants_json:
        return _as_simple({"name": name, "files": [], "versions": []})
    return _as_page(f"Links for {name}", "")


def _index() -> Answer:
    return _as_page("Simple index", '<a href="/simple/requests/">requests</a>')


def _as_page(title: str, links: str) -> Answer:
    return Answer(_PAGE.format(title=title, links=links).encode(), "text/html; charset=utf-8")


def _as_simple(value: dict[str, object]) -> Answer:
    return Answer(as_json({"meta": {"api-version": "1.1"}, **value}).body, _SIMPLE)
