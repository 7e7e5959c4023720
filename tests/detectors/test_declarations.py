"""What a vendor's declaration covers, and what comes close and is not covered."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_ato.detectors.declarations import Declarations, Programs, shown_path
from pytest_ato.detectors.found import Sighting
from pytest_ato.detectors.tokens import Tokens
from pytest_ato.model import events as ev
from pytest_ato.model.policy import Declared


def declared(**parts: Any) -> Declarations:
    tokens = Tokens()
    for name, family in (("aws_file", "aws"), ("aws_variable", "aws"), ("netrc", "netrc")):
        tokens.update(ev.Honeytoken(ts=1, name=name, family=family, markers={}))
    return Declarations(Declared(**parts), tokens)


def sighting(token: str, destination: str) -> Sighting:
    return Sighting(token, destination, "tcp", None)


def test_without_a_declaration_nothing_is_declared() -> None:
    nothing = Declarations(None, Tokens())
    assert not nothing.destination("vendor.example:443")
    assert not nothing.file("/etc/hosts")
    assert not nothing.states_destinations
    assert nothing.port(443)  # no ports are stated


@pytest.mark.parametrize(
    ("where", "covered"),
    [
        ("api.vendor.example:443", True),
        ("api.vendor.example:80", False),
        ("api.vendor.example", True),
        ("vendor.example:443", False),
        ("vendor.example", True),  # names right below it are
        ("api.vendor.example.evil.example:443", False),
        ("203.0.113.9:443", True),
        ("[2001:db8::1]:443", False),
        ("203.0.114.9:443", False),
    ],
)
def test_destinations(where: str, covered: bool) -> None:
    declarations = declared(
        domains=("*.vendor.example",), cidrs=("203.0.113.0/24",), ports=("443/tcp",)
    )
    assert declarations.destination(where) is covered


@pytest.mark.parametrize(
    ("path", "covered"),
    [
        ("/usr/bin/git", True),
        ("/bin/git", True),
        ("/tmp/git", False),  # a name stands for the system's own program
        ("~/tools/helper", True),
        ("~/tools/other", False),
    ],
)
def test_programs(path: str, covered: bool) -> None:
    assert (Programs(["git", "~/tools/helper"]).match(path) is not None) is covered


def test_a_credential_may_be_presented_at_its_services_alone() -> None:
    declarations = declared(credentials={"aws": ("*.amazonaws.com",)})
    assert declarations.may_present("aws_file", "s3.amazonaws.com:443")
    assert not declarations.may_present("aws_file", "drop.example:443")
    assert not declarations.may_present("netrc", "s3.amazonaws.com:443")
    assert not declarations.may_present("unknown", "s3.amazonaws.com:443")


def test_a_family_that_strayed_may_not_even_be_read() -> None:
    declarations = declared(credentials={"aws": ("*.amazonaws.com",)})
    at_home = sighting("aws_file", "s3.amazonaws.com:443")
    assert declarations.granted([at_home]) == {"aws_file", "aws_variable"}
    assert declarations.granted([at_home, sighting("aws_variable", "drop.example:443")]) == set()
    assert declarations.granted([sighting("netrc", "drop.example:443")]) == {
        "aws_file",
        "aws_variable",
    }


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/home/user/../user/a//b", "~/a/b"),
        ("/root/.netrc", "~/.netrc"),
        ("relative/../path", "relative/../path"),
        ("/tmp/a\nb", "/tmp/a\\nb"),
    ],
)
def test_paths_are_compared_in_their_shortest_printable_form(path: str, shown: str) -> None:
    assert shown_path(path, "/home/user") == shown
