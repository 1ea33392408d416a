"""Puts the house together; read this first.

The chapters in the order in which data flows: listed, contracted, delivered, settled, recognized. A later one may
quote an earlier one, never the other way round. The demo market comes last: it only does what people can do.
"""

import contracts
import delivery
import demo
import listings
import recognition
import settlement
from exchange.app import build

app = build((listings, contracts, delivery, settlement, recognition, demo))
