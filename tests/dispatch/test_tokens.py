"""A dispatcher whose token goes, comes back, or refuses."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_ato.evidence.signers import pkcs11
from pytest_ato.model.errors import SigningError

from ..evidence.faulty import (  # noqa: TID252
    DEVICE_REMOVED,
    PIN_INCORRECT,
    SPOILED,
    TOKEN_NOT_PRESENT,
    Faulty,
)
from ..evidence.softhsm import Token  # noqa: TID252
from ..runtime.docker.conftest import eventually  # noqa: TID252
from .conftest import Service, Stack

pytestmark = [pytest.mark.privileged, pytest.mark.hsm]


@pytest.fixture
def held(stack: Stack, faulty: Faulty, monkeypatch: pytest.MonkeyPatch) -> Stack:
    """The stack, signing with a token."""
    monkeypatch.setattr(pkcs11, "PAUSES", (0.0, 0.0, 0.0))
    return replace(stack, settings=replace(stack.settings, sign=faulty.uri("p256")))


def test_flows_wait_for_a_token_that_has_gone(held: Stack, faulty: Faulty) -> None:
    with held.dispatcher() as dispatcher:
        held.send(1, 5)
        dispatcher.round()
        faulty.plan(("sign", 1000, DEVICE_REMOVED), ("list", 1000, TOKEN_NOT_PRESENT))
        for packets in (3, 4):
            held.send(1, packets)
            held.send(2, packets)
            dispatcher.round()
        assert held.value("verified_flows_total") == 1
        assert held.value("unverified_flows_total") == held.value("spool_flows") == 4
        assert held.value("hsm_errors_total", kind="gone") == 2
        assert "does not answer" in dispatcher.failure or "no token" in dispatcher.failure
        faulty.plan()
        dispatcher.round()
        assert dispatcher.failure == ""
    assert held.value("verified_flows_total") == 5
    assert held.value("unverified_flows_total") == 4
    assert held.value("spool_flows") == 0
    assert held.value("sign_latency_seconds_count") == 1 + 1 + 2
    assert held.packets() == [7, 12]
    assert len(held.complaints) == 2
    assert held.complaints[1] == "flows are signed again"


def test_nothing_leaves_the_map_while_it_is_unsigned(held: Stack, faulty: Faulty) -> None:
    held.send(1, 5)
    time.sleep(0.2)  # longer than the interval
    with held.dispatcher(idle=0.05) as dispatcher:
        faulty.plan(("sign", 1000, DEVICE_REMOVED))
        dispatcher.round()
        assert held.value("evicted_flows_total") == 0
        faulty.plan()
        dispatcher.round()
        assert held.value("evicted_flows_total") == 1
    assert held.packets() == [5]


def test_bad_signatures_are_counted_and_not_used(held: Stack, faulty: Faulty) -> None:
    with held.dispatcher() as dispatcher:
        faulty.plan(("sign", 1000, SPOILED))
        held.send(1)
        dispatcher.round()
        assert held.value("hsm_errors_total", kind="bad_signature") == 1
        assert held.value("spool_flows") == 1
        faulty.plan()
        dispatcher.round()
    assert held.packets() == [1]


def test_a_wrong_pin_is_told_at_the_start_and_tried_once(held: Stack, faulty: Faulty) -> None:
    faulty.plan(("login", 1000, PIN_INCORRECT))
    before = faulty.made("L")
    with pytest.raises(SigningError, match="refuses the PIN"):
        held.dispatcher()
    assert faulty.made("L") == before + 1
    assert not held.settings.log.exists() or not held.settings.log.read_bytes()


def test_a_pin_that_is_wrong_after_the_token_came_back_is_not_tried_again(
    held: Stack, faulty: Faulty
) -> None:
    with held.dispatcher() as dispatcher:
        faulty.plan(("sign", 1, DEVICE_REMOVED), ("login", 1, PIN_INCORRECT))
        held.send(1)
        for _ in range(3):
            dispatcher.round()
        assert held.value("hsm_errors_total", kind="pin") == 3
        assert held.value("spool_flows") == 1
    assert faulty.made("L") == 2


@pytest.fixture
def own(token: Token, tmp_path: Path) -> Token:
    """A copy of the token, which may be taken away."""
    place = tmp_path / "hsm"
    shutil.copytree(token.place, place)
    copy = Token(place, token.module, place / "pin")
    configuration = Path(copy.configuration)
    configuration.write_text(configuration.read_text().replace(str(token.place), str(place)))
    return copy


def test_a_real_token_refuses_a_wrong_pin_once(
    stack: Stack, serve: Callable[..., Service], own: Token
) -> None:
    stack.settings = replace(stack.settings, sign=own.uri("p256"))
    right = own.pin_source.read_text()
    own.pin_source.write_text("wrong-pin\n")
    with pytest.raises(AssertionError, match="refuses the PIN; it was tried once"):
        serve(SOFTHSM2_CONF=own.configuration)
    own.pin_source.write_text(right)
    assert serve(SOFTHSM2_CONF=own.configuration).end() == (0, "")


def test_a_token_that_is_moved_away_and_back(
    stack: Stack, serve: Callable[..., Service], own: Token
) -> None:
    stack.settings = replace(stack.settings, sign=own.uri("p256"))
    service = serve(SOFTHSM2_CONF=own.configuration)
    tokens = own.place / "tokens"
    stack.send(1, 5)
    assert eventually(lambda: service.value("verified_flows_total") == 1)
    tokens.rename(own.place / "away")
    for port in (1, 2):
        stack.send(port, 3)
    assert eventually(lambda: service.value("spool_flows") == 2)
    assert service.value('hsm_errors_total{kind="gone"}') >= 1
    status, why = service.get("/healthz")
    assert status == 503
    assert "PKCS#11 token" in why
    (own.place / "away").rename(tokens)
    assert eventually(lambda: service.value("spool_flows") == 0)
    assert service.get("/healthz")[0] == 200
    code, complaints = service.end()
    assert code == 0
    assert complaints.endswith("flows are signed again\n")
    assert stack.packets() == [3, 8]
