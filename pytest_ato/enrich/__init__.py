"""What the world knows of the addresses that a target went to, asked after the trace.

Owns the asking and the lists of known places. Everything it learns becomes an event or an input
with a digest; what follows from it is for detectors to say.
"""
