"""What of an image is started, by whom and where: well made, missing, and made to do harm."""

from __future__ import annotations

import shutil
import tarfile

import pytest

from pytest_ato.model.errors import UsageError
from pytest_ato.target import resolve

pytestmark = pytest.mark.skipif(shutil.which("bsdtar") is None, reason="needs bsdtar")

PASSWD = (
    b"root:x:0:0::/root:/bin/sh\nvendor:x:1000:1001::/srv/vendor:/bin/sh\n"
    b"broken\nlinked:x:7:8::/home/linked:\nbig:x:99999:0::/:\nnowhere:x:9:9::/:\n"
)


def refused(path, **options) -> str:
    with pytest.raises(UsageError) as caught:
        resolve(str(path), **options)
    message = str(caught.value)
    assert message.isprintable()
    return message


@pytest.fixture
def vendor(image, tool, entry):
    """An image with users, links and things that are no programs; the configuration is given."""
    link = {"type": tarfile.SYMTYPE}
    members = [
        tool,
        ("bin/script", b"#!/tool -x\n", 0o755),
        ("bin/without", b"#!/bin/sh\n", 0o755),
        ("bin/nothing", b"#!\n", 0o755),
        ("bin/text", b"hello\n", 0o755),
        ("bin/data", tool[1], 0o644),
        ("bin/arm", tool[1][:18] + b"\xb7\0" + tool[1][20:], 0o755),
        ("etc/passwd", PASSWD, 0o644),
        ("etc/group", b"staff:x:50:\n", 0o644),
        entry("bin/applet", linkname="../../../../tool", **link),
        entry("bin/round", linkname="round", **link),
        entry("home/linked", linkname="/srv/vendor", **link),
        entry("srv/vendor"),
    ]
    return lambda **config: image([members], **config)


def test_the_entry_point_is_found_as_an_engine_finds_it(vendor):
    found = resolve(str(vendor(Entrypoint=["applet", "-a"], Cmd=["b"], Env=["PATH=/no:/bin"])))
    assert (found.program, found.image.start) == ("/tool", "/bin/applet")
    assert found.image.entrypoint == ("applet", "-a")
    assert found.image.command == ("b",)
    found = resolve(str(vendor(Cmd=["./bin/../bin/script"], WorkingDir="/srv/..")))
    assert (found.program, found.format) == ("/bin/script", "script")
    found = resolve(str(vendor(Cmd=["/nope"])), entry="tool")
    assert (found.image.entrypoint, found.image.command) == (("/tool",), ())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["/bin/sh", "-c", "x"], "its entry point /bin/sh is not in the image, which has no shell"),
        (["sh"], "its entry point sh is not in the image, which has no shell"),
        (["/nope"], "its entry point /nope is not in the image"),
        (["../../../../../bin/true"], "is not in the image"),
        (["/etc"], "is a directory"),
        (["/bin/data"], "is not executable"),
        (["/bin/text"], "is no program"),
        (["/bin/without"], "needs /bin/sh, which is not in the image"),
        (["/bin/nothing"], "needs an interpreter, which is not in the image"),
        (["/bin/arm"], "is built for aarch64, this machine is x86_64"),
        (["/bin/round"], "go in a circle"),
        (["/\x1b[31m\n::error::\0"], "is not in the image"),
        (["/" + "x" * 5000], "is not in the image"),
        ([""], "names no program to start"),
        ([], "names no program to start"),
        (None, "names no program to start"),
        ("/tool", "cannot be understood"),
        ([1], "cannot be understood"),
    ],
)
def test_an_entry_point_that_cannot_be_started_is_refused(vendor, words, message):
    assert message in refused(vendor(Entrypoint=words))


@pytest.mark.parametrize(
    ("user", "ids", "home"),
    [
        ("", (0, 0), "/root"),
        ("vendor", (1000, 1001), "/srv/vendor"),
        ("1000", (1000, 1001), "/srv/vendor"),
        ("1000:staff", (1000, 50), "/srv/vendor"),
        ("vendor:7", (1000, 7), "/srv/vendor"),
        ("4242", (4242, 0), "/home/user"),
        ("nowhere", (9, 9), "/home/user"),
        ("linked", (7, 8), "/srv/vendor"),
    ],
)
def test_the_user_is_one_of_the_image(vendor, user, ids, home):
    found = resolve(str(vendor(Entrypoint=["/tool"], User=user))).image
    assert ((found.uid, found.gid), found.home) == (ids, home)


@pytest.mark.parametrize(
    ("user", "words"),
    [
        ("nobody-here", "its user nobody-here is not in its /etc/passwd"),
        ("0:nobody-here", "its group nobody-here is not in its /etc/group"),
        ("big", "has the id 99999"),
        ("65536", "has the id 65536"),
        ("9" * 5000, "has the id 999"),
        ("\x1b[31m", "is not in its /etc/passwd"),
    ],
)
def test_a_user_that_cannot_be_is_refused(vendor, user, words):
    assert words in refused(vendor(Entrypoint=["/tool"], User=user))


@pytest.mark.parametrize("layout", ["docker", "oci"])
def test_an_image_for_another_machine_is_refused(image, tool, layout):
    path = image([[tool]], layout=layout, fields={"architecture": "arm64"}, Entrypoint=["/tool"])
    assert "is built for arm64, this machine is x86_64" in refused(path)
    path = image([[tool]], layout=layout, fields={"os": "windows"}, Entrypoint=["/tool"])
    assert "is built for windows, not for Linux" in refused(path)


def test_an_image_takes_no_companions(vendor, tmp_path):
    from pytest_ato.settings.grammar import Include

    path = vendor(Entrypoint=["/tool"])
    (tmp_path / "more").write_text("x")
    with pytest.raises(UsageError, match="an image has all it needs"):
        resolve(str(path), [Include(str(tmp_path / "more"), "/more")])
