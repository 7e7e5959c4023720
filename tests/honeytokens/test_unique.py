"""A million minted values share nothing, nor do they share with what others make."""

from __future__ import annotations

import random
import sqlite3
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pytest_ato.honeytokens import documents, tokens
from pytest_ato.honeytokens.draw import Entropy
from pytest_ato.honeytokens.match import Matcher
from pytest_ato.honeytokens.mint import mint
from pytest_ato.honeytokens.needles import slices
from pytest_ato.honeytokens.sshkey import generate_key, secret_lines

NOW = datetime(2026, 3, 4, tzinfo=UTC)


def values(entropy: Entropy) -> Iterator[str]:
    """One value of every kind but the SSH key, without the files around them."""
    yield tokens.aws_access_key_id(entropy)
    yield tokens.aws_access_key_id(entropy)
    yield tokens.aws_secret_access_key(entropy)
    yield tokens.aws_secret_access_key(entropy)
    yield tokens.password(entropy)
    yield tokens.password(entropy)
    yield tokens.password(entropy, 28)
    yield tokens.password(entropy, 32)
    yield tokens.session_token(entropy)
    yield tokens.session_token(entropy)
    yield tokens.github_token(entropy)
    yield tokens.npm_token(entropy)
    yield tokens.stripe_secret_key(entropy)
    yield tokens.slack_bot_token(entropy)
    yield tokens.session_jwt(entropy, "https://sso.norval.internal", "a.b@norval.internal", 10**9)
    yield documents.card_number(entropy)
    yield documents.iban(entropy)


@pytest.mark.slow
def test_a_million_values_share_no_needle() -> None:
    # Seeded, so that it can't fail by chance; what is tested is the formats' room, not luck.
    entropy = random.Random(20).randbytes
    seen: set[int] = set()
    cut = count = 0
    while count < 1_000_000:
        for value in values(entropy):
            count += 1
            found = [hash(value[start:stop]) for start, stop in slices(value)]
            cut += len(found)
            seen.update(found)
    assert len(seen) == cut


def test_twenty_ssh_keys_share_no_needle() -> None:
    seen: set[str] = set()
    cut = 0
    for _ in range(20):
        found = [
            line[start:stop]
            for line in secret_lines(generate_key("a@b"))
            for start, stop in slices(line)
        ]
        assert len(found) >= 50
        cut += len(found)
        seen.update(found)
    assert len(seen) == cut


@pytest.fixture(scope="module")
def matcher() -> Matcher:
    return Matcher(mint(now=NOW).honeytokens)


def test_another_openssh_key_is_silent(matcher: Matcher, tmp_path: Path) -> None:
    for kind in (["rsa", "-b", "2048"], ["rsa", "-b", "3072"], ["ed25519"]):
        file = tmp_path / kind[0] / kind[-1]
        file.parent.mkdir(exist_ok=True)
        command = ["ssh-keygen", "-q", "-N", "", "-f", str(file), "-t", *kind]
        subprocess.run(command, check=True)
        assert matcher.scan(file.read_bytes()) == []


def test_our_own_public_key_is_silent(tmp_path: Path) -> None:
    # An honest SSH client shows it to every server that it asks for entry.
    minted = mint(now=NOW)
    file = tmp_path / "key"
    file.touch(0o600)
    file.write_bytes(minted.plants[1].content)
    command = ["ssh-keygen", "-y", "-f", str(file)]
    public = subprocess.run(command, check=True, capture_output=True).stdout
    assert public.startswith(b"ssh-rsa ")
    assert Matcher(minted.honeytokens).scan(public) == []


def test_another_audit_is_silent(matcher: Matcher) -> None:
    other = mint(now=NOW)
    for plant in other.plants:
        assert matcher.scan(plant.content) == []
    assert matcher.scan("\n".join(f"{k}={v}" for k, v in other.env.items()).encode()) == []


def test_another_cookie_database_is_silent(matcher: Matcher) -> None:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE moz_cookies (id INTEGER PRIMARY KEY, name TEXT, value TEXT)")
    connection.execute("INSERT INTO moz_cookies VALUES (1, 'session', ?)", ("k" * 43,))
    assert matcher.scan(connection.serialize()) == []
    connection.close()
