"""Whole yen. Prices are rates; rounding is named and happens once."""

from __future__ import annotations

from decimal import ROUND_FLOOR, Decimal

JPY_MAX = 10**12


def floor_yen(amount: Decimal) -> int:
    """Whole yen of a non-negative amount, the fraction dropped (切捨て)."""
    return int(amount.to_integral_value(rounding=ROUND_FLOOR))


def share_jpy(amount_jpy: int, percent: Decimal) -> int:
    """`percent` of an amount in whole yen, rounded down."""
    return floor_yen(Decimal(amount_jpy) * percent / 100)


def tax_jpy(taxable_jpy: int, rate_percent: int) -> int:
    """Consumption tax on the whole taxable amount of one rate of one invoice, rounded down.

    Rounding happens once per invoice and rate, never per line: 消費税法施行令70条の10, 基本通達1-8-15.
    """
    return taxable_jpy * rate_percent // 100
