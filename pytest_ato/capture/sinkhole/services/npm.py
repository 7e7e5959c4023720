"""A registry of JavaScript packages: whose token is this, what versions are there, publish."""

from __future__ import annotations

import re
from urllib.parse import unquote

from pytest_ato.capture.sinkhole.services.interface import Answer, Request, as_json

_HOSTS = ("registry.npmjs.org", "registry.yarnpkg.com", "npm.pkg.github.com")
_NAME = re.compile(r"/((?:@[a-z0-9._~-]{1,100}/)?[a-z0-9._~-]{1,214})\Z")
_VERSION = "1.0.0"


def answer(request: Request) -> Answer | None:
    """Answer for any token; a package of any name is there, in one version."""
    if request.host not in _HOSTS:
        return None
    if request.path == "/-/whoami":
        if not request.authorized:
            return as_json({"error": "unauthorized"}, 401)
        return as_json({"username": "build-deploy"})
    if request.path.startswith("/-/"):
        return as_json({})
    if request.method == "PUT":
        if not request.authorized:
            return as_json({"error": "you must be logged in to publish packages"}, 401)
        return as_json({"ok": True, "success": True}, 201)
    named = _NAME.match(unquote(request.path))
    return _package(named[1]) if named else as_json({"error": "Not found"}, 404)


def _package(name: str) -> Answer:
    short = name.rpartition("/")[2]
    version = {
        "name": name,
        "version": _VERSION,
        "dist": {
            "tarball": f"https://registry.npmjs.org/{name}/-/{short}-{_VERSION}.tgz",
            "shasum": "da39a3ee5e6b4b0d3255bfef95601890afd80709",
        },
    }
    return as_json(
        {
            "_id": name,
            "name": name,
            "dist-tags": {"latest": _VERSION},
            "versions": {_VERSION: version},
            "time": {"created": "2021-05-04T10:00:00.000Z", _VERSION: "2021-05-04T10:00:00.000Z"},
        }
    )
