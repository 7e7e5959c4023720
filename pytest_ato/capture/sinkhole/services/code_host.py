"""A code host's API: whose token is this, and what may it reach."""

from __future__ import annotations

from pytest_ato.capture.sinkhole.services.interface import Answer, Request, as_json

_HOSTS = ("api.github.com", "uploads.github.com")
_USER = {
    "login": "build-deploy",
    "id": 58291043,
    "node_id": "MDQ6VXNlcjU4MjkxMDQz",
    "type": "User",
    "site_admin": False,
    "name": "Build and deploy",
    "email": "build@example.com",
    "public_repos": 3,
    "created_at": "2019-11-25T08:12:44Z",
}
_REPOSITORY = {
    "id": 317204455,
    "name": "payments",
    "full_name": "example-corp/payments",
    "private": True,
    "permissions": {"admin": False, "push": True, "pull": True},
    "default_branch": "main",
}
_ANSWERS: dict[str, object] = {
    "/user": _USER,
    "/user/repos": [_REPOSITORY],
    "/user/orgs": [{"login": "example-corp", "id": 40021877}],
    "/user/emails": [{"email": "build@example.com", "primary": True, "verified": True}],
    "/repos/example-corp/payments": _REPOSITORY,
    "/repos/example-corp/payments/actions/secrets": {"total_count": 0, "secrets": []},
    "/rate_limit": {"resources": {"core": {"limit": 5000, "remaining": 4991}}},
}
_WRITES = ("POST", "PUT", "PATCH")


def answer(request: Request) -> Answer | None:
    """Answer for any token; without one, for what is public alone."""
    if request.host not in _HOSTS:
        return None
    scopes = (("X-OAuth-Scopes", "repo, workflow, write:packages"),)
    if not request.authorized:
        return as_json({"message": "Requires authentication", "status": "401"}, 401)
    if request.method in _WRITES:
        made = as_json({"id": "aa5a315d61ae9438b18d", "html_url": "https://github.com/"}, 201)
        return Answer(made.body, status=201, headers=scopes)
    found = _ANSWERS.get(request.path)
    if found is None:
        return as_json({"message": "Not Found", "status": "404"}, 404)
    return Answer(as_json(found).body, headers=scopes)
