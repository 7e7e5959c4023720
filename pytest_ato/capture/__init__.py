"""The privileged side: kernel probes, sandbox, network around the target.

Runs as its own process (``python -m pytest_ato.capture``): an `AuditSpec` per line on standard
input, events as JSON lines on standard output. Imports `model` and nothing above it.
"""
