"""Honeytokens: credentials minted for one audit, and the search for them in what left the target.

`mint` makes them, `match` finds them. Importing this package loads neither.
"""
