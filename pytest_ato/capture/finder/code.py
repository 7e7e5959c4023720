"""Where in a function's code a probe costs little and tells the truth.

Owns the decoding of x86-64 instructions. A probe on an instruction that the kernel emulates (push,
nop, call, jmp, jcc; arch/x86/kernel/uprobes.c) costs a tenth of one that the processor has to step
through. It may sit behind the function's first instruction only where every call comes by exactly
once, with its arguments still in their registers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import capstone
from capstone import x86

MAX_CODE: Final = 64 << 10
"""Bytes of one function that are decoded."""
_PROLOGUE: Final = 32
"""Instructions within which its beginning is looked for."""
_C_ARGUMENTS: Final = ("rdi", "rsi", "rdx", "rcx", "r8")
_GO_ARGUMENTS: Final = ("rax", "rbx", "rcx")
_NARROW: Final = {
    "rdi": ("edi", "di", "dil"),
    "rsi": ("esi", "si", "sil"),
    "rdx": ("edx", "dx", "dl", "dh"),
    "rcx": ("ecx", "cx", "cl", "ch"),
    "r8": ("r8d", "r8w", "r8b"),
    "rax": ("eax", "ax", "al", "ah"),
    "rbx": ("ebx", "bx", "bl", "bh"),
}
_GOROUTINE: Final = -8
"""Where, from the thread pointer, Go before 1.17 has what its functions' first check needs."""


@dataclass(frozen=True)
class Places:
    """Offsets from the function's first instruction."""

    enter: int
    emulated: bool
    shift: int
    """Bytes by which the stack has grown before `enter`."""
    leaves: tuple[tuple[int, bool], ...]
    """Every place by which it returns, and whether the kernel emulates that; empty: not all of
    them can be told."""
    stack: bool = False
    """Go's: its arguments are on the stack."""


class Code:
    """One function's instructions, as far as they can be decoded."""

    def __init__(self, code: bytes) -> None:
        decoder = capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_64)
        decoder.detail = True
        self._list: list[capstone.CsInsn] = list(decoder.disasm(code, 0))
        self._targets = {target for one in self._list if (target := _target(one)) is not None}
        self._end = self._list[-1].address + self._list[-1].size if self._list else 0
        self.whole = bool(code) and self._end == len(code)

    def c_function(self, arguments: int) -> Places:
        """Where to watch a function of C's that takes `arguments` by registers."""
        enter, shift = self._enter(_C_ARGUMENTS[:arguments])
        return Places(enter, self._is_emulated(enter), shift, self._leaves())

    def go_function(self) -> Places:
        """Where to watch a function of Go's, which begins anew when its stack was too small."""
        stack = any(_reads_goroutine(one) for one in self._list[:4])
        enter, shift = self._enter(() if stack else _GO_ARGUMENTS, checks=True)
        leaves = tuple((one.address, False) for one in self._list if one.id == x86.X86_INS_RET)
        return Places(enter, self._is_emulated(enter), shift, leaves, stack)

    def _enter(self, arguments: Sequence[str], *, checks: bool = False) -> tuple[int, int]:
        """The first emulated instruction of the straight beginning, else the first of all.

        `checks`: the first branch only asks whether the stack suffices; a later place is better.
        """
        kept = {name for register in arguments for name in (register, *_NARROW[register])}
        shift, fallback = 0, (0, 0)
        for one in self._list[:_PROLOGUE]:
            if one.address in self._targets and one.address:
                break
            if emulated(one):
                place = one.address, shift
                if not (checks and _conditional(one) and fallback == (0, 0)):
                    return place
                fallback = place
            elif _leaves_straight(one):
                break
            _, written = one.regs_access()
            if not kept.isdisjoint(map(one.reg_name, written)):
                break
            grown = _growth(one)
            if grown is None:
                break
            shift += grown
        return fallback

    def _is_emulated(self, address: int) -> bool:
        return any(one.address == address and emulated(one) for one in self._list[:_PROLOGUE])

    def _leaves(self) -> tuple[tuple[int, bool], ...]:
        """All places by which it returns; none where it may leave by way of another function."""
        if not self.whole:
            return ()
        found = []
        for index, one in enumerate(self._list):
            if one.id == x86.X86_INS_JMP or _conditional(one):
                target = _target(one)
                if target is None or not 0 <= target < self._end:
                    return ()
            elif one.id == x86.X86_INS_RET:
                found.append(self._leave(index))
        return tuple(dict.fromkeys(found))

    def _leave(self, index: int) -> tuple[int, bool]:
        """The stack protector's branch before a return, where nothing else leads between them."""
        for before in range(index, 0, -1):
            one = self._list[before]
            if before < index:
                if _conditional(one):
                    if _reads_canary(self._list[before - 1]):
                        return one.address, True
                    break
                if _leaves_straight(one) or one.id == x86.X86_INS_CALL:
                    break
                _, written = one.regs_access()
                if {"rax", *_NARROW["rax"]} & set(map(one.reg_name, written)):
                    break
            if one.address in self._targets:
                break
        return self._list[index].address, False


def emulated(one: capstone.CsInsn) -> bool:
    """Whether every kernel from 5.15 on emulates this instruction."""
    code = bytes(one.bytes)
    if code[0] == 0x66:
        return False
    if one.id == x86.X86_INS_PUSH:
        return 0x50 <= code[-1] <= 0x57 and (len(code) == 1 or (len(code) == 2 and code[0] == 0x41))
    if code[0] in (0x90, 0xE8, 0xE9, 0xEB):
        return True
    return _conditional(one)


def _conditional(one: capstone.CsInsn) -> bool:
    code: bytes = bytes(one.bytes)
    return 0x70 <= code[0] <= 0x7F or (code[0] == 0x0F and 0x80 <= code[1] <= 0x8F)


def _target(one: capstone.CsInsn) -> int | None:
    """Where a direct jump leads."""
    if one.group(x86.X86_GRP_JUMP) and one.operands and one.operands[0].type == x86.X86_OP_IMM:
        return int(one.operands[0].imm)
    return None


def _leaves_straight(one: capstone.CsInsn) -> bool:
    return bool(
        one.group(x86.X86_GRP_JUMP) or one.group(x86.X86_GRP_RET) or one.group(x86.X86_GRP_INT)
    ) or one.id in (x86.X86_INS_UD2, x86.X86_INS_HLT, x86.X86_INS_SYSCALL)


def _growth(one: capstone.CsInsn) -> int | None:
    """Bytes by which it makes the stack grow; None where that cannot be told, or it is a call."""
    if one.id == x86.X86_INS_PUSH:
        return 8
    _, written = one.regs_access()
    if x86.X86_REG_RSP not in written and x86.X86_REG_ESP not in written:
        return 0
    operands = one.operands
    if one.id == x86.X86_INS_SUB and operands[1].type == x86.X86_OP_IMM:
        return int(operands[1].imm)
    return None


def _reads_canary(one: capstone.CsInsn) -> bool:
    """Whether it compares with the stack protector's value."""
    return one.id in (x86.X86_INS_SUB, x86.X86_INS_XOR, x86.X86_INS_CMP) and any(
        _of_thread(operand, 0x28) for operand in one.operands
    )


def _reads_goroutine(one: capstone.CsInsn) -> bool:
    return any(_of_thread(operand, _GOROUTINE) for operand in one.operands)


def _of_thread(operand: x86.X86Op, offset: int) -> bool:
    return bool(
        operand.type == x86.X86_OP_MEM
        and operand.mem.segment == x86.X86_REG_FS
        and operand.mem.disp == offset
    )
