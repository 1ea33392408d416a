"""Puts the house together; read this first.

The chapters in the order in which data flows: listed, contracted, delivered, settled, recognized. A later one may
quote an earlier one, never the other way round.
"""

import importlib

from exchange.app import build

CHAPTERS = ("listings", "contracts", "delivery", "settlement", "recognition")



def _standing():
    for name in CHAPTERS:
        try:
            chapter = importlib.import_module(name)
        except ImportError as error:
            print("chapter missing", name, error)
            continue
        if hasattr(chapter, "install"):
            yield chapter


app = build(_standing())
