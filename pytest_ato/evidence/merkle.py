"""The Merkle tree of RFC 9162 (section 2.1): roots, proofs, and their verification.

A tree is kept by its frontier alone, the roots of the whole subtrees that it is made of, so that a
log can grow, be cut and be continued without its beginning. Pure functions of bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Final

EMPTY: Final = sha256().digest()
"""Root of the tree without leaves."""


def leaf(data: bytes) -> bytes:
    """Hash one entry."""
    return sha256(b"\0" + data).digest()


def node(left: bytes, right: bytes) -> bytes:
    """Hash two subtrees."""
    return sha256(b"\1" + left + right).digest()


class Tree:
    """A tree that grows at its right; `size` leaves, of which only the frontier is kept."""

    def __init__(self, size: int = 0, frontier: Sequence[bytes] = ()) -> None:
        """Continue a tree of which `frontier` is known, largest subtree first.

        Raises `ValueError` where there must be another number of subtrees: one for each bit that
        is set in `size`.
        """
        if size < 0 or len(frontier) != size.bit_count():
            raise ValueError(f"a tree of {size} leaves is not made of {len(frontier)} subtrees")
        self.size = size
        self._frontier = list(frontier)

    @property
    def frontier(self) -> tuple[bytes, ...]:
        """Roots of the whole subtrees, largest first."""
        return tuple(self._frontier)

    def copy(self) -> Tree:
        """Return a tree that grows by itself."""
        return Tree(self.size, self._frontier)

    def append(self, leaf_hash: bytes) -> None:
        """Add a leaf, given by its hash."""
        merged = leaf_hash
        size = self.size
        while size & 1:
            merged = node(self._frontier.pop(), merged)
            size >>= 1
        self._frontier.append(merged)
        self.size += 1

    @property
    def root(self) -> bytes:
        """Root of the tree as it is now."""
        if not self._frontier:
            return EMPTY
        root = self._frontier[-1]
        for subtree in reversed(self._frontier[:-1]):
            root = node(subtree, root)
        return root


class Leaves:
    """The leaf hashes of a tree from `start` on, and the frontier of what is before: enough for
    the proofs that concern them."""

    def __init__(
        self, leaves: Sequence[bytes], start: int = 0, frontier: Sequence[bytes] = ()
    ) -> None:
        self._leaves = leaves
        self._start = start
        self.size = start + len(leaves)
        self._before: dict[tuple[int, int], bytes] = {}
        at = 0
        for subtree, bit in zip(frontier, _bits(start), strict=True):
            self._before[at, at + bit] = subtree
            at += bit

    def inclusion(self, index: int, size: int | None = None) -> list[bytes]:
        """Return the path from leaf `index` to the root of `size` leaves (2.1.3.1), lowest first.

        Raises `ValueError` for a leaf that is not here.
        """
        last = self.size if size is None else size
        if not self._start <= index < last <= self.size:
            raise ValueError(f"leaf {index} of {last} is not here")
        return self._path(index, 0, last)

    def consistency(self, old: int, size: int | None = None) -> list[bytes]:
        """Return the proof that the tree of `size` begins with that of `old` leaves (2.1.4.1).

        Empty where there is nothing to prove: for 0 and for all leaves.
        """
        last = self.size if size is None else size
        if not 0 <= old <= last <= self.size or 0 < old < self._start:
            raise ValueError(f"the tree of {old} leaves is not here")
        return [] if old in (0, last) else self._old(old, 0, last, whole=True)

    def _path(self, index: int, first: int, end: int) -> list[bytes]:
        if end - first == 1:
            return []
        middle = first + _split(end - first)
        if index < middle:
            return [*self._path(index, first, middle), self._hash(middle, end)]
        return [*self._path(index, middle, end), self._hash(first, middle)]

    def _old(self, old: int, first: int, end: int, *, whole: bool) -> list[bytes]:
        if old == end:
            return [] if whole else [self._hash(first, end)]
        middle = first + _split(end - first)
        if old <= middle:
            return [*self._old(old, first, middle, whole=whole), self._hash(middle, end)]
        return [*self._old(old, middle, end, whole=False), self._hash(first, middle)]

    def _hash(self, first: int, end: int) -> bytes:
        if (first, end) in self._before:
            return self._before[first, end]
        if first >= self._start:
            return root_of(self._leaves[first - self._start : end - self._start])
        middle = first + _split(end - first)
        return node(self._hash(first, middle), self._hash(middle, end))


def root_of(leaves: Sequence[bytes]) -> bytes:
    """Root over leaf hashes."""
    tree = Tree()
    for each in leaves:
        tree.append(each)
    return tree.root


def included(leaf_hash: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether `proof` leads from leaf `index` to the `root` of a tree of `size` (2.1.3.2)."""
    if not 0 <= index < size:
        return False
    at, last, found = index, size - 1, leaf_hash
    for each in proof:
        if last == 0:
            return False
        if at & 1 or at == last:
            found = node(each, found)
            while not at & 1 and at:
                at >>= 1
                last >>= 1
        else:
            found = node(found, each)
        at >>= 1
        last >>= 1
    return last == 0 and found == root


def consistent(
    old_size: int, old_root: bytes, size: int, root: bytes, proof: Sequence[bytes]
) -> bool:
    """Whether `proof` shows that the old tree is the beginning of the new one (2.1.4.2)."""
    if not 0 <= old_size <= size:
        return False
    if old_size in (0, size):
        return not proof and (old_root == root if old_size else old_root == EMPTY)
    path = [old_root, *proof] if old_size & (old_size - 1) == 0 else list(proof)
    if not path:
        return False
    at, last = old_size - 1, size - 1
    while at & 1:
        at >>= 1
        last >>= 1
    old = new = path[0]
    for each in path[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            old, new = node(each, old), node(each, new)
            while not at & 1 and at:
                at >>= 1
                last >>= 1
        else:
            new = node(new, each)
        at >>= 1
        last >>= 1
    return last == 0 and old == old_root and new == root


def _split(size: int) -> int:
    """The largest power of two below `size`."""
    return 1 << (size - 1).bit_length() - 1


def _bits(size: int) -> list[int]:
    """The powers of two that `size` is the sum of, largest first."""
    return [1 << bit for bit in range(size.bit_length() - 1, -1, -1) if size >> bit & 1]
