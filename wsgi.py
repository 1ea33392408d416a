"""Puts the house together; read this first.

The chapters in the order in which data flows: listed, contracted, delivered, settled, recognized. A later one may
quote an earlier one, never the other way round.
"""

import importlib

from exchange.app import build

CHAPTERS = ("listings", "contracts", "delivery", "settlement", "recognition")

app = build(importlib.import_module(name) for name in CHAPTERS)
