"""What is minted passes the checks of whoever would steal it, and is never minted twice."""

from __future__ import annotations

import base64
import configparser
import json
import netrc
import random
import re
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_ssh_private_key

from pytest_ato.honeytokens.mint import Minted, mint

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


@pytest.fixture(scope="module")
def minted() -> Minted:
    return mint(now=NOW)


def content(minted: Minted, ending: str) -> bytes:
    (file,) = (plant for plant in minted.plants if plant.path.endswith(ending))
    return file.content


def marker(minted: Minted, name: str) -> str:
    (value,) = (t.markers[name] for t in minted.honeytokens if name in t.markers)
    return value


def test_eighteen_markers_in_nine_files_and_eight_variables(minted: Minted) -> None:
    names = [name for token in minted.honeytokens for name in token.markers]
    assert len(names) == len(set(names)) == 18
    assert len(minted.plants) == 9
    assert set(minted.env) == {
        "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN", "NPM_TOKEN",
        "DATABASE_URL", "STRIPE_SECRET_KEY", "SLACK_BOT_TOKEN", "SESSION_JWT",
    }  # fmt: skip
    assert {t.path for t in minted.honeytokens if t.path} == {p.path for p in minted.plants}
    assert {t.variable for t in minted.honeytokens if t.variable} == set(minted.env)
    assert all(bool(token.path) != bool(token.variable) for token in minted.honeytokens)


def test_every_value_stands_in_its_carrier(minted: Minted) -> None:
    files = {plant.path: plant.content for plant in minted.plants}
    for token in minted.honeytokens:
        carrier = files[token.path] if token.path else minted.env[token.variable].encode()
        if token.name == "docker_config":
            carrier = base64.b64decode(json.loads(carrier)["auths"].popitem()[1]["auth"])
        for value in token.markers.values():
            assert all(line.encode() in carrier for line in value.split("\n"))


def test_names_are_the_same_in_every_audit(minted: Minted) -> None:
    other = mint(now=NOW)
    assert [(t.name, t.family, list(t.markers)) for t in minted.honeytokens] == [
        (t.name, t.family, list(t.markers)) for t in other.honeytokens
    ]


def test_ssh_key_loads_and_is_an_ordinary_one(minted: Minted) -> None:
    key = load_ssh_private_key(content(minted, "id_rsa"), None)
    assert isinstance(key, RSAPrivateKey)
    assert key.key_size == 2048
    assert re.search(rb"-----BEGIN OPENSSH PRIVATE KEY-----\n", content(minted, "id_rsa"))


def test_aws_file_is_ini_and_its_key_id_holds_an_account(minted: Minted) -> None:
    parser = configparser.ConfigParser()
    parser.read_string(content(minted, ".aws/credentials").decode())
    assert len(parser["default"]["aws_secret_access_key"]) == 40
    for key_id in (parser["default"]["aws_access_key_id"], minted.env["AWS_ACCESS_KEY_ID"]):
        assert re.fullmatch(r"AKIA[A-Z2-7]{16}", key_id)
        account = int.from_bytes(base64.b32decode(key_id[4:])[:6]) >> 7 & (1 << 40) - 1
        assert len(str(account)) == 12


def test_netrc_and_pgpass_parse(minted: Minted, tmp_path: Path) -> None:
    file = tmp_path / "netrc"
    file.write_bytes(content(minted, ".netrc"))
    ((host, (login, _, password)),) = netrc.netrc(str(file)).hosts.items()
    assert host.count(".") == 2
    assert login
    assert password == marker(minted, "netrc_password")
    fields = content(minted, ".pgpass").decode().strip().split(":")
    assert len(fields) == 5
    assert fields[1] == "5432"


def test_kubeconfig_is_yaml_with_a_token_in_three_parts(minted: Minted) -> None:
    config = yaml.safe_load(content(minted, ".kube/config"))
    (user,) = config["users"]
    assert config["contexts"][0]["context"]["user"] == user["name"]
    header, claims = jwt_parts(user["user"]["token"])
    assert header["alg"] == "RS256"
    assert claims["sub"].startswith("system:serviceaccount:")


def test_session_jwt_is_valid_at_the_time(minted: Minted) -> None:
    header, claims = jwt_parts(minted.env["SESSION_JWT"])
    assert header == {"alg": "HS256", "typ": "JWT"}
    assert claims["iat"] < NOW.timestamp() < claims["exp"]


def jwt_parts(token: str) -> tuple[dict[str, str], dict[str, object]]:
    assert token.startswith("eyJ")
    header, claims, signature = (base64.urlsafe_b64decode(p + "==") for p in token.split("."))
    assert len(signature) in (32, 256)
    return json.loads(header), json.loads(claims)


def test_issuers_formats(minted: Minted) -> None:
    env = minted.env
    assert re.fullmatch(r"sk_live_51\w{85}00\w{10}", env["STRIPE_SECRET_KEY"])
    assert re.fullmatch(r"xoxb-\d{13}-\d{13}-[0-9A-Za-z]{24}", env["SLACK_BOT_TOKEN"])
    assert re.fullmatch(r"[A-Za-z0-9/+]{40}", env["AWS_SECRET_ACCESS_KEY"])
    url = urlsplit(env["DATABASE_URL"])
    assert (url.scheme, url.port) == ("postgresql", 5432)
    assert url.password == marker(minted, "database_url")


@pytest.mark.parametrize("browser", ["Cookies", "cookies.sqlite"])
def test_cookie_databases_are_sqlite(minted: Minted, browser: str) -> None:
    connection = sqlite3.connect(":memory:")
    connection.deserialize(content(minted, browser))
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    table, host = ("cookies", "host_key") if browser == "Cookies" else ("moz_cookies", "host")
    rows = connection.execute(f"SELECT {host}, name, value, path FROM {table}").fetchall()
    name = "chrome_session_cookie" if browser == "Cookies" else "firefox_session_cookie"
    assert marker(minted, name) in [row[2] for row in rows]
    assert len(rows) > 10
    connection.close()


def test_cookies_are_not_expired_and_not_from_the_future(minted: Minted) -> None:
    chrome, firefox = sqlite3.connect(":memory:"), sqlite3.connect(":memory:")
    chrome.deserialize(content(minted, "Cookies"))
    firefox.deserialize(content(minted, "cookies.sqlite"))
    now = int(NOW.timestamp())
    since_1601 = (now + 11_644_473_600) * 1_000_000
    for created, used, expires in chrome.execute(
        "SELECT creation_utc, last_access_utc, expires_utc FROM cookies"
    ):
        assert created < used < since_1601 < expires
    for created, used, expires in firefox.execute(
        "SELECT creationTime, lastAccessed, expiry FROM moz_cookies"
    ):
        assert created < used < now * 1_000_000
        assert now * 1000 < expires
    chrome.close()
    firefox.close()


def test_times_are_past_and_varied(minted: Minted) -> None:
    times = [plant.mtime for plant in minted.plants]
    assert all(NOW.timestamp() - 3 * 365 * 86_400 < time < NOW.timestamp() for time in times)
    assert len(set(times)) == 9


def test_nothing_gives_it_away(minted: Minted) -> None:
    source = random.Random(7)
    for _ in range(20):
        other = mint(source.randbytes, now=NOW, ssh_key=content(minted, "id_rsa").decode())
        text = "\n".join((*other.env.values(), *(plant.path for plant in other.plants)))
        # The key's letters come from OpenSSL and may spell anything; all else is seeded here.
        text += "".join(
            plant.content.decode("latin-1")
            for plant in other.plants
            if not plant.path.endswith("id_rsa")
        )
        words = (
            r"(?i)honey|canary|decoy|fake|dummy|sample|example|invalid|pytest|\btests?\b|\bato\b"
        )
        assert not re.search(words, text)


def test_hosts_are_ones_that_no_public_dns_knows(minted: Minted) -> None:
    domain = urlsplit(minted.env["DATABASE_URL"]).hostname
    assert domain is not None
    assert re.fullmatch(r"[a-z0-9-]+\.[a-z]+\.(internal|corp|lan|intra)", domain)


def test_two_audits_share_no_value_and_no_beginning() -> None:
    one, two = mint(now=NOW), mint(now=NOW)
    first = {line for t in one.honeytokens for v in t.markers.values() for line in v.split("\n")}
    second = {line for t in two.honeytokens for v in t.markers.values() for line in v.split("\n")}
    assert not first & second
