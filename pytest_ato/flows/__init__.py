"""Accounting of flows for services that run on: attaching it, and reading what it counts."""
