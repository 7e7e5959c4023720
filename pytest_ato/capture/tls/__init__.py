"""Watching TLS libraries: which files, where in them, and what came of it."""
