"""Public services that the sinkhole plays, well enough for a thief to go on.

Owns the order in which they are asked. Each is one file: a function from a request to an answer, or
None where the request is not meant for it. They keep nothing and check no credential: whoever
presents one is let in, and detectors judge the request.
"""

from __future__ import annotations

from pytest_ato.capture.sinkhole.services import aws, code_host, metadata, npm, pypi
from pytest_ato.capture.sinkhole.services.interface import Answer, Request

_SERVICES = (metadata.answer, aws.answer, code_host.answer, npm.answer, pypi.answer)


def answer(request: Request) -> Answer | None:
    """Return the answer of the service that the request is meant for, if one is played."""
    found = (service(request) for service in _SERVICES)
    return next((one for one in found if one is not None), None)


__all__ = ["Answer", "Request", "answer"]
