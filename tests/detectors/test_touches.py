"""Uses of planted files: by calls and by the file itself, and what only one of them tells."""

from __future__ import annotations

import os

import pytest

from pytest_ato.detectors.context import Context
from pytest_ato.detectors.pipeline import Pipeline
from pytest_ato.model.findings import Severity

NETRC, AWS, SSH = ".netrc", ".aws/credentials", ".ssh/id_rsa"


@pytest.fixture
def context(log):
    """``context()``: what the log made of it."""

    def make() -> Context:
        pipeline = Pipeline([])
        for event in log.events:
            pipeline.feed(event)
        assert pipeline.failures == ()
        return pipeline.context

    return make


def unseen(context):
    return [(touched.process.pid, touched.token.name) for touched in context.touches.read_unseen()]


def side_doors(context):
    return [(touched.token.name, door) for touched, door in context.touches.by_side_door()]


def reads(context):
    return [
        (read.process.pid, read.token.name, read.count, read.unseen)
        for read in context.reads.rated()
    ]


def test_both_sources_tell_one_read(log, context):
    log.open(log.root, NETRC)
    log.touch(log.root, NETRC, "open", "read", "close")
    assert reads(context()) == [(log.root, "netrc", 1, False)]
    assert side_doors(context()) == []


def test_a_read_that_only_the_file_tells(log, context):
    log.touch(log.root, NETRC, "open", "read")
    assert reads(context()) == [(log.root, "netrc", 1, True)]
    assert side_doors(context()) == [("netrc", "")]


def test_a_map_reads_nothing_and_is_a_read_all_the_same(log, context):
    log.touch(log.root, NETRC, "open", "close")
    assert unseen(context()) == [(log.root, "netrc")]


def test_a_write_is_no_read(log, context):
    log.touch(log.root, NETRC, "open", "write")
    assert unseen(context()) == []


def test_who_empties_a_file_reads_its_own(log, context):
    log.open(log.root, NETRC, os.O_RDWR | os.O_TRUNC)
    log.touch(log.root, NETRC, "open", "read", "write")
    assert unseen(context()) == []


@pytest.mark.parametrize(("result", "door"), [(0, "io_uring"), (-1, "")])
def test_a_side_door_explains_it_unless_it_was_refused(log, context, result, door):
    log.door(log.root, "io_uring", "OPENAT", result=result)
    log.touch(log.root, NETRC, "open", "read")
    assert side_doors(context()) == [("netrc", door)]


def test_a_door_of_another_process_explains_nothing(log, context):
    child = log.fork(log.root)
    log.door(log.root, "int80", "call 5")
    log.touch(child, NETRC, "open", "read")
    assert side_doors(context()) == [("netrc", "")]


def test_a_descriptor_that_was_handed_down_is_its_opener_s_read(log, context):
    log.open(log.root, NETRC)
    child = log.fork(log.root)
    log.touch(child, NETRC, "read")
    assert reads(context()) == [(log.root, "netrc", 1, False)]
    assert side_doors(context()) == []


def test_a_file_in_a_token_s_place_is_the_target_s_own(log, context):
    log.open(log.root, NETRC, dev=1, inode=4711)
    assert reads(context()) == []


def test_attempts_and_bare_descriptors_are_no_reads(log, context):
    log.open(log.root, NETRC, result=-13)
    log.open(log.root, NETRC, 0o10000000)  # O_PATH
    log.open(log.root, NETRC, os.O_WRONLY)
    assert reads(context()) == []


def rating(context, *leaked):
    return {read.token.name: read.rating for read in context.reads.rated(leaked)}


def test_a_client_s_own_file_is_no_theft(log, context):
    log.open(log.root, NETRC)
    log.connect(log.root, "198.18.0.1", 443)
    assert rating(context()) == {"netrc": Severity.INFO}
    assert rating(context(), "netrc") == {"netrc": Severity.HIGH}  # its value was seen elsewhere


def test_a_client_of_two_services_is_none(log, context):
    log.open(log.root, NETRC)
    log.open(log.root, SSH)
    log.connect(log.root, "198.18.0.1", 443)
    assert rating(context()) == {"netrc": Severity.HIGH, "ssh_key": Severity.HIGH}


def test_who_lists_every_folder_walks(log, context):
    files = (NETRC, AWS, SSH, ".pgpass", ".docker/config.json", ".kube/config")
    for folder in ("", "/.aws", "/.ssh", "/.docker", "/.kube"):
        log.open(log.root, f"/home/user{folder}", os.O_DIRECTORY)
    for path in files:
        log.open(log.root, path)
    assert set(rating(context()).values()) == {Severity.MEDIUM}


def test_who_knows_where_things_are_does_not(log, context):
    for path in (NETRC, AWS, SSH, ".pgpass", ".docker/config.json", ".kube/config"):
        log.open(log.root, path)
    assert set(rating(context()).values()) == {Severity.HIGH}
