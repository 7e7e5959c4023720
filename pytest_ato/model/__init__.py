"""Data only: events, findings, verdict, spec, report, errors. Imports nothing of ours; no I/O."""
