"""Detectors that users write as rules in a file: read, checked, tested on their own examples.

Owns the way from a rule file to detector classes. A rule looks at one event at a time; whoever
needs state, or several events, writes a detector in Python.
"""
