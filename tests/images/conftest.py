"""Images as tests need them: written byte for byte, with programs of this machine in them."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import tarfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

Members = Iterable[tarfile.TarInfo | tuple[str, bytes, int]]


def entry(name: str, **fields: Any) -> tarfile.TarInfo:
    """A member without content, of a folder unless `fields` say otherwise."""
    info = tarfile.TarInfo(name)
    info.type, info.mode = tarfile.DIRTYPE, 0o755
    for key, value in fields.items():
        setattr(info, key, value)
    return info


def layer(members: Members, form: str = "") -> bytes:
    """A tar with these members: entries, or name, content and mode of a file."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode=f"w:{form}", format=tarfile.PAX_FORMAT) as archive:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                archive.addfile(member)
                continue
            name, content, mode = member
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(content), mode
            archive.addfile(info, io.BytesIO(content))
    return data.getvalue()


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def configuration(layers: Iterable[bytes], config: Mapping[str, Any], **fields: Any) -> bytes:
    found = {
        "architecture": "amd64",
        "os": "linux",
        "config": config,
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest(each)}" for each in layers]},
        **fields,
    }
    return json.dumps(found).encode()


def saved(layers: list[bytes], config: bytes, name: str = "vendor/tool:1.2") -> Members:
    """As `docker save` of engines before 25 has it."""
    paths = [f"{digest(each)}/layer.tar" for each in layers]
    manifest = [{"Config": f"{digest(config)}.json", "RepoTags": [name], "Layers": paths}]
    yield f"{digest(config)}.json", config, 0o644
    for path, each in zip(paths, layers, strict=True):
        yield path, each, 0o644
    yield "manifest.json", json.dumps(manifest).encode(), 0o644


def oci(layers: list[bytes], config: bytes, name: str = "1.2", machine: str = "amd64") -> Members:
    """The OCI's image layout, with an index in the index, as tools write it for many machines."""
    blobs = [*layers, config]

    def described(data: bytes, **fields: Any) -> dict[str, Any]:
        return {"digest": f"sha256:{digest(data)}", "size": len(data), **fields}

    manifest = json.dumps(
        {"config": described(config), "layers": [described(each) for each in layers]}
    ).encode()
    platforms = {
        "manifests": [
            described(manifest, platform={"architecture": machine, "os": "linux"}),
            described(b"", platform={"architecture": "unknown", "os": "unknown"}),
        ]
    }
    inner = json.dumps(platforms).encode()
    note = {"org.opencontainers.image.ref.name": name}
    index = {"manifests": [described(inner, annotations=note)]}
    yield "oci-layout", b'{"imageLayoutVersion": "1.0.0"}', 0o644
    yield "index.json", json.dumps(index).encode(), 0o644
    for blob in (*blobs, manifest, inner):
        yield f"blobs/sha256/{digest(blob)}", blob, 0o644


LAYOUTS = {"docker": saved, "oci": oci}


@pytest.fixture
def image(tmp_path: Path) -> Callable[..., Path]:
    """Write an image of some layers: ``image([members, ...], Entrypoint=[...])``."""

    def make(
        layers: Iterable[Members],
        *,
        layout: str = "docker",
        name: str = "vendor.tar",
        fields: Mapping[str, Any] | None = None,
        **config: Any,
    ) -> Path:
        blobs = [layer(members) for members in layers]
        path = tmp_path / name
        described = configuration(blobs, config, **(fields or {}))
        path.write_bytes(layer(LAYOUTS[layout](blobs, described)))
        return path

    return make


def programs(*names: str) -> list[tuple[str, bytes, int]]:
    """Programs of this machine, at their paths, with the libraries that they need."""
    found: dict[str, bytes] = {}
    for name in names:
        found[name] = Path(name).read_bytes()
        listed = subprocess.run(["ldd", name], capture_output=True, text=True, check=True).stdout
        for path in re.findall(r"(/\S+) \(", listed):
            found[path] = Path(path).read_bytes()
    return [(path.lstrip("/"), data, 0o755) for path, data in found.items()]


@pytest.fixture(scope="session")
def shell() -> list[tuple[str, bytes, int]]:
    """A root with a shell that can use the network, and little else."""
    assert os.uname().machine == "x86_64"
    passwd = b"root:x:0:0::/root:/bin/bash\nvendor:x:1000:1001::/srv/vendor:/bin/bash\n"
    return [
        *programs("/bin/bash", "/bin/cat", "/bin/ls", "/bin/id"),
        ("etc/passwd", passwd, 0o644),
        ("etc/group", b"root:x:0:\nvendor:x:1001:\nstaff:x:50:\n", 0o644),
    ]


@pytest.fixture(scope="session")
def curl(shell: list[tuple[str, bytes, int]]) -> list[tuple[str, bytes, int]]:
    """The same with curl, and the TLS library that it needs."""
    if shutil.which("curl", path="/usr/bin") is None:
        pytest.skip("needs curl")
    found = {member[0]: member for member in (*shell, *programs("/usr/bin/curl"))}
    return list(found.values())


@pytest.fixture(name="entry")
def _entry() -> Callable[..., tarfile.TarInfo]:
    """See `entry`."""
    return entry


@pytest.fixture(name="image_of")
def _image_of() -> Callable[..., bytes]:
    """The bytes of an image of such layers, which are bytes themselves: ``image_of(layers)``."""

    def make(layers: list[bytes], layout: str = "docker", **fields: Any) -> bytes:
        config = fields.pop("config", {"Entrypoint": ["/tool"]})
        return layer(LAYOUTS[layout](layers, configuration(layers, config, **fields)))

    return make


@pytest.fixture(scope="session", name="layer")
def _layer() -> Callable[..., bytes]:
    """See `layer`."""
    return layer


@pytest.fixture(scope="session")
def tool(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, bytes, int]:
    """A program that needs nothing of an image: it is linked statically."""
    if shutil.which("gcc") is None:
        pytest.skip("needs gcc")
    path = tmp_path_factory.mktemp("tool") / "tool"
    command = ["gcc", "-static", "-nostdlib", "-x", "c", "-", "-o", path]
    code = b'void _start(void) { __asm__("syscall" :: "a"(60), "D"(0)); }'
    subprocess.run(command, input=code, check=True)
    return "tool", path.read_bytes(), 0o755


@pytest.fixture(scope="session")
def python(shell: list[tuple[str, bytes, int]]) -> list[tuple[str, bytes, int]]:
    """A root with the system's Python, as far as an attack needs it."""
    version = subprocess.check_output(
        ["/usr/bin/python3", "-c", "import sysconfig; print(sysconfig.get_path('stdlib'))"],
        text=True,
    )
    library = Path(version.strip())
    wanted = [
        *library.glob("*.py"),
        *(path for name in _PACKAGES for path in (library / name).rglob("*.py")),
    ]
    found = {str(path)[1:]: (str(path)[1:], path.read_bytes(), 0o644) for path in wanted}
    modules = [str(path) for path in (library / "lib-dynload").glob("_ctypes.*.so")]
    needed = {member[0]: member for member in programs("/usr/bin/python3", *modules)}
    return list({**{member[0]: member for member in shell}, **found, **needed}.values())


_PACKAGES = ("collections", "ctypes", "encodings", "importlib", "json", "re")
