"""Fills an empty database with a demo market, through the same actions as everybody. Everything in it is invented."""
