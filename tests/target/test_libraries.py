"""A program brings the libraries of its own folder along, and nothing else."""

from __future__ import annotations

import shutil

from pytest_ato.target import resolve


def placed(path) -> dict[str, str]:
    target = resolve(str(path))
    return {item.dest: item.source for item in target.placed[1:]}


def test_libraries_of_the_run_path_keep_their_layout(compiled, tmp_path):
    compiled("app/lib/libtwo.so", "-Wl,-soname,libtwo.so", library=True)
    compiled(
        "app/lib/libone.so",
        "-Wl,-soname,libone.so",
        "-Wl,-rpath,$ORIGIN",
        "app/lib/libtwo.so",
        library=True,
    )
    path = compiled(
        "app/prog",
        "-Wl,-rpath,${ORIGIN}/lib",
        "app/lib/libone.so",
        "-Lapp/lib",
        "-Wl,-rpath-link,app/lib",
    )
    assert placed(path) == {
        "/opt/prog/lib/libone.so": str(tmp_path / "app/lib/libone.so"),
        "/opt/prog/lib/libtwo.so": str(tmp_path / "app/lib/libtwo.so"),
    }


def test_a_link_keeps_the_name_that_the_loader_asks_for(compiled, tmp_path):
    real = compiled("app/libone.so.1.2", "-Wl,-soname,libone.so.1", library=True)
    (tmp_path / "app/libone.so.1").symlink_to(real.name)
    path = compiled("app/prog", "-Wl,-rpath,$ORIGIN", "app/libone.so.1.2")
    assert placed(path) == {"/opt/prog/libone.so.1": str(real)}


def test_a_run_path_brings_no_secret_and_nothing_from_outside(compiled, tmp_path):
    library = compiled("outside/libone.so", "-Wl,-soname,libone.so", library=True)
    secret = tmp_path / "home/key"
    secret.parent.mkdir()
    secret.write_text("real secret")
    (tmp_path / "app").mkdir()
    path = compiled(
        "app/prog", "-Wl,-rpath,$ORIGIN:$ORIGIN/../home:$ORIGIN/../outside", "outside/libone.so"
    )
    assert placed(path) == {}
    (tmp_path / "app/libone.so").symlink_to(secret)
    assert placed(path) == {}
    (tmp_path / "app/libone.so").unlink()
    (tmp_path / "app/libone.so").symlink_to(library)
    assert placed(path) == {}
    (tmp_path / "app/libone.so").unlink()
    (tmp_path / "app/libone.so").write_text("real secret")  # no ELF file
    assert placed(path) == {}
    (tmp_path / "app/libone.so").unlink()
    shutil.copy(library, tmp_path / "app/libone.so")
    assert placed(path) == {"/opt/prog/libone.so": str(tmp_path / "app/libone.so")}


def test_names_with_slashes_are_not_followed(executable, make_elf):
    strings = b"\0../secret\0$ORIGIN\0/etc/passwd\0"
    content = make_elf(
        kind=3,
        dynamic=[(1, 1), (1, 19), (29, 11), (5, 64 + 56 * 3), (10, len(strings))],
        strings=strings,
    )
    executable("secret", content)
    assert placed(executable("app/prog", content)) == {}


def test_libraries_that_need_each_other_end(compiled):
    compiled("app/liba.so", "-Wl,-soname,liba.so", library=True)
    compiled(
        "app/libb.so", "-Wl,-soname,libb.so", "-Wl,-rpath,$ORIGIN", "app/liba.so", library=True
    )
    compiled(
        "app/liba.so", "-Wl,-soname,liba.so", "-Wl,-rpath,$ORIGIN", "app/libb.so", library=True
    )
    path = compiled("app/prog", "-Wl,-rpath,$ORIGIN", "app/liba.so", "app/libb.so")
    assert set(placed(path)) == {"/opt/prog/liba.so", "/opt/prog/libb.so"}
