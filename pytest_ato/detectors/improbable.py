"""How improbable a word is as a name that somebody chose: the share of letter pairs that are rare.

Owns the table of rare pairs and the arithmetic. A pair is rare when it makes up less than 0.06 % of
the pairs in half a million words out of names of published packages, which are chosen as domain
names are: English, abbreviations, brands. Of such words 1 % have a share above 0.37; of random
letters half have one above 0.53.
"""

from __future__ import annotations

import re
import string
from itertools import pairwise
from typing import Final

_RARE_AFTER: Final = (
    "hjoq bcdfghjkmnpqtvwxyz bdfgjnqvwxyz hjknqtvwxz hjz bcdghjkmnpqsvwxz bcdfjkmqtvwxyz "
    "bcdfghjklmnpqsvwxz hijquwy bcdfghijklmnopqrtuvwxyz bcdfghjklmnpqrtvwxyz bfghjknqrvwxz "
    "fghjknqrtvwxz hjmqrwxz ehjqyz bfgjkmnqvwxz abcdefghijkmnopqrstvwxyz hjqwxz bfgjrvxz "
    "gjknqvxz fhjkoquvwxyz bcdfghjklmnpqrstuvwxyz bcdfghjklmnpqrtuvwxyz "
    "abcdefghjklmnoqrsuvwxyz hijkquvwxyz abcdfghijklmnopqrstuvwxyz"
).split()
_RARE: Final = frozenset(
    first + second
    for first, seconds in zip(string.ascii_lowercase, _RARE_AFTER, strict=True)
    for second in seconds
)
_PIECE: Final = re.compile(r"[a-z0-9]+")


def rare_share(label: str) -> float:
    """Share (0 to 1) of the pairs in a label that words seldom have; a change between letters and
    digits counts as rare, a number at the end as one such change."""
    rare = pairs = 0
    for piece in _PIECE.findall(label.lower()):
        for first, second in pairwise(piece):
            pairs += 1
            rare += first.isdigit() != second.isdigit() or first + second in _RARE
    return rare / pairs if pairs else 0.0
