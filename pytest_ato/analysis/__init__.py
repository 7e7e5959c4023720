"""From an event log to the facts of its audit: what the target did, and how capture went."""

from pytest_ato.analysis.fold import Analysis, Facts

__all__ = ["Analysis", "Facts"]
