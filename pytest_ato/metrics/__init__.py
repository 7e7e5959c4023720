"""Counts for Prometheus: what the dispatcher serves, and what pytest runs leave behind.

Labels take their values from our own enumerations alone, so their number is bounded; nothing that
came from a target, a packet or an error is one.
"""
