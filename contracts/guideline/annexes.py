"""Annexes that attach themselves to any contract where the facts require it: personal data, anonymized information,
cross-border, municipal data, commissioned creation.
"""

from __future__ import annotations

from contracts.guideline.parts import Annex

ANNEXES: tuple[Annex, ...] = ()
