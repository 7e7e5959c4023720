"""Sightings: hostile volumes stay bounded, and values in evidence are masked."""

from __future__ import annotations

import base64
import gzip

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_ato.detectors import found as found_module
from pytest_ato.detectors import sightings as sightings_module
from pytest_ato.detectors.pipeline import Pipeline
from pytest_ato.model import events as ev
from pytest_ato.model.octets import show

DROP = "203.0.113.9"


def _sightings(log):
    pipeline = Pipeline([])
    for event in log.events:
        pipeline.feed(event)
    pipeline.finish()
    assert pipeline.failures == ()
    return pipeline.context.sightings


def test_one_sighting_for_each_token_channel_and_destination(log):
    value = log.values["kube_token"].encode()
    for _ in range(9):
        log.tcp(log.root, DROP, 80, b"x=" + value)
    log.output(value, stream="stderr")
    found = _sightings(log)
    wire, output = found.all
    assert (wire.token, wire.channel, wire.destination, wire.count) == (
        "kube_config",
        "tcp",
        "203.0.113.9:80",
        9,
    )
    assert list(wire.markers) == ["kube_token"]
    assert len(wire.evidence) == found_module.MAX_EVIDENCE
    text = show(wire.evidence[0].text)
    assert text == "sent: kube_token (tcp) to 203.0.113.9:80 by app: x=\u2039kube_token\u203a"
    assert (output.channel, output.destination) == ("output", "stderr")
    assert found.carriers == {"kube_config"}


def test_destinations_without_end_are_counted_together(log, monkeypatch):
    monkeypatch.setattr(found_module, "MAX_SIGHTINGS", 5)
    value = log.values["kube_token"].encode().hex()
    for number in range(20):
        log.dns(f"{value}.n{number}.example")
    found = _sightings(log).all
    assert len(found) == 6
    assert found[-1].destination == found_module.ELSEWHERE
    assert sum(sighting.count for sighting in found) == 20


def test_streams_without_end_are_searched_all_the_same(log, monkeypatch):
    monkeypatch.setattr(sightings_module, "MAX_STREAMS", 4)
    value = log.values["kube_token"].encode()
    for port in range(1, 20):
        log.tcp(log.root, DROP, port, value)
        log.events.pop()  # never closed
    assert len(_sightings(log).all) == 19


def test_connections_that_were_not_searched_to_their_end_are_told(log, monkeypatch):
    monkeypatch.setattr(sightings_module, "MAX_STREAMS", 4)
    for port in range(1, 6):
        log.tcp(log.root, DROP, port, b"x")
        log.events.pop()  # never closed: the fifth takes the first one's place
    log.tcp(log.root, DROP, 90, b"all of it")
    log.tcp(log.root, DROP, 91, b"the first part")
    log.events[-1] = msgspec.structs.replace(log.events[-1], sent=5_000_000)
    log.tcp(log.root, DROP, 92, *(gzip.compress(bytes(4 << 20)) for _ in range(8)))
    found = {one.destination.rpartition(":")[2]: one.why for one in _sightings(log).unsearched}
    assert found.keys() - {"2", "3", "4"} == {"1", "91", "92"}
    assert found["1"] == "more connections were open at once than are searched"
    assert found["91"] == "more was sent than is recorded"
    assert found["92"] == "it decodes to more than a limit allows"


def test_packets_to_many_places_and_much_output_are_not(log, monkeypatch):
    monkeypatch.setattr(sightings_module, "MAX_STREAMS", 4)
    for port in range(1, 20):
        log.send(log.root, DROP, port, b"x")
    log.output(b"".join(gzip.compress(bytes(4 << 20)) for _ in range(8)))
    assert _sightings(log).unsearched == ()


def test_a_value_in_pieces_over_connections_of_their_own(log):
    value = log.values["kube_token"].encode()
    for at in range(0, len(value), 6):
        log.tcp(log.root, DROP, 80, b"POST / HTTP/1.1\r\n\r\npart=" + value[at : at + 6])
    (sighting,) = _sightings(log).all
    assert (sighting.token, sighting.channel) == ("kube_config", "tcp")


def test_a_flood_of_names_hides_no_simple_encoding(log, monkeypatch):
    monkeypatch.setattr(sightings_module, "MAX_DEEP", 10)
    for number in range(50):
        log.dns(f"n{number}.example.org")
    value = base64.b32encode(log.values["kube_token"].encode()).decode().rstrip("=").lower()
    log.dns(f"{value[:20]}.{value[20:]}.evil.example")
    log.dns(f"{log.values['aws_secret'].encode().hex()[:62]}.evil.example")
    found = [sighting.token for sighting in _sightings(log).all]
    assert found == ["kube_config", "aws_credentials"]


def test_the_same_encoded_request_counts_each_time_and_an_empty_one_is_decoded_once(log):
    body = base64.b64encode(gzip.compress(log.values["kube_token"].encode(), mtime=0))
    for port in (80, 81, 80):
        log.tcp(log.root, DROP, port, b"GET / HTTP/1.1\r\n\r\n")
        log.tcp(log.root, DROP, port, body)
    found = _sightings(log)
    assert [(one.destination, one.count) for one in found.all] == [
        ("203.0.113.9:80", 2),
        ("203.0.113.9:81", 1),
    ]
    assert len(found._streams._empty) == 1


def test_a_repeated_question_counts_once(log):
    for _ in range(5):
        log.dns(f"{log.values['kube_token'].encode().hex()}.evil.example")
    [sighting] = _sightings(log).all
    assert sighting.count == 1


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.lists(st.binary(max_size=200), max_size=5))
def test_random_data_is_no_sighting(make_log, data):
    log = make_log()
    log.tcp(log.root, DROP, 80, *data)
    for piece in data:
        log.send(log.root, DROP, 9, piece)
        log.output(piece)
    assert _sightings(log).all == ()


# --- HTTP, and inside TLS ---------------------------------------------------------------------


def _ways(log):
    return [(one.channel, one.count, *one.ways) for one in _sightings(log).all]


def _post(body, *headers):
    lines = [b"POST /x HTTP/1.1", b"Host: a.example", b"Content-Length: %d" % len(body), *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


@pytest.fixture
def value(log):
    return log.values["kube_token"].encode()


def test_the_way_to_a_value_in_a_request_is_told(log, value):
    body = gzip.compress(base64.b64encode(value))
    log.tcp(log.root, DROP, 80, _post(body, b"Content-Encoding: gzip"))
    assert _ways(log) == [("tcp", 1, "tcp > http body > gzip > base64")]


def test_a_value_in_a_url_and_in_a_header(log, value):
    log.tcp(log.root, DROP, 80, b"GET /?k=%s HTTP/1.1\r\n\r\n" % value)
    log.tcp(log.root, DROP, 81, b"GET / HTTP/1.1\r\nx: %s\r\n\r\n" % base64.b64encode(value))
    assert _ways(log) == [
        ("tcp", 1, "tcp > http url"),
        ("tcp", 1, "tcp > http header > base64"),
    ]


def test_a_chunked_body_hides_nothing(log, value):
    packed = gzip.compress(value)
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in packed)
    head = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Encoding: gzip\r\n\r\n"
    log.tcp(log.root, DROP, 80, head + chunks + b"0\r\n\r\n")
    assert _ways(log) == [("tcp", 1, "tcp > http body > gzip")]


def test_a_value_cut_over_requests_of_one_connection(log, value):
    requests = [_post(b"part=" + value[at : at + 6]) for at in range(0, len(value), 6)]
    log.tcp(log.root, DROP, 80, b"".join(requests))
    assert _ways(log) == [("tcp", 1, "tcp > in pieces")]


def test_each_request_with_the_value_counts(log, value):
    log.tcp(log.root, DROP, 80, _post(value) * 3)
    assert _ways(log) == [("tcp", 3, "tcp > http body")]


def test_a_value_inside_tls(log, value):
    log.tls(log.root, DROP, 443, _post(value))
    assert _ways(log) == [("tls", 1, "tls > http body")]


def test_bytes_that_a_probe_and_the_proxy_saw_count_once(log, value):
    log.tls(log.root, DROP, 443, _post(value), b"more", via=("openssl", "proxy"))
    assert _ways(log) == [("tls", 1, "tls > http body")]


def test_a_probe_that_is_shown_something_else_hides_nothing(log, value):
    harmless = _post(b"x" * len(value))
    log.tls(log.root, DROP, 443, {"openssl": harmless, "proxy": _post(value)})
    assert _ways(log) == [("tls", 1, "tls > http body")]


def test_a_stream_without_a_socket_is_joined_by_what_it_carries(log, value):
    log.tls(log.root, DROP, 443, _post(value), via=("proxy",))
    log.add(
        ev.Tls, via="openssl", stream=9, direction="out", pid=log.root, data=_post(value).decode()
    )
    assert _ways(log) == [("tls", 1, "tls > http body")]


def test_a_bomb_is_told(log):
    packed = gzip.compress(bytes(64 << 20))
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in (packed[:9], packed[9:]))
    head = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Encoding: gzip\r\n\r\n"
    log.tcp(log.root, DROP, 80, head + chunks + b"0\r\n\r\n")
    [left] = _sightings(log).unsearched
    assert left.why == "it decodes to more than a limit allows"
