"""The tree of RFC 9162, against pymerkle and against the recursive definition of the RFC."""

from __future__ import annotations

from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st
from pymerkle import InmemoryTree

from pytest_ato.evidence.merkle import Leaves, Tree, consistent, included, leaf, root_of

ENTRIES = st.lists(st.binary(max_size=8), max_size=70)


def defined_root(entries: list[bytes]) -> bytes:
    """MTH of RFC 9162, 2.1.1, as it is written there."""
    if not entries:
        return sha256().digest()
    if len(entries) == 1:
        return sha256(b"\0" + entries[0]).digest()
    split = 1
    while split * 2 < len(entries):
        split *= 2
    left, right = defined_root(entries[:split]), defined_root(entries[split:])
    return sha256(b"\1" + left + right).digest()


def defined_path(index: int, entries: list[bytes]) -> list[bytes]:
    """PATH of RFC 9162, 2.1.3.1."""
    if len(entries) == 1:
        return []
    split = 1
    while split * 2 < len(entries):
        split *= 2
    if index < split:
        return [*defined_path(index, entries[:split]), defined_root(entries[split:])]
    return [*defined_path(index - split, entries[split:]), defined_root(entries[:split])]


def defined_proof(size: int, entries: list[bytes], whole: bool = True) -> list[bytes]:
    """SUBPROOF of RFC 9162, 2.1.4.1."""
    if size == len(entries):
        return [] if whole else [defined_root(entries)]
    split = 1
    while split * 2 < len(entries):
        split *= 2
    if size <= split:
        return [*defined_proof(size, entries[:split], whole), defined_root(entries[split:])]
    return [*defined_proof(size - split, entries[split:], False), defined_root(entries[:split])]


@given(ENTRIES)
def test_roots_are_those_of_an_independent_implementation(entries: list[bytes]) -> None:
    other = InmemoryTree(algorithm="sha256")
    for entry in entries:
        other.append_entry(entry)
    root = root_of([leaf(entry) for entry in entries])
    assert root == defined_root(entries)
    if entries:
        assert root == other.get_root()


@given(st.data(), ENTRIES.filter(len))
def test_inclusion_proofs(data: st.DataObject, entries: list[bytes]) -> None:
    index = data.draw(st.integers(0, len(entries) - 1))
    start = data.draw(st.integers(0, index))
    hashes = [leaf(entry) for entry in entries]
    before = Tree()
    for each in hashes[:start]:
        before.append(each)
    proof = Leaves(hashes[start:], start, before.frontier).inclusion(index)
    assert proof == defined_path(index, entries)
    root = defined_root(entries)
    assert included(hashes[index], index, len(entries), proof, root)
    assert not included(leaf(b"other entry"), index, len(entries), proof, root)
    assert not included(hashes[index], index, len(entries), proof, sha256(root).digest())
    assert not included(hashes[index], index, len(entries), [*proof, root], root)
    if proof:
        assert not included(hashes[index], index, len(entries), proof[:-1], root)
        assert not included(hashes[index], index, len(entries), [*proof[::-1], root], root)


@given(st.data(), ENTRIES.filter(len))
def test_consistency_proofs(data: st.DataObject, entries: list[bytes]) -> None:
    old = data.draw(st.integers(1, len(entries)))
    start = data.draw(st.integers(0, old))
    hashes = [leaf(entry) for entry in entries]
    before = Tree()
    for each in hashes[:start]:
        before.append(each)
    proof = Leaves(hashes[start:], start, before.frontier).consistency(old)
    assert proof == defined_proof(old, entries)
    old_root, root = defined_root(entries[:old]), defined_root(entries)
    assert consistent(old, old_root, len(entries), root, proof)
    forged = defined_root([*entries[: old - 1], b"another entry"])
    assert not consistent(old, forged, len(entries), root, proof)
    assert not consistent(old, old_root, len(entries), sha256(root).digest(), proof)
    assert not consistent(old, old_root, len(entries), root, [*proof, root])


@given(ENTRIES, st.integers(0, 70))
def test_a_tree_goes_on_from_its_frontier(entries: list[bytes], cut: int) -> None:
    first, rest = Tree(), entries[cut:]
    for entry in entries[:cut]:
        first.append(leaf(entry))
    second = Tree(first.size, first.frontier)
    for entry in rest:
        second.append(leaf(entry))
    assert second.root == defined_root(entries)
