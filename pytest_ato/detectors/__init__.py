"""Detectors: each turns events into findings; one file a detector, its twin test beside it."""
