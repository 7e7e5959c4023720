"""pytest-ato: run software that you did not write under eBPF, and assert on what it did.

Importing this package does nothing else; `pytest_ato.plugin` is the pytest face, `pytest_ato.cli`
the command line.
"""

__version__ = "0.1.0"
