"""What a target is before anything runs: checked, hashed, and placed at a neutral path.

Reads the program and its companions as data; nothing of theirs is imported, executed or obeyed.
"""

from pytest_ato.target.resolve import resolve, resolve_all

__all__ = ["resolve", "resolve_all"]
