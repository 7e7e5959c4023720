"""Where counts of audits are kept between runs: a text file, or a push gateway.

Owns adding to what is there. Many runs may add to one file at once. A gateway adds nothing itself
and locks nothing: of two runs that push to one group at once, one may be lost there.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import secrets
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import pushadd_to_gateway

from pytest_ato.metrics.audits import Audits, parse
from pytest_ato.model.errors import AtoError, UsageError
from pytest_ato.model.octets import show

JOB: Final = "pytest_ato"
"""The group, where the URL names none."""
_PATIENCE: Final = 10.0
"""Seconds for one request."""
_LARGEST: Final = 64 << 20
"""Bytes that a gateway may answer, with the groups of everybody."""


def is_url(place: str) -> bool:
    """Whether a sink is a gateway, and no file."""
    return place.startswith(("http://", "https://"))


def add(place: str, audits: Audits) -> None:
    """Add `audits` to a file or gateway; raises `AtoError`."""
    if is_url(place):
        _push(place, audits)
    else:
        _write(Path(place), audits)


def _write(path: Path, audits: Audits) -> None:
    name = show(str(path), 300)
    try:
        with _locked(path):
            before = path.read_text() if path.exists() else ""
            if before and "ato_build_info" not in before:
                raise UsageError(f"{name} holds other metrics: give a file of its own")
            total = parse(before)
            total.merge(audits)
            draft = path.with_name(f".{path.name}-{secrets.token_hex(4)}")
            try:
                draft.write_bytes(total.text())
                draft.replace(path)
            finally:
                draft.unlink(missing_ok=True)
    except OSError as error:
        raise UsageError(f"cannot write metrics to {name}: {error.strerror}") from None
    except ValueError:
        raise UsageError(f"{name} is no text of metrics: remove it") from None


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold a lock that is beside the file, since the file is replaced."""
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    descriptor = os.open(path.with_name(f".{path.name}.lock"), flags, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _push(url: str, audits: Audits) -> None:
    gateway, group = _group(url)
    registry = CollectorRegistry()
    try:
        with urllib.request.urlopen(f"{gateway}/metrics", timeout=_PATIENCE) as answer:  # noqa: S310
            total = parse(answer.read(_LARGEST).decode(), group)
        total.merge(audits)
        total.register(registry)
        job = group["job"]
        rest = {name: value for name, value in group.items() if name != "job"}
        pushadd_to_gateway(gateway, job, registry, grouping_key=rest, timeout=_PATIENCE)
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or "bad answer"
        raise AtoError(
            f"cannot push metrics to {show(gateway, 200)}: {show(str(reason), 200)}"
        ) from None


def _group(url: str) -> tuple[str, dict[str, str]]:
    """Split a URL into that of the gateway, and the labels of the group that its path names."""
    parts = urlsplit(url)
    before, found, names = parts.path.partition("/metrics/job/")
    words = ["job", *(unquote(word) for word in names.strip("/").split("/"))] if found else []
    labels = dict(zip(words[::2], words[1::2], strict=False))
    if len(words) % 2 or not all(re.fullmatch(r"[a-z_]\w*", name, re.I) for name in labels):
        raise UsageError(
            "expected the URL of a push gateway, such as http://host:9091 or "
            "http://host:9091/metrics/job/NAME/instance/NAME"
        )
    return f"{parts.scheme}://{parts.netloc}{before.rstrip('/')}", labels or {"job": JOB}
