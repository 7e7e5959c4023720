"""The cookie databases of Chrome and Firefox: real SQLite files in the browsers' own schema.

Values are in clear. Firefox stores them so; Chrome encrypts them, but reads, as stealers do, the
``value`` column where ``encrypted_value`` is empty, and a marker must be findable in the raw file.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Final

from pytest_ato.honeytokens import tokens
from pytest_ato.honeytokens.carrier import FileCarrier
from pytest_ato.honeytokens.draw import LOWER36, between, letters, pick, uuid4
from pytest_ato.honeytokens.scene import DAY, Scene

MICROSECONDS: Final = 1_000_000
CHROME_EPOCH: Final = 11_644_473_600
"""Seconds from 1601 to 1970: Chrome counts microseconds from 1601."""

_Row = tuple[str | int | bytes, ...]

_CHROME_SCHEMA: Final = """
CREATE TABLE meta(key LONGVARCHAR NOT NULL UNIQUE PRIMARY KEY, value LONGVARCHAR);
CREATE TABLE cookies(creation_utc INTEGER NOT NULL,host_key TEXT NOT NULL,
top_frame_site_key TEXT NOT NULL,name TEXT NOT NULL,value TEXT NOT NULL,
encrypted_value BLOB NOT NULL,path TEXT NOT NULL,expires_utc INTEGER NOT NULL,
is_secure INTEGER NOT NULL,is_httponly INTEGER NOT NULL,last_access_utc INTEGER NOT NULL,
has_expires INTEGER NOT NULL,is_persistent INTEGER NOT NULL,priority INTEGER NOT NULL,
samesite INTEGER NOT NULL,source_scheme INTEGER NOT NULL,source_port INTEGER NOT NULL,
last_update_utc INTEGER NOT NULL,source_type INTEGER NOT NULL,
has_cross_site_ancestor INTEGER NOT NULL);
CREATE UNIQUE INDEX cookies_unique_index ON cookies(host_key, top_frame_site_key,
has_cross_site_ancestor, name, path, source_scheme, source_port);
INSERT INTO meta VALUES('mmap_status','-1'),('version','24'),('last_compatible_version','24');
"""
_CHROME_INSERT: Final = f"INSERT INTO cookies VALUES({','.join('?' * 20)})"

_FIREFOX_SCHEMA: Final = """
PRAGMA user_version = 16;
CREATE TABLE moz_cookies (id INTEGER PRIMARY KEY, originAttributes TEXT NOT NULL DEFAULT '',
name TEXT, value TEXT, host TEXT, path TEXT, expiry INTEGER, lastAccessed INTEGER,
creationTime INTEGER, isSecure INTEGER, isHttpOnly INTEGER, inBrowserElement INTEGER DEFAULT 0,
sameSite INTEGER DEFAULT 0, schemeMap INTEGER DEFAULT 0,
isPartitionedAttributeSet INTEGER DEFAULT 0,
CONSTRAINT moz_uniqueid UNIQUE (name, host, path, originAttributes));
"""
_FIREFOX_INSERT: Final = f"INSERT INTO moz_cookies VALUES({','.join('?' * 15)})"

_LOGINS: Final = ("wiki", "jira", "grafana", "sso", "mail", "gitlab", "hr", "crm")
_SESSION_NAMES: Final = ("session", "sessionid", "JSESSIONID", "_session_id", "remember_token")


def chrome_cookies(scene: Scene) -> FileCarrier:
    """The cookie store of Chrome's default profile (schema 24: Chrome 130 and later)."""
    secret = tokens.session_token(scene.entropy)
    rows = [_chrome_row(scene, *cookie) for cookie in _jar(scene, secret)]
    return FileCarrier(
        name="chrome_cookies",
        family="browser",
        path=".config/google-chrome/Default/Cookies",
        content=_database(4096, _CHROME_SCHEMA, _CHROME_INSERT, rows),
        markers={"chrome_session_cookie": secret},
        mtime=scene.past(0.02, 2),
    )


def firefox_cookies(scene: Scene) -> FileCarrier:
    """The cookie store of Firefox's default profile (schema 16: Firefox 142 and later)."""
    secret = tokens.session_token(scene.entropy)
    rows = [
        (number, *_firefox_row(scene, *cookie))
        for number, cookie in enumerate(_jar(scene, secret), 1)
    ]
    profile = letters(scene.entropy, 8, LOWER36)
    return FileCarrier(
        name="firefox_cookies",
        family="browser",
        path=f".mozilla/firefox/{profile}.default-release/cookies.sqlite",
        content=_database(32768, _FIREFOX_SCHEMA, _FIREFOX_INSERT, rows),
        markers={"firefox_session_cookie": secret},
        mtime=scene.past(0.1, 9),
    )


def _jar(scene: Scene, secret: str) -> list[tuple[str, str, str]]:
    """Return (host, name, value) of a few cookies, one of which holds the session."""
    entropy = scene.entropy
    hosts = [f"{name}.{scene.domain}" for name in _LOGINS]
    jar = [(pick(entropy, hosts), pick(entropy, _SESSION_NAMES), secret)]
    for host in hosts:
        jar.append((host, "csrftoken", letters(entropy, 32)))
        jar.append((host, "device_id", uuid4(entropy)))
        jar.append((host, "lang", pick(entropy, ("en", "en-US", "de", "fr"))))
    last = len(jar) - 1
    place = between(entropy, 0, last)
    jar[0], jar[place] = jar[place], jar[0]
    return jar


def _chrome_row(scene: Scene, host: str, name: str, value: str) -> _Row:
    created, used, expires = (
        (seconds + CHROME_EPOCH) * MICROSECONDS + between(scene.entropy, 0, MICROSECONDS - 1)
        for seconds in _times(scene)
    )
    lax, secure_scheme, port, by_http = 1, 2, 443, 1
    return (
        *(created, host, "", name, value, b"", "/", expires, 1, 1, used, 1, 1, 1),
        *(lax, secure_scheme, port, created, by_http, 0),
    )


def _firefox_row(scene: Scene, host: str, name: str, value: str) -> _Row:
    created, used, expires = _times(scene)
    part = between(scene.entropy, 0, MICROSECONDS - 1)
    return (
        *("", name, value, host, "/", expires * 1000),
        *(used * MICROSECONDS + part, created * MICROSECONDS + part, 1, 1, 0, 1, 2, 0),
    )


def _times(scene: Scene) -> tuple[int, int, int]:
    """Creation, last use and expiry in seconds of the epoch."""
    return (
        scene.past(4, 90),
        scene.past(0.1, 3),
        scene.now + between(scene.entropy, 30 * DAY, 300 * DAY),
    )


def _database(page_size: int, schema: str, insert: str, rows: Iterable[_Row]) -> bytes:
    connection = sqlite3.connect(":memory:")
    try:
        connection.execute(f"PRAGMA page_size = {page_size}")
        connection.executescript(schema)
        with connection:
            connection.executemany(insert, rows)
        return connection.serialize()
    finally:
        connection.close()
