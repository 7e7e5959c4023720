"""dga_domains: generated names are found in numbers; typing errors, words, hashes are not."""

from __future__ import annotations

import random
import string

import pytest

from pytest_ato.detectors.dga_domains import DgaDomains
from pytest_ato.detectors.improbable import rare_share

ADDRESS = "198.18.0.9"
WORDS = (
    *("gogle facebok amazn microsft wikipdia youtub twiter linkdin netflx instagrm".split()),
    *("githb stackoverflw redit dropbx spotfy paypl ebayy yahooo whatsap telegrm".split()),
)
PROJECTS = (
    *("kubernetes postgresql nginx openstreetmap letsencrypt sqlite mozilla debian".split()),
    *("cloudflare jsdelivr unpkg fastly akamaized gstatic googleapis pypi npmjs".split()),
)


def generated(count: int, seed: int, letters: str = string.ascii_lowercase) -> list[str]:
    chance = random.Random(seed)
    return ["".join(chance.choices(letters, k=chance.randint(10, 16))) for _ in range(count)]


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("letters", [string.ascii_lowercase, string.ascii_lowercase + "0123456789"])
def test_generated_names(log, detect, seed: int, letters: str) -> None:
    for name in generated(25, seed, letters):
        log.dns(f"{name}.example", ADDRESS, pid=log.root)
    (finding,) = detect(DgaDomains, log)
    assert finding.rule == "ATO-DNS-011"
    assert finding.key == "dga_domains:generated names"
    assert finding.lineage


@pytest.mark.parametrize(("refused", "found"), [(0, 1), (5, 0), (20, 1), (25, 1)])
def test_where_names_are_refused_most_must_be(log, detect, refused: int, found: int) -> None:
    for number, name in enumerate(generated(25, 3)):
        log.dns(f"{name}.example", *(() if number < refused else (ADDRESS,)))
    assert len(detect(DgaDomains, log)) == found


@pytest.mark.parametrize("names", [WORDS, PROJECTS], ids=["typing errors", "projects"])
def test_names_that_people_chose(log, detect, names) -> None:
    for name in names:
        log.dns(f"{name}.example")
    assert detect(DgaDomains, log) == ()


def test_hashes_below_one_domain(log, detect) -> None:
    for name in generated(40, 1):
        log.dns(f"{name}.cdn.example", ADDRESS)
    assert detect(DgaDomains, log) == ()


def test_a_few_among_many(log, detect) -> None:
    for name in (*generated(12, 1), *WORDS):
        log.dns(f"{name}.example", ADDRESS)
    assert detect(DgaDomains, log) == ()


def test_the_same_name_again_and_again(log, detect) -> None:
    for _ in range(50):
        log.dns("xkqzvwpjrt.example")
    assert detect(DgaDomains, log) == ()


def test_rare_pairs() -> None:
    assert rare_share("telemetry") == 0
    assert rare_share("xkqzvwpjrt") > 0.8
    assert rare_share("") == 0
