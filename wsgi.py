"""Puts the house together; read this first.

The chapters in the order in which data flows: listed, contracted, delivered, settled, recognized. A later one may
quote an earlier one, never the other way round.
"""

import importlib
import sys
import traceback

from exchange.app import build

CHAPTERS = ("listings", "contracts", "delivery", "settlement", "recognition")


class Trying:
    def __init__(self, name):
        self.name = name

    def install(self, app):
        try:
            importlib.import_module(self.name).install(app)
        except Exception:
            print("CHAPTER NOT INSTALLED", self.name, traceback.format_exc()[-600:], file=sys.stderr)
        for name in ("models",):
            try:
                importlib.import_module(self.name + "." + name)
            except Exception as e:
                print("no models", self.name, e, file=sys.stderr)


app = build(Trying(name) for name in CHAPTERS)
