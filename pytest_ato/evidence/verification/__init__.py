"""Verification: is evidence what was signed, and signed by whom the reader trusts?

`log` checks a log, `directory` an audit's folder, `trust` decides about keys. What is bad raises
`VerificationError` and names the part; what could not be checked raises `UsageError`.
"""
