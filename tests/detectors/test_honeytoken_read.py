"""honeytoken_read: what counts as reading, and how much a read says."""

from __future__ import annotations

import os

import pytest

from pytest_ato.detectors.honeytoken_read import HoneytokenRead
from pytest_ato.model import events as ev
from pytest_ato.model.findings import Severity
from pytest_ato.model.octets import show

SINK = "198.18.0.7"
O_PATH = 0o10000000
FOLDER = os.O_RDONLY | os.O_DIRECTORY
HOME = "/home/user"


def test_cat_of_the_key(log, detect):
    cat = log.spawn(log.root, "/bin/cat", "/root/.ssh/id_rsa")
    log.open(cat, "/root/.ssh/id_rsa", dev=77, inode=log.inodes[".ssh/id_rsa"], count=2)
    [finding] = detect(HoneytokenRead, log)
    assert finding.severity is Severity.HIGH
    assert finding.rule == "ATO-CRD-003"
    assert finding.key == "honeytoken_read:ssh_key"
    assert finding.title == "~/.ssh/id_rsa read by app → cat"
    assert finding.count == 2
    assert [show(link.path) for link in finding.lineage] == ["/opt/vendor/app", "/bin/cat"]


def test_a_hard_link_is_the_same_file(log, detect):
    log.open(log.root, "/tmp/innocent", dev=77, inode=log.inodes[".kube/config"])
    [finding] = detect(HoneytokenRead, log)
    assert finding.key == "honeytoken_read:kube_config"


def test_the_path_decides_where_the_inode_is_not_known(log, detect):
    log.open(log.root, "/root/.kube/config", dev=0, inode=0)
    log.open(log.root, "/home/user/.kube/config", flags=os.O_RDWR, dev=0, inode=0)
    [finding] = detect(HoneytokenRead, log)
    assert finding.count == 2


@pytest.mark.parametrize(
    "fields",
    [
        {"flags": O_PATH},
        {"flags": os.O_WRONLY | os.O_CREAT},
        {"flags": os.O_RDWR | os.O_TRUNC},
        {"result": -13},
        {"inode": 4242},  # a file of the target's own in its place
    ],
)
def test_not_a_read(log, detect, fields):
    log.open(log.root, ".aws/credentials", **fields)
    assert detect(HoneytokenRead, log) == ()


@pytest.mark.parametrize(
    "path", ["/opt/vendor/.netrc", "/home/user/.gitconfig", "/home/user/.aws/config", "/etc/passwd"]
)
def test_files_that_are_no_honeytokens_are_silent(log, detect, path):
    log.open(log.root, path)
    assert detect(HoneytokenRead, log) == ()


def test_listing_the_home_is_silent(log, detect):
    find = log.spawn(log.root, "/usr/bin/find", HOME, "-ls")
    for folder in ("", "/.aws", "/.ssh", "/.docker", "/.kube"):
        log.open(find, HOME + folder, FOLDER)
    assert detect(HoneytokenRead, log) == ()


# --- clients ----------------------------------------------------------------------------------


def test_git_over_http_reads_netrc(log, detect):
    git = log.spawn(log.root, "/usr/bin/git", "clone", "http://git.example.org/x")
    helper = log.spawn(git, "/usr/lib/git-core/git-remote-http")
    log.open(helper, ".netrc")
    log.dns("git.example.org", SINK, pid=helper)
    log.tcp(helper, SINK, 80, b"GET /x/info/refs HTTP/1.1\r\n\r\n")
    [finding] = detect(HoneytokenRead, log)
    assert finding.severity is Severity.INFO
    assert finding.key == "honeytoken_read:netrc"


def test_wget_without_a_network(make_log, detect):
    log = make_log(network="none")
    log.open(log.root, ".netrc")
    log.connect(log.root, "127.0.0.1", 53, protocol="udp", result=-111)
    [finding] = detect(HoneytokenRead, log)
    assert finding.severity is Severity.INFO


@pytest.mark.parametrize(
    ("path", "socket"),
    [(".pgpass", "/run/postgresql/.s.PGSQL.5432"), (".docker/config.json", "/run/docker.sock")],
)
def test_clients_of_unix_sockets(log, detect, path, socket):
    log.open(log.root, path)
    log.add(ev.Connect, pid=log.root, source="syscall", family="unix", address=socket, result=-2)
    [finding] = detect(HoneytokenRead, log)
    assert finding.severity is Severity.INFO


def test_the_three_clients_side_by_side_stay_info(log, detect):
    for path in (".netrc", ".pgpass", ".docker/config.json"):
        client = log.spawn(log.root, "/usr/bin/client")
        log.open(client, path)
        log.tcp(client, SINK, 443, b"hello")
    findings = detect(HoneytokenRead, log)
    assert [finding.severity for finding in findings] == [Severity.INFO] * 3


@pytest.mark.parametrize("path", [".netrc", ".pgpass", ".docker/config.json"])
def test_the_same_file_without_a_connection(log, detect, path):
    log.open(log.spawn(log.root, "/bin/cat"), path)
    log.tcp(log.root, SINK, 443, b"another process's connection")
    [finding] = detect(HoneytokenRead, log)
    assert finding.severity is Severity.HIGH


def test_looking_up_a_user_is_not_such_a_connection(log, detect):
    log.open(log.root, ".docker/config.json")
    nscd = "/var/run/nscd/socket"
    log.add(ev.Connect, pid=log.root, source="syscall", family="unix", address=nscd, result=-2)
    [finding] = detect(HoneytokenRead, log)
    assert finding.severity is Severity.HIGH


def test_a_second_family_makes_both_high(log, detect):
    log.open(log.root, ".netrc")
    log.open(log.root, ".aws/credentials")
    log.tcp(log.root, SINK, 443, b"hello")
    findings = detect(HoneytokenRead, log)
    assert [finding.severity for finding in findings] == [Severity.HIGH] * 2


def test_forks_of_one_program_that_take_a_family_each(log, detect):
    worker = log.spawn(log.root, "/opt/vendor/worker")
    for path in (".netrc", ".pgpass"):
        child = log.fork(worker)
        log.open(child, path)
        log.tcp(child, SINK, 443, b"hello")
    findings = detect(HoneytokenRead, log)
    assert [finding.severity for finding in findings] == [Severity.HIGH] * 2


@pytest.mark.parametrize("shown", ["output", "tcp"])
def test_a_value_that_gets_out_makes_the_read_high(log, detect, shown):
    value = log.values["netrc_password"].encode()
    log.open(log.root, ".netrc")
    log.tcp(log.root, SINK, 443, b"hello", *([value] if shown == "tcp" else []))
    if shown == "output":
        log.output(value[:7])
        log.output(value[7:])
    [finding] = detect(HoneytokenRead, log)
    assert finding.severity is Severity.HIGH


def test_one_thief_among_clients_makes_the_finding_high(log, detect):
    client = log.spawn(log.root, "/usr/bin/wget")
    log.open(client, ".netrc")
    log.tcp(client, SINK, 443, b"hello")
    log.open(log.spawn(log.root, "/bin/cat"), ".netrc")
    [finding] = detect(HoneytokenRead, log)
    assert (finding.severity, finding.count) == (Severity.HIGH, 2)
    assert finding.title == "~/.netrc read by app → cat"


# --- a walk over the whole home ---------------------------------------------------------------


def _walk(log, pid, leave_out=()):
    for folder in ("", "/.aws", "/.ssh", "/.docker", "/.kube"):
        log.open(pid, HOME + folder, FOLDER)
    for path in log.inodes:
        if path not in leave_out:
            log.open(pid, path)


def test_tar_of_the_home_is_one_medium(log, detect):
    tar = log.spawn(log.root, "/bin/tar", "czf", "-", HOME)
    _walk(log, tar)
    [finding] = detect(HoneytokenRead, log)
    assert finding.severity is Severity.MEDIUM
    assert finding.key == "honeytoken_read:walk"
    assert finding.title == "6 of 6 planted files read in a walk over the whole home by app → tar"
    assert len(finding.evidence) == 6


def test_find_with_one_cat_is_a_walk_of_both(log, detect):
    find = log.spawn(log.root, "/usr/bin/find", HOME, "-exec", "cat", "{}", "+")
    for folder in ("", "/.aws", "/.ssh", "/.docker", "/.kube"):
        log.open(find, HOME + folder, FOLDER)
    cat = log.spawn(find, "/bin/cat")
    for path in log.inodes:
        log.open(cat, path)
    [finding] = detect(HoneytokenRead, log)
    assert finding.severity is Severity.MEDIUM


def test_a_thief_that_knows_the_places_is_no_walk(log, detect):
    log.open(log.root, HOME, FOLDER)
    for path in log.inodes:
        log.open(log.root, path)
    findings = detect(HoneytokenRead, log)
    assert [finding.severity for finding in findings] == [Severity.HIGH] * 6


def test_a_thief_that_picks_out_of_a_listing_is_no_walk(log, detect):
    _walk(log, log.root, leave_out=(".netrc", ".pgpass", ".docker/config.json", ".kube/config"))
    findings = detect(HoneytokenRead, log)
    assert [finding.severity for finding in findings] == [Severity.HIGH] * 2


def test_tar_of_another_folder_is_silent(log, detect):
    log.open(log.root, "/home/user/project", FOLDER)
    log.open(log.root, "/home/user/project/.netrc")
    assert detect(HoneytokenRead, log) == ()


# --- what the file itself tells ---------------------------------------------------------------


@pytest.mark.parametrize("access", [("open", "read", "close"), ("open", "close"), ("read",)])
def test_a_touch_alone_is_a_read(log, detect, access):
    log.touch(log.root, ".ssh/id_rsa", *access)
    [finding] = detect(HoneytokenRead, log)
    assert finding.severity is Severity.HIGH
    assert finding.key == "honeytoken_read:ssh_key"
    assert finding.count == 1
    [evidence] = finding.evidence
    assert evidence.text == "app read ~/.ssh/id_rsa without a call that opens it"


@pytest.mark.parametrize("first", ["open", "touch"])
def test_a_read_that_both_sources_tell_is_one(log, detect, first):
    if first == "open":
        log.open(log.root, ".ssh/id_rsa")
    log.touch(log.root, ".ssh/id_rsa", "open", "read")
    log.touch(log.root, ".ssh/id_rsa", "close")
    if first == "touch":
        log.open(log.root, ".ssh/id_rsa")
    [finding] = detect(HoneytokenRead, log)
    assert finding.count == 1
    assert "opened" in finding.evidence[0].text


def test_a_descriptor_from_the_parent_is_no_second_read(log, detect):
    log.open(log.root, ".ssh/id_rsa")
    log.touch(log.root, ".ssh/id_rsa", "open")
    child = log.spawn(log.root, "/bin/cat")
    log.touch(child, ".ssh/id_rsa", "read", "close")
    [finding] = detect(HoneytokenRead, log)
    assert finding.count == 1


def test_a_descriptor_from_a_sibling_is_a_second_read(log, detect):
    log.touch(log.spawn(log.root, "/bin/one"), ".ssh/id_rsa", "open", "read")
    log.touch(log.spawn(log.root, "/bin/two"), ".ssh/id_rsa", "read", "close")
    [finding] = detect(HoneytokenRead, log)
    assert finding.count == 2


def test_writing_and_reading_back_ones_own_content_is_no_read(log, detect):
    log.open(log.root, ".netrc", flags=os.O_RDWR | os.O_TRUNC)
    log.touch(log.root, ".netrc", "open", "write", "read", "close")
    log.open(log.root, ".pgpass", flags=os.O_WRONLY)
    log.touch(log.root, ".pgpass", "open", "write", "close")
    log.touch(log.root, ".ssh/id_rsa", "open", "write", "close")
    assert detect(HoneytokenRead, log) == ()


def test_a_call_that_only_writes_hides_no_read(log, detect):
    log.open(log.root, ".pgpass", flags=os.O_WRONLY)
    log.touch(log.root, ".pgpass", "open", "read", "close")
    [finding] = detect(HoneytokenRead, log)
    assert finding.key == "honeytoken_read:pgpass"


def test_a_touched_file_that_was_not_planted_is_silent(log, detect):
    log.add(ev.Touch, pid=log.root, dev=77, inode=4242, path="/x", access=("open", "read"))
    assert detect(HoneytokenRead, log) == ()


def test_a_touch_after_the_process_has_ended(log, detect):
    child = log.spawn(log.root, "/opt/vendor/thief")
    log.exit(child)
    log.touch(child, ".kube/config", "open", "read")
    [finding] = detect(HoneytokenRead, log)
    assert finding.title == "~/.kube/config read by app → thief"


def test_a_client_may_have_its_file_read_in_another_abi(log, detect):
    log.touch(log.root, ".netrc", "open", "read")
    log.tcp(log.root, SINK, 443, b"hello")
    [finding] = detect(HoneytokenRead, log)
    assert finding.severity is Severity.INFO
