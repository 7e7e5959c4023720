"""The tree of programs: numbered by the log, whatever pids do."""

from __future__ import annotations

from pytest_ato.analysis import tree as module
from pytest_ato.analysis.tree import Tree
from pytest_ato.model.events import Exec, Exit, Fork


def fork(ts: int, pid: int, child: int) -> Fork:
    return Fork(ts=ts, pid=pid, child=child)


def execute(ts: int, pid: int, path: str, ppid: int = 0) -> Exec:
    return Exec(ts=ts, pid=pid, path=path, file=path, argv=(path,), ppid=ppid)


def grown(*events: Fork | Exec | Exit, init: int = 9) -> Tree:
    tree = Tree()
    tree.begin(init)
    for event in events:
        match event:
            case Fork():
                tree.fork(event)
            case Exec():
                tree.exec(event)
            case Exit():
                tree.exit(event)
    return tree


def shape(tree: Tree) -> list[tuple[int, int, str, str]]:
    return [(node.number, node.parent, node.how, str(node.path)) for node in tree.nodes]


def test_the_first_child_of_the_sandbox_is_the_root() -> None:
    tree = grown(execute(1, 9, "/init"), fork(2, 9, 10), execute(3, 10, "/app", ppid=9))
    assert shape(tree) == [(1, 0, "fork", "/app")]
    assert tree.number(10) == 1
    assert tree.number(9) == 0


def test_a_fork_has_its_parents_program_until_it_runs_one() -> None:
    tree = grown(execute(1, 10, "/sh"), fork(2, 10, 11), fork(3, 10, 12), execute(4, 12, "/cat"))
    assert shape(tree) == [(1, 0, "fork", "/sh"), (2, 1, "fork", "/sh"), (3, 1, "fork", "/cat")]
    assert [node.executed for node in tree.nodes] == [True, False, True]


def test_a_second_program_of_one_process_is_a_node_below_the_first() -> None:
    tree = grown(execute(1, 10, "/env"), execute(5, 10, "/python"), Exit(ts=9, pid=10, status=3))
    assert shape(tree) == [(1, 0, "fork", "/env"), (2, 1, "exec", "/python")]
    assert [(node.end, node.status) for node in tree.nodes] == [(5, None), (9, 3)]


def test_a_pid_that_is_used_again_is_another_process() -> None:
    tree = grown(
        execute(1, 10, "/sh"),
        fork(2, 10, 11),
        execute(3, 11, "/one"),
        Exit(ts=4, pid=11, signal=9),
        fork(5, 10, 11),
        execute(6, 11, "/two"),
    )
    assert [str(node.path) for node in tree.nodes] == ["/sh", "/one", "/two"]
    assert (tree.nodes[1].status, tree.nodes[1].signal) == (None, 9)
    assert tree.nodes[2].end is None


def test_beyond_the_bound_nobody_is_told_apart(monkeypatch) -> None:
    monkeypatch.setattr(module, "KEPT", 2)
    tree = grown(execute(1, 10, "/sh"), fork(2, 10, 11), fork(3, 10, 12), execute(4, 12, "/cat"))
    assert len(tree.nodes) == 2
    assert tree.number(12) == 0


def test_a_process_of_which_no_fork_was_seen_hangs_below_its_parent() -> None:
    tree = grown(execute(1, 10, "/sh"), execute(2, 11, "/cat", ppid=10))
    assert shape(tree)[1] == (2, 1, "fork", "/cat")
