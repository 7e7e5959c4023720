"""Where probes go in a function's code: pieces of real prologues, as assemblers write them."""

from __future__ import annotations

import pytest

from pytest_ato.capture.finder.code import Code, Places

# Debian 12's SSL_write: sub, stack protector, js; its return is behind the protector's jne.
SSL_WRITE = bytes.fromhex(
    "4883ec18" "64488b042528000000" "4889442408" "31c0" "85d2" "782f" "4889e1" "4863d2"
    "e8fdfbffff" "85c0" "7e03" "8b0424" "488b542408" "64482b142528000000" "7544" "4883c418"
    "31d2" "31c9" "31f6" "31ff" "c3"
    "e8f499feff" "488d1525cf0400" "be46080000" "488d3d12c70400" "e8dca0feff" "31c0" "31d2"
    "be0f010000" "bf14000000" "e8f29efeff" "b8ffffffff" "ebac" "e8edabfeff"
)  # fmt: skip
# A C library's thin wrapper: sub, call, cmov, return.
WRAPPER = bytes.fromhex("4883ec08e8c7fdffff31d285c00f48c24883c408c3")
TAIL_CALL = bytes.fromhex("488b07ff6018")  # mov rax,[rdi]; jmp [rax+0x18]
# Go 1.19: the stack's limit is in r14; it grows by 0x18, an argument is kept, then it branches.
GO_REGISTERS = bytes.fromhex(
    "493b6610" "7616" "4883ec18" "48896c2410" "4885db" "7406" "31c0" "4883c418" "c3"
    "90" "ebf8" "e800000000" "ebdd"
)  # fmt: skip
# Go before 1.17: the goroutine is in thread-local storage, the arguments are on the stack.
GO_STACK = bytes.fromhex(
    "64488b0c25f8ffffff" "483b6110" "760c" "4883ec18" "90" "4883c418" "c3" "9090" "e800000000"
    "ebda"
)  # fmt: skip


def test_ssl_write_is_watched_at_its_first_branch_and_at_the_protectors() -> None:
    assert Code(SSL_WRITE).c_function(3) == Places(
        enter=0x16, emulated=True, shift=0x18, leaves=((0x38, True),)
    )


def test_a_call_is_emulated_too_and_a_plain_return_is_stepped() -> None:
    assert Code(WRAPPER).c_function(4) == Places(
        enter=4, emulated=True, shift=8, leaves=((len(WRAPPER) - 1, False),)
    )


@pytest.mark.parametrize(
    ("code", "enter"),
    [
        ("55" "c3", 0),  # push rbp
        ("4156" "c3", 0),  # push r14
        ("4889f5" "53" "c3", 3),  # mov rbp,rsi: no argument changes
        ("4889fe" "53" "c3", 0),  # mov rsi,rdi: one does
        ("31d2" "53" "c3", 0),  # xor edx,edx: by its lower half
        ("4889fe" "c3", 0),  # nothing of the kind
        ("6653" "c3", 0),  # a prefix that kernels do not emulate
        ("ff30" "53" "c3", 2),  # push from memory is stepped through; the next is not
        ("4889e5" "53" "ebfd" "c3", 0),  # a jump lands on the push: it would tell a call twice
        ("4883e4f0" "53" "c3", 0),  # the stack moves by nobody knows what
        ("0f05" "53" "c3", 0),  # a system call changes registers
    ],
)  # fmt: skip
def test_beginnings(code: str, enter: int) -> None:
    assert Code(bytes.fromhex(code)).c_function(3).enter == enter


def test_what_may_leave_by_another_function_has_no_returns_of_its_own() -> None:
    assert Code(TAIL_CALL).c_function(3).leaves == ()
    assert Code(bytes.fromhex("85d27400e900100000")).c_function(3).leaves == ()


def test_what_does_not_decode_has_none_either() -> None:
    code = Code(bytes.fromhex("555dc30f0b06"))
    assert not code.whole
    assert code.c_function(3).leaves == ()


def test_a_branch_between_the_protector_and_the_return_means_the_return() -> None:
    # jmp straight to the instruction before the return
    code = bytes.fromhex("eb0b64482b142528000000750531d2c390e800000000")
    assert Code(code).c_function(3).leaves == ((0xF, False),)


def test_go_by_registers_is_watched_behind_its_stack_check() -> None:
    places = Code(GO_REGISTERS).go_function()
    assert (places.stack, places.emulated, places.shift) == (False, True, 0x18)
    assert GO_REGISTERS[places.enter] == 0x74
    assert [GO_REGISTERS[at] for at, _ in places.leaves] == [0xC3]


def test_go_by_the_stack_is_told_apart() -> None:
    places = Code(GO_STACK).go_function()
    assert places.stack
    assert (GO_STACK[places.enter], places.shift) == (0x90, 0x18)
