"""No string of any event acts in a report: from the raw log through the detectors to every form.

Every kind of event there is takes part, with the hostile text in each field that can hold it, so
that one which somebody adds tomorrow is attacked as well.
"""

from __future__ import annotations

import contextlib
from typing import get_args

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import inspect
from wellformed import every_form

from pytest_ato.detectors import registry
from pytest_ato.examination import Examination
from pytest_ato.model import events as ev
from pytest_ato.model.events import AnyEvent
from pytest_ato.model.findings import Finding
from pytest_ato.model.policy import Terms
from pytest_ato.model.report import Report

ONCE = (ev.Audit, ev.Start, ev.End, ev.Timing, Finding)
"""Kinds that a log has once, in their place, or that are dropped when it is examined."""
KINDS = [kind for kind in get_args(AnyEvent) if kind not in ONCE]
LONGEST = 4096
"""Characters of a text, as of a path that the kernel tells; longer ones are for `test_hostile`."""
DETECTORS = registry.load(())
_PLAIN = {inspect.IntType: 1, inspect.FloatType: 1.0, inspect.BoolType: True}


def filled(kind: inspect.Type, text: str):
    """A value of a type, with `text` wherever text may stand."""
    match kind:
        case inspect.StrType():
            return text
        case inspect.BytesType():
            return text.encode(errors="backslashreplace")
        case inspect.LiteralType():
            return kind.values[0]
        case inspect.UnionType():
            return filled(max(kind.types, key=lambda each: isinstance(each, inspect.StrType)), text)
        case inspect.VarTupleType() | inspect.ListType():
            return [filled(kind.item_type, text)]
        case inspect.TupleType():
            return [filled(each, text) for each in kind.item_types]
        case inspect.DictType():
            return {filled(kind.key_type, text): filled(kind.value_type, text)}
        case inspect.StructType():
            return {field.encode_name: filled(field.type, text) for field in kind.fields}
    return _PLAIN.get(type(kind))


def event(kind: type, text: str):
    info = inspect.type_info(kind)
    fields = {**filled(info, text), info.tag_field: info.tag, "ts": 9}
    fields |= {"pid": 100} if "pid" in fields else {}
    return msgspec.convert(fields, AnyEvent, builtin_types=(bytes,))


def examined(events, text: str) -> Report:
    """The report of a log in which each kind of event is there, with `text` in all of it."""
    examination = Examination(DETECTORS, terms=Terms())
    more = [event(kind, text) for kind in KINDS]
    for each in (*events[:-2], *more, *events[-2:]):
        examination.take(each)
    return examination.conclude().report


NUMBERS = [-1, 2**63 - 1, 2**64 - 1, 10**30, 10**400, -(10**400)]


def numbered(kind: type, number: int):
    """Events of a kind, each with `number` in another field; those that a log may have."""
    info = inspect.type_info(kind)
    plain = {**filled(info, "203.0.113.9"), info.tag_field: info.tag, "ts": 9}
    for name, value in plain.items():
        if type(value) is int:
            with contextlib.suppress(msgspec.DecodeError):
                yield ev.decode(msgspec.json.encode({**plain, name: number}))


@pytest.mark.parametrize("number", NUMBERS)
def test_no_number_breaks_a_report(events, number) -> None:
    examination = Examination(DETECTORS)
    more = [each for kind in KINDS for each in numbered(kind, number)]
    for each in (*events[:-2], *more, *events[-2:]):
        examination.take(each)
    every_form(examination.conclude().report)


def test_every_kind_of_event_is_there() -> None:
    assert len(KINDS) > 20
    assert event(ev.Exec, "x").argv == ("x",)
    assert event(ev.Dns, "x").qname == "x"


def test_hostile_events_act_in_no_form(events, hostile_text) -> None:
    every_form(examined(events, hostile_text[:LONGEST]))


@given(st.text())
@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_event_acts_in_any_form(events, text) -> None:
    every_form(examined(events, text))


@pytest.mark.parametrize("url", ["/<b>|`x`", "/::error::", "/\x1b[2J", "/%0a::error::"])
def test_a_request_acts_in_no_form(events, url) -> None:
    sent = f"POST {url} HTTP/1.1\r\nHost: <i>|`h`\r\nX-<b>: 1\r\nContent-Length: 0\r\n\r\n"
    tcp = event(ev.Tcp, "203.0.113.9")
    tcp = msgspec.structs.replace(tcp, direction="out", data=sent, port=80, closed=True)
    examination = Examination(DETECTORS)
    for each in (*events[:-2], tcp, *events[-2:]):
        examination.take(each)
    every_form(examination.conclude().report)
