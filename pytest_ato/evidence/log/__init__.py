"""The append-only log of evidence: records, and the signed heads that cover them.

`writer.EvidenceLog` appends, `chain.Chain` checks, `entries` is the form of the lines.
"""
