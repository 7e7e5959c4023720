"""honeytoken_exfil: each way out of the target, and what stays inside."""

from __future__ import annotations

import base64
import gzip
import os

import pytest

from pytest_ato.detectors.honeytoken_exfil import HoneytokenExfil
from pytest_ato.detectors.pipeline import Pipeline
from pytest_ato.model import events as ev
from pytest_ato.model.findings import Severity
from pytest_ato.model.octets import show

SINK = "198.18.0.7"
DROP = "203.0.113.9"


@pytest.fixture
def secret(log):
    return log.values["aws_secret"].encode()


@pytest.mark.parametrize(
    ("encode", "called"),
    [
        (bytes, "tcp"),
        (base64.b64encode, "tcp > base64"),
        (lambda data: data.hex().encode(), "tcp > hex"),
        (lambda data: base64.b64encode(gzip.compress(data)), "tcp > base64 > gzip"),
    ],
)
def test_a_value_posted_in_any_encoding(log, detect, secret, encode, called):
    curl = log.spawn(log.root, "/usr/bin/curl", "-d", "@-")
    log.dns("Collect.Example.org", SINK, pid=curl)
    body = encode(b"token=" + secret)
    log.tcp(curl, SINK, 443, b"POST / HTTP/1.1\r\nhost: collect.example.org\r\n\r\n" + body)
    [finding] = detect(HoneytokenExfil, log)
    assert finding.severity is Severity.CRITICAL
    assert finding.rule == "ATO-EXF-001"
    assert finding.key == "honeytoken_exfil:aws_credentials:collect.example.org:443"
    assert finding.where == "collect.example.org:443"
    assert [show(link.path) for link in finding.lineage] == ["/opt/vendor/app", "/usr/bin/curl"]
    assert "app → curl" in finding.title
    assert finding.title.endswith(f"as {called}")
    assert secret.decode() not in str(finding)


def test_a_value_cut_over_pieces_belongs_to_the_owner_of_the_socket(log, detect, secret):
    first = log.spawn(log.root, "/usr/bin/first")
    second = log.spawn(log.root, "/usr/bin/second")
    log.tcp(first, DROP, 4444, secret[:9], secret[9:21], secret[21:])
    # The other names the same destination last; the client port tells them apart.
    log.tcp(second, DROP, 4444, b"hello")
    [finding] = detect(HoneytokenExfil, log)
    assert finding.key.endswith("aws_credentials:203.0.113.9:4444")
    assert show(finding.lineage[-1].path) == "/usr/bin/first"


def test_a_value_whose_connection_never_closes(log, detect, secret):
    log.tcp(log.root, DROP, 80, base64.b64encode(gzip.compress(b"-" * 50 + secret)))
    log.events.pop()  # the record that closes it
    [finding] = detect(HoneytokenExfil, log)
    assert finding.severity is Severity.CRITICAL


def test_values_of_two_carriers_are_two_findings_and_of_two_markers_one(log, detect):
    values = "\n".join(log.values[m] for m in ("aws_id", "aws_secret", "kube_token"))
    log.tcp(log.root, DROP, 80, values.encode())
    log.tcp(log.root, DROP, 80, values.encode())
    aws, kube = detect(HoneytokenExfil, log)
    assert (aws.key, aws.count) == ("honeytoken_exfil:aws_credentials:203.0.113.9:80", 4)
    assert (kube.key, kube.count) == ("honeytoken_exfil:kube_config:203.0.113.9:80", 2)


def test_a_value_in_one_dns_name(log, detect, secret):
    tool = log.spawn(log.root, "/usr/bin/dig")
    text = base64.b32encode(secret).decode().rstrip("=").lower()
    log.dns(f"{text[:32]}.{text[32:]}.t.evil.example", pid=tool)
    [finding] = detect(HoneytokenExfil, log)
    assert finding.key == "honeytoken_exfil:aws_credentials:evil.example"
    assert show(finding.lineage[-1].path) == "/usr/bin/dig"


@pytest.mark.parametrize("pattern", ["{piece}.evil.example", "{n}.{piece}.x.evil.example"])
def test_a_value_split_over_several_dns_names(log, detect, secret, pattern):
    text = secret.hex()
    pieces = [text[at : at + 11] for at in range(0, len(text), 11)]
    for n, piece in enumerate(pieces):
        name = pattern.format(n=n, piece=piece)
        log.dns(name, "198.18.0.9", pid=log.root)
        log.dns(name, pid=log.root, qtype="AAAA", rcode="NOERROR")
        log.dns("www.example.org", "198.18.0.8", pid=log.root)
    [finding] = detect(HoneytokenExfil, log)
    assert finding.key == "honeytoken_exfil:aws_credentials:evil.example"


def test_a_value_over_udp_and_icmp(log, detect, secret):
    log.send(log.root, DROP, 9999, secret)
    log.datagram("198.51.100.4", 0, secret, protocol="icmp", client_port=0)
    udp, icmp = sorted(detect(HoneytokenExfil, log), key=lambda f: f.key, reverse=True)
    assert udp.key.endswith(":203.0.113.9:9999")
    assert udp.title.endswith("as udp")
    assert icmp.key.endswith(":198.51.100.4")
    assert icmp.title.endswith("as icmp")


def test_a_value_cut_into_packets(log, detect, secret):
    for at in range(0, len(secret), 8):
        log.datagram(DROP, 0, secret[at : at + 8], protocol="icmp")
    [finding] = detect(HoneytokenExfil, log)
    assert finding.severity is Severity.CRITICAL


def test_keys_are_the_same_whatever_pids_ports_and_sinkhole_addresses_were(make_log, detect):
    keys = set()
    for noise, address in enumerate(("198.18.0.7", "198.19.3.4")):
        log = make_log()
        for _ in range(noise * 5):
            log.exit(log.spawn(log.root, "/bin/true"))
        log.tcp(log.root, "203.0.113.1", 1, *[b"x"] * noise)
        child = log.spawn(log.root, "/usr/bin/curl")
        log.dns("c.example.org", address)
        log.tcp(child, address, 443, log.values["kube_token"].encode())
        log.tcp(child, "198.18.200.200", 443, log.values["kube_token"].encode())
        keys.add(tuple(finding.key for finding in detect(HoneytokenExfil, log)))
    assert keys == {
        (
            "honeytoken_exfil:kube_config:198.18.0.0/15:443",
            "honeytoken_exfil:kube_config:c.example.org:443",
        )
    }


# --- read, then sent in a form that nothing opens --------------------------------------------


def test_a_thief_that_encrypts(log, detect):
    log.open(log.root, ".aws/credentials")
    log.tcp(log.root, DROP, 443, os.urandom(300))
    [finding] = detect(HoneytokenExfil, log)
    assert finding.severity is Severity.MEDIUM
    assert finding.key == "honeytoken_exfil:unseen:203.0.113.9:443"
    assert "aws_credentials" in finding.title
    assert "300 bytes" in show(finding.evidence[1].text)


def test_a_thief_in_a_pipe_of_siblings(log, detect):
    cat = log.spawn(log.root, "/bin/cat")
    nc = log.spawn(log.root, "/bin/nc")
    log.open(cat, ".ssh/id_rsa")
    log.send(nc, DROP, 53000, os.urandom(90))
    [finding] = detect(HoneytokenExfil, log)
    assert finding.severity is Severity.MEDIUM
    assert show(finding.lineage[-1].path) == "/bin/nc"


def test_bytes_beyond_the_captured_pieces_count(log, detect):
    log.open(log.root, ".aws/credentials")
    log.tcp(log.root, DROP, 443, b"x")
    last = log.events.pop()
    log.events.append(type(last)(**{**_fields(last), "sent": 5000}))
    [finding] = detect(HoneytokenExfil, log)
    assert "5000 bytes" in show(finding.evidence[1].text)


@pytest.mark.parametrize("sent", [(), (b"GET /",)], ids=["silent", "short"])
def test_what_tls_itself_says_holds_no_value(log, detect, sent):
    log.open(log.root, ".aws/credentials")
    log.tls(log.root, DROP, 443, *sent, name="api.vendor.example")
    assert detect(HoneytokenExfil, log) == ()


@pytest.mark.parametrize(
    ("pieces", "opaque", "size"),
    [((os.urandom(300),), 0, 300), ((), 300, 300), ((os.urandom(100),), 200, 300)],
    ids=["seen", "opaque", "both"],
)
def test_plaintext_after_a_read_counts_whoever_saw_it(log, detect, pieces, opaque, size):
    log.open(log.root, ".aws/credentials")
    log.tls(log.root, DROP, 443, *pieces, opaque=opaque)
    [finding] = detect(HoneytokenExfil, log)
    assert finding.severity is Severity.MEDIUM
    assert f"{size} bytes" in show(finding.evidence[1].text)


def test_plaintext_before_a_read_holds_no_value(log, detect):
    log.tls(log.root, DROP, 443, os.urandom(300))
    log.open(log.root, ".aws/credentials")
    log.tls(log.root, DROP, 443, b"GET /")
    assert detect(HoneytokenExfil, log) == ()


def test_what_was_not_searched_to_its_end_is_a_condition(log, detect):
    log.tcp(log.root, DROP, 443, b"x")
    last = log.events.pop()
    log.events.append(type(last)(**{**_fields(last), "sent": 5_000_000}))
    [finding] = detect(HoneytokenExfil, log)
    assert (finding.key, finding.severity) == (
        "honeytoken_exfil:unsearched:203.0.113.9:443",
        Severity.LOW,
    )
    assert finding.title == (
        "what was sent to 203.0.113.9:443 by app was not searched to its end: "
        "more was sent than is recorded"
    )


def _fields(event):
    return {name: getattr(event, name) for name in event.__struct_fields__}


# --- what must stay silent --------------------------------------------------------------------


def test_sending_without_a_value_is_silent(log, detect):
    log.dns("www.example.org", SINK, pid=log.root)
    log.tcp(log.root, SINK, 443, b"GET / HTTP/1.1\r\n\r\n" + os.urandom(5000))
    log.send(log.root, DROP, 123, os.urandom(48))
    assert detect(HoneytokenExfil, log) == ()


def test_values_that_stay_inside_are_silent(log, detect, secret):
    log.open(log.root, ".aws/credentials")
    log.write(log.root, "/tmp/copy")
    log.output(secret)
    log.tcp(log.root, DROP, 443, b"x" * 15)
    assert detect(HoneytokenExfil, log) == ()


def test_a_value_that_comes_in_is_silent(log, detect, secret):
    log.tcp(log.root, DROP, 80, b"GET /", reply=secret)
    assert detect(HoneytokenExfil, log) == ()


@pytest.mark.parametrize(("path", "port"), [(".netrc", 80), (".pgpass", 5432)])
def test_a_client_that_reads_its_own_credential_file_is_silent(log, detect, path, port):
    client = log.spawn(log.root, "/usr/bin/client")
    log.dns("git.example.org", SINK, pid=client)
    log.open(client, path)
    log.tcp(client, SINK, port, b"GET /info/refs HTTP/1.1\r\nhost: git.example.org\r\n\r\n" * 9)
    assert detect(HoneytokenExfil, log) == ()


def test_what_was_sent_before_the_theft_is_silent(log, detect):
    log.tcp(log.root, DROP, 443, b"x" * 300)
    log.open(log.root, ".aws/credentials")
    assert detect(HoneytokenExfil, log) == ()


def test_a_stranger_who_sends_while_another_steals_is_silent(log, detect):
    shell = log.spawn(log.root, "/bin/sh")
    thief = log.spawn(shell, "/bin/cat")
    other = log.spawn(log.root, "/usr/bin/curl")
    log.open(thief, ".aws/credentials")
    log.tcp(other, DROP, 443, b"x" * 300)
    assert detect(HoneytokenExfil, log) == ()


def test_stdout_as_a_domain_does_not_hide_a_leak(log, detect, secret):
    log.output(secret)
    log.dns(f"{secret.hex()[:60]}.{secret.hex()[60:]}.stdout")
    assert len(detect(HoneytokenExfil, log)) == 1


def test_it_is_skipped_where_nothing_can_leave(make_log):
    pipeline = Pipeline([HoneytokenExfil])
    for event in make_log(network="none").events:
        pipeline.feed(event)
    assert [idle.definition for idle in pipeline.skipped] == [HoneytokenExfil.definition]
    assert pipeline.definitions == ()
    assert isinstance(event, ev.Exec)


def test_the_chain_from_planted_to_sent_says_who_did_each_step(log, detect) -> None:
    reader = log.spawn(log.root, "/usr/bin/cat", ".aws/credentials")
    log.open(reader, ".aws/credentials")
    sender = log.spawn(log.root, "/usr/bin/curl", "http://203.0.113.9/")
    log.tcp(sender, "203.0.113.9", 80, log.values["aws_secret"].encode())
    (finding,) = detect(HoneytokenExfil, log)
    steps = [(str(step.text), step.pid) for step in finding.evidence]
    assert [text.partition(":")[0] for text, _ in steps] == ["planted", "read", "sent"]
    assert [pid for _, pid in steps] == [0, reader, sender]
    assert "~/.aws/credentials" in steps[0][0]
    assert "cat" in steps[1][0]
    assert "curl" in steps[2][0]
    assert [step.ts for step in finding.evidence] == sorted(step.ts for step in finding.evidence)
    assert finding.ts == finding.evidence[2].ts
