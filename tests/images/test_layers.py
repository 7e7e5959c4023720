"""An image's layers, one over the other: well made, broken, and made to do harm."""

from __future__ import annotations

import gzip
import hashlib
import shutil
import stat
import tarfile
from pathlib import Path

import pytest

from pytest_ato.model.errors import UsageError
from pytest_ato.model.spec import OWNERS, ROOT, Target
from pytest_ato.target import resolve
from pytest_ato.target.packages import unpack

pytestmark = pytest.mark.skipif(shutil.which("bsdtar") is None, reason="needs bsdtar")


def root(target: Target) -> Path:
    return Path(target.placed[0].source, ROOT)


def names(target: Target) -> set[str]:
    return {str(path.relative_to(root(target))) for path in root(target).rglob("*")}


def owners(target: Target) -> dict[str, str]:
    rows = Path(target.placed[0].source, OWNERS).read_bytes().decode().split("\0")[:-1]
    found = (row.split(" ", 3) for row in rows)
    return {path: " ".join(numbers) for *numbers, path in found}


def refused(path: Path, **options: str) -> str:
    with pytest.raises(UsageError) as caught:
        resolve(str(path), **options)
    message = str(caught.value)
    assert message.isprintable()
    assert len(message) < 1000
    return message


@pytest.mark.parametrize("layout", ["docker", "oci"])
def test_both_layouts_are_read_and_described(image, tool, layout):
    path = image([[tool], [("etc/motd", b"hello\n", 0o600)]], layout=layout, Cmd=["/tool", "x"])
    target = resolve(str(path))
    assert target.program == "/tool"
    assert target.program_sha256 == hashlib.sha256(tool[1]).hexdigest()
    assert target.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert target.package.kind == "image"
    assert {file.path for file in target.package.files} == {"/tool", "/etc/motd"}
    found = target.image
    assert found.name == ("vendor/tool:1.2" if layout == "docker" else "1.2")
    assert found.digest.startswith("sha256:")
    assert (found.entrypoint, found.command) == (("/tool",), ("x",))
    assert owners(target) == {"etc/motd": "0 0 600"}


def test_a_layer_takes_away_and_replaces_what_is_below(image, tool, entry):
    below = [
        tool,
        *((f"{folder}/{name}", b"1", 0o644) for folder in ("kept", "opaque") for name in "ab"),
        ("gone/deep/file", b"1", 0o644),
        ("file", b"1", 0o644),
        ("folder/in", b"1", 0o644),
        ("changed", b"1", 0o644),
    ]
    above = [
        ("kept/.wh.a", b"", 0o600),
        ("opaque/c", b"2", 0o644),
        ("opaque/.wh..wh..opq", b"", 0o600),
        (".wh.gone", b"", 0o600),
        (".wh.never", b"", 0o600),
        (".wh..", b"", 0o600),
        (".wh...", b"", 0o600),
        ("file/now-a-folder", b"2", 0o644),
        ("folder", b"2", 0o644),
        ("changed", b"22", 0o640),
        ("new/.wh.nothing", b"", 0o600),
        entry(".wh..wh.plnk"),
    ]
    target = resolve(str(image([below, above], Entrypoint=["/tool"])))
    assert names(target) == {
        *("tool", "kept", "kept/b", "opaque", "opaque/c", "file", "file/now-a-folder"),
        *("folder", "changed", "new"),
    }
    assert (root(target) / "changed").read_bytes() == b"22"
    assert owners(target) == {"changed": "0 0 640"}


def test_no_layer_reaches_through_a_link_or_out_of_the_image(image, tool, entry, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_text("mine")
    link = {"type": tarfile.SYMTYPE}
    below = [tool, entry("away", linkname=str(outside), **link), entry("up", linkname="..", **link)]
    above = [
        ("away/planted", b"2", 0o644),
        ("away/.wh.kept", b"", 0o644),
        ("up/planted", b"2", 0o644),
        (f"../../../..{outside}/climbed", b"2", 0o644),
        (f"{outside}/absolute", b"2", 0o644),
        entry("again", linkname=str(outside), **link),
        ("again/planted", b"2", 0o644),
        entry("same", type=tarfile.LNKTYPE, linkname=str(outside / "kept")),
    ]
    target = resolve(str(image([below, above], Entrypoint=["/tool"])))
    assert [path.name for path in outside.iterdir()] == ["kept"]
    assert (outside / "kept").read_text() == "mine"
    assert {"away/planted", "up/planted"} <= names(target)
    assert not (root(target) / "away").is_symlink()
    assert "same" not in names(target)
    assert any("climbed" in words for words in target.package.left_out)


def test_owners_and_modes_are_noted_and_what_gives_rights_is_left_out(image, tool, entry):
    path = image(
        [
            [
                tool,
                entry("srv/own", uid=1000, gid=1001, mode=0o700),
                entry("tmp", mode=0o1777),
                entry("su", type=tarfile.REGTYPE, mode=0o4755, uid=7),
                entry("disk", type=tarfile.BLKTYPE, devmajor=8),
                entry("far", uid=3_000_000, gid=65_536),
                entry("a b\n\x1b", uid=5),
            ]
        ],
        Entrypoint=["/tool"],
    )
    target = resolve(str(path))
    assert owners(target) == {
        "srv/own": "1000 1001 700",
        "tmp": "0 0 1777",
        "su": "7 0 755",
        "far": "65534 65534 755",
        "a b\n\x1b": "5 0 755",
    }
    told = target.package.left_out
    for words in ("disk is a device", "su has a set-id bit", "far is of an id beyond 65535"):
        assert any(words in sentence for sentence in told), words
    assert all(sentence.isprintable() for sentence in told)
    for file in root(target).rglob("*"):
        assert not file.lstat().st_mode & 0o7000
        assert not stat.S_ISBLK(file.lstat().st_mode)


def test_an_image_of_10_gb_is_refused_before_it_is_unpacked(tmp_path, image_of, layer, tool):
    size = 10 << 30
    header = tarfile.TarInfo("zeros")
    header.size = size
    packed = header.tobuf(tarfile.GNU_FORMAT)
    path = tmp_path / "vendor.tar"
    # Itself a file with a hole, that says what is in it at its end
    inner = tarfile.TarInfo("0/layer.tar")
    inner.size = size + len(packed)
    with path.open("wb") as file:
        file.write(inner.tobuf(tarfile.GNU_FORMAT) + packed)
        file.seek(size, 1)
        file.write(layer([("manifest.json", b"[]", 0o644)]))
    assert "is an archive of more than 4 GiB" in refused(path)


def test_layers_that_unpack_to_too_much_are_refused(tmp_path, image_of, layer, tool, monkeypatch):
    monkeypatch.setattr(unpack, "BYTES", 3 << 20)
    big = ("zeros", bytes(2 << 20), 0o644)
    layers = [gzip.compress(layer([tool, big])), gzip.compress(layer([big]))]
    path = tmp_path / "vendor.tar"
    path.write_bytes(image_of(layers[:1]))
    assert resolve(str(path)).program == "/tool"
    path.write_bytes(image_of(layers))
    assert "is an archive of more than" in refused(path)
    monkeypatch.setattr(unpack, "FILES", 10)
    path.write_bytes(image_of([layer([tool]), layer((f"f{n}", b"", 0o644) for n in range(11))]))
    assert "more than 10 files" in refused(path)
    path.write_bytes(image_of([layer([tool, ("d/" * 201 + "f", b"", 0o644)])]))
    assert "more than 200 deep" in refused(path)


def test_what_is_not_what_it_is_named_for_is_refused(tmp_path, image_of, layer, tool, image):
    good = layer([tool])
    path = tmp_path / "vendor.tar"
    for layout in ("docker", "oci"):
        other = image_of([good], layout).replace(b"\x7fELF", b"\x7fELV")
        path.write_bytes(other)
        message = refused(path)
        assert (
            "not the one its configuration names" in message or "has not what it names" in message
        )
    path.write_bytes(image_of([good], rootfs={"diff_ids": []}))
    assert "does not have the layers" in refused(path)
    path.write_bytes(image_of([good], rootfs=[]))
    assert "cannot be understood" in refused(path)


@pytest.mark.parametrize(
    ("manifest", "words"),
    [
        (b"[]", "holds 0 images"),
        (b"{", "cannot be understood"),
        (b'[{"Config": "../../../../etc/passwd", "Layers": []}]', "lacks ../../../../etc/passwd"),
        (b'[{"Config": "/etc/passwd", "Layers": []}]', "lacks /etc/passwd"),
        (b'[{"Config": "\\u0000\\u001b", "Layers": []}]', "lacks "),
        (b"[" * 5000, "cannot be understood"),
        (b" " * (5 << 20), "more than 4 MiB"),
    ],
    ids=["none", "cut", "climbing", "absolute", "controls", "deep", "large"],
)
def test_a_hostile_manifest_is_refused(tmp_path, layer, manifest, words):
    path = tmp_path / "vendor.tar"
    members = [("manifest.json", manifest, 0o644), ("0/layer.tar", b"", 0o644)]
    path.write_bytes(layer(members))
    assert words in refused(path)
