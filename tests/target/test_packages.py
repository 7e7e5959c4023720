"""Targets as vendors ship them: folders and archives, well made, broken, and made to do harm."""

from __future__ import annotations

import hashlib
import io
import shutil
import stat
import struct
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ato.model.errors import UsageError
from pytest_ato.target import resolve
from pytest_ato.target.packages import unpack

SCRIPT = b"#!/bin/sh\necho $0\n"
DATA = b"data\n"
needs_bsdtar = pytest.mark.skipif(shutil.which("bsdtar") is None, reason="needs bsdtar")


@pytest.fixture
def tree(tmp_path) -> Path:
    """A vendor's folder with one program and what belongs to it."""
    top = tmp_path / "tool-1.2"
    for name, data, mode in (("bin/tool", SCRIPT, 0o755), ("share/data.txt", DATA, 0o644)):
        path = top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        path.chmod(mode)
    (top / "bin/alias").symlink_to("tool")
    return top


def tar(tree: Path, suffix: str) -> Path:
    path = tree.with_name(f"{tree.name}{suffix}")
    with tarfile.open(path, "w:" + suffix.rpartition(".")[2].replace("tar", "")) as archive:
        archive.add(tree, tree.name)
    return path


def tar_inside(tree: Path) -> Path:
    """Without the folder itself."""
    path = tree.with_name("inside.tar")
    with tarfile.open(path, "w") as archive:
        archive.add(tree, ".")
    return path


def zipped(tree: Path) -> Path:
    path = tree.with_name(f"{tree.name}.zip")
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(tree.rglob("*")):
            if file.is_file() and not file.is_symlink():
                archive.write(file, Path(tree.name, file.relative_to(tree)))
    return path


def deb(tree: Path) -> Path:
    root = tree.with_name("root")
    shutil.copytree(tree, root / "opt" / tree.name, symlinks=True)
    control = root / "DEBIAN"
    control.mkdir()
    (control / "control").write_text(
        "Package: tool\nVersion: 1.2\nArchitecture: all\nMaintainer: V <v@vendor.example>\n"
        "Description: a tool\n"
    )
    (control / "postinst").write_text("#!/bin/sh\ntouch /ran-as-root\n")
    (control / "postinst").chmod(0o755)
    path = tree.with_name("tool_1.2.deb")
    subprocess.run(["dpkg-deb", "--root-owner-group", "-b", root, path], check=True, stdout=-3)
    return path


def rpm(tree: Path) -> Path:
    if shutil.which("rpmbuild") is None:
        pytest.skip("needs rpmbuild")
    top = tree.with_name("rpmbuild")
    spec = tree.with_name("tool.spec")
    spec.write_text(
        "Name: tool\nVersion: 1.2\nRelease: 1\nSummary: a tool\nLicense: none\nBuildArch: noarch\n"
        f"%description\nA tool.\n%install\nmkdir -p %{{buildroot}}/opt\n"
        f"cp -a {tree} %{{buildroot}}/opt/\n%files\n/opt/{tree.name}\n"
    )
    command = ["rpmbuild", "-bb", "--quiet", "--define", f"_topdir {top}", "--define"]
    subprocess.run([*command, "__os_install_post %{nil}", spec], check=True, stderr=-3)
    return next(top.rglob("*.rpm"))


MAKERS = {
    "directory": lambda tree: tree,
    "tar": lambda tree: tar(tree, ".tar"),
    "tar.gz": lambda tree: tar(tree, ".tar.gz"),
    "tar.xz": lambda tree: tar(tree, ".tar.xz"),
    "zip": zipped,
    "deb": deb,
    "rpm": rpm,
}


@needs_bsdtar
@pytest.mark.parametrize("form", MAKERS)
def test_the_program_of_a_package_is_found_and_all_of_it_described(tree, form):
    path = MAKERS[form](tree)
    target = resolve(str(path))
    package = target.package
    assert package.kind == form.partition(".")[0]
    assert target.program.startswith(f"/opt/{path.name}/")
    assert target.program.endswith("/bin/tool")
    assert target.program_sha256 == hashlib.sha256(SCRIPT).hexdigest()
    shipped = SCRIPT if path.is_dir() else path.read_bytes()
    assert (target.sha256, target.size) == (hashlib.sha256(shipped).hexdigest(), len(shipped))
    found = {file.path.rpartition("/")[2]: file.sha256 for file in package.files}
    assert found["data.txt"] == hashlib.sha256(DATA).hexdigest()
    assert package.files_total == len(package.files)
    assert package.left_out == ()
    for file in Path(target.placed[0].source).rglob("*"):
        assert stat.S_IMODE(file.stat().st_mode) & 0o444 == 0o444


def refused(path: Path, entry: str = "") -> str:
    with pytest.raises(UsageError) as caught:
        resolve(str(path), entry=entry)
    message = str(caught.value)
    assert message.isprintable()
    return message


def test_among_several_programs_the_one_called_as_the_package_is_it_or_the_named_one(tree):
    for name in ("bin/helper", "libexec/tool"):
        path = tree / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(SCRIPT)
        path.chmod(0o755)
    assert resolve(str(tree)).program == "/opt/tool-1.2/bin/tool"
    assert resolve(str(tree), entry="bin/helper").program == "/opt/tool-1.2/bin/helper"
    assert resolve(str(tree), entry="bin/alias").program == "/opt/tool-1.2/bin/tool"
    (tree / "bin/tool").unlink()
    (tree / "libexec/tool").rename(tree / "libexec/other")
    message = refused(tree)
    assert "several programs (bin/helper, libexec/other)" in message
    assert "--ato-entry" in message
    assert "has no nope" in refused(tree, "nope")
    assert "leads out of" in refused(tree, "../../../../../../etc/passwd")
    assert "is not executable" in refused(tree, "share/data.txt")


def test_a_folder_without_a_program_and_one_that_is_the_users_own_are_refused(tree, monkeypatch):
    monkeypatch.chdir(tree)
    assert "it is" in refused(tree)
    assert "it contains" in refused(tree.parent)
    monkeypatch.chdir("/")
    (tree / "bin/tool").chmod(0o644)
    assert "has no program in it" in refused(tree)
    (tree / ".git").mkdir()
    assert "holds a .git directory" in refused(tree)


def member(archive: tarfile.TarFile, name: str, **fields: object) -> None:
    info = tarfile.TarInfo(name)
    info.mode = 0o755
    for key, value in fields.items():
        setattr(info, key, value)
    data = b"" if info.type != tarfile.REGTYPE else SCRIPT
    info.size = len(data)
    archive.addfile(info, io.BytesIO(data))


@needs_bsdtar
def test_what_is_made_to_do_harm_stays_out_and_is_told(tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    path = tmp_path / "vendor.tar"
    with tarfile.open(path, "w") as archive:
        member(archive, "tool")
        member(archive, "set-id", mode=0o6755)
        member(archive, f"../{outside.name}/climbed")
        member(archive, f"{outside}/absolute")
        member(archive, "away", type=tarfile.SYMTYPE, linkname=str(outside))
        member(archive, "away/through")
        member(archive, "up", type=tarfile.SYMTYPE, linkname="../../..")
        member(archive, "disk", type=tarfile.BLKTYPE, devmajor=8)
        member(archive, "pipe", type=tarfile.FIFOTYPE)
        member(archive, "\x1b[31m::error::\nx", type=tarfile.FIFOTYPE)
    target = resolve(str(path), entry="tool")
    told = target.package.left_out
    for words in (
        "set-id has a set-id bit: taken away",
        "disk is a device: left out",
        "pipe is a pipe: left out",
        "away is a link that leads out of the archive: left out",
        "up is a link that leads out of the archive: left out",
        f"../{outside.name}/climbed: Path contains '..'",
        "away/through: ",
    ):
        assert any(words in sentence for sentence in told), words
    assert all(sentence.isprintable() for sentence in told)
    assert not list(outside.iterdir())
    for file in Path(target.placed[0].source).rglob("*"):
        mode = file.lstat().st_mode
        assert stat.S_ISREG(mode) or stat.S_ISDIR(mode)
        assert not mode & 0o7000


@needs_bsdtar
def test_an_archive_that_is_too_much_is_given_up(tmp_path, tree, monkeypatch):
    monkeypatch.setattr(unpack, "BYTES", 1 << 20)
    path = tmp_path / "bomb.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        info = tarfile.TarInfo("zeros")
        info.size = 2 << 20
        archive.addfile(info, io.BytesIO(bytes(info.size)))
    assert "is an archive of more than" in refused(path)
    monkeypatch.setattr(unpack, "BYTES", 1 << 30)
    monkeypatch.setattr(unpack, "FILES", 2)
    assert "is an archive of more than 2 files" in refused(tar(tree, ".tar"))
    monkeypatch.setattr(unpack, "FILES", 100)
    monkeypatch.setattr(unpack, "SECONDS", 0.0)
    monkeypatch.setattr(unpack, "_LOOK", 0.0)
    assert "takes more than 0 s" in refused(tar(tree, ".tar.xz"))


@needs_bsdtar
@pytest.mark.parametrize("form", ["tar.gz", "tar.xz", "zip", "deb", "rpm"])
def test_an_archive_that_is_cut_off_is_refused(tree, form):
    path = MAKERS[form](tree)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    message = refused(path)
    assert "archive" in message or "data.tar" in message


@needs_bsdtar
@settings(max_examples=15)
@given(st.binary(max_size=300), st.sampled_from([b"\x1f\x8b", b"PK\x03\x04", b"\xed\xab\xee\xdb"]))
def test_no_bytes_do_worse_than_a_refusal(tmp_path_factory, data, magic):
    path = tmp_path_factory.mktemp("fuzz") / "vendor"
    path.write_bytes(magic + data)
    refused(path)


def test_an_archive_on_several_disks_is_refused(tmp_path):
    path = tmp_path / "vendor.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("tool", "#!/bin/sh\n")
    whole = path.read_bytes()
    end = whole.index(b"PK\5\6")
    disks = struct.pack("<4sIQI", b"PK\6\7", 0, 0, 2)
    path.write_bytes(whole[:end] + disks + whole[end:])
    assert "damaged archive" in refused(path)


@needs_bsdtar
def test_a_container_image_is_told_from_a_package(tree):
    (tree / "manifest.json").write_text("[]")
    assert resolve(str(tar_inside(tree))).program.endswith("/bin/tool")
    (tree / "0123").mkdir()
    (tree / "0123/layer.tar").write_bytes(b"")
    assert "is a container image that holds 0 images" in refused(tar_inside(tree))


def test_one_file_needs_no_entry_and_without_bsdtar_the_package_is_named(tree, monkeypatch):
    assert "needs no --ato-entry" in refused(tree / "bin/tool", "x")
    monkeypatch.setenv("PATH", "/nowhere")
    assert "apt-get install libarchive-tools" in refused(tar(tree, ".tar"))


@pytest.mark.privileged
def test_an_archive_is_audited_as_it_was_shipped(tree, ato_trace):
    (tree / "bin/tool").write_text(
        '#!/bin/sh\ncat "$(dirname "$0")/../share/data.txt"\ncat ~/.aws/credentials >/dev/null\n'
    )
    path = tar(tree, ".tar.gz")
    trace = ato_trace(path)
    assert trace.stdout == DATA
    assert trace.returncode == 0
    assert [finding.detector for finding in trace.findings] == ["honeytoken_read"]
    told = trace.report.target
    assert (told.package, told.files_total) == ("tar", 3)
    assert told.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    page = (trace.report_dir / "report.md").read_text()
    assert "| package | tar, 3 files |" in page
    assert hashlib.sha256(DATA).hexdigest() in (trace.report_dir / "report.html").read_text()
