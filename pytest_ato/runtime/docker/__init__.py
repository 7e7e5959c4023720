"""Capture in a container of Docker or Podman: the caller then needs no root, but an engine."""
