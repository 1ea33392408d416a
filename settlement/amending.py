"""What an invoice should have charged: its lines with quantity, unit price or whole lines corrected. Pure.

The amount of a line follows from quantity × unit price, rounded down once, where a unit price is told; else it is told
itself. Tax is never corrected by hand: it follows from the lines, once per rate and invoice (施行令70条の10).
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Protocol

from exchange import money
from exchange.errors import Invalid, Words, text
from settlement import rules

LINES_MAX, DESCRIPTION_MAX, QUANTITY_MAX = 500, 300, 60
UNIT_PRICE_DIGITS = 6  # after the point, as contracts have them
TIMES = " × "


class Charged(Protocol):
    """A line as it was issued."""

    position: int
    description: str
    quantity: str
    amount_jpy: int
    rate_percent: int
    month: str | None
    contract_id: str | None
    ground: str | None


@dataclass(frozen=True, kw_only=True)
class LineChange:
    """How one line should have been; what is None stays. A position past the last line adds one.

    With a unit price (yen, up to six decimals) the amount is computed and one given is not read.
    """

    position: int
    description: str | None = None
    quantity: str | None = None
    unit_price_jpy: Decimal | None = None
    amount_jpy: int | None = None
    remove: bool = False


Steps = Sequence[tuple[rules.Line | None, rules.Line | None]]  # how each line was, and how it should have been


@dataclass(frozen=True)
class Corrected:
    """Each line as it was and as it should have been; None where it was added, or taken away."""

    steps: Steps

    @property
    def lines(self) -> list[rules.Line]:
        """The lines as they should have been, in their order."""
        return [after for _, after in self.steps if after]

    @property
    def differences(self) -> list[dict[str, Any]]:
        """What was corrected, as it is kept and said."""
        return [{"before": _said(old), "after": _said(new)} for old, new in self.steps if old != new]


def corrected(lines: Sequence[Charged], changes: Sequence[LineChange]) -> Corrected:
    """The lines as they should have been.

    Raises `Invalid` by position for what cannot be read, for changes that leave every amount as it was, and for a total
    that is not above zero: the whole is given back by a credit note, not by an invoice of nothing.
    """
    told = {change.position: change for change in changes}
    if len(told) < len(changes) or len(told) > LINES_MAX or any(p < 1 for p in told):
        raise Invalid({"lines": [text("行の指定に誤りがあります。行の番号は1から、それぞれ1回だけ指定してください。")]})
    before = {line.position: _line(line) for line in lines}
    errors: dict[str, list[Words]] = {}
    steps = [(before.get(p), _after(before.get(p), told.get(p), errors)) for p in sorted(set(before) | set(told))]
    if errors := errors or _sum_errors(steps):
        raise Invalid(errors)
    return Corrected(steps)


def _after(line: rules.Line | None, change: LineChange | None, errors: dict[str, list[Words]]) -> rules.Line | None:
    if change is None:
        return line
    if change.remove and line is None:
        errors[f"lines.{change.position}"] = [text("ない行は削除できません。")]
    return None if change.remove else _changed(line, change, errors)


def _line(line: Charged) -> rules.Line:
    return rules.Line(
        line.description,
        line.amount_jpy,
        line.quantity,
        line.rate_percent,
        month=line.month,
        contract_id=line.contract_id,
        ground=line.ground,
    )


def _changed(line: rules.Line | None, change: LineChange, errors: dict[str, list[Words]]) -> rules.Line | None:
    """One line as it should have been; None where it cannot be read, and then says why."""
    old = line or rules.Line("", 0)
    description = old.description if change.description is None else change.description.strip()
    quantity = old.quantity if change.quantity is None else change.quantity.strip()
    amount = _amount(line, change, quantity)
    if isinstance(amount, int) and (why := _unfit(description, quantity, amount)):
        amount = why
    if not isinstance(amount, int):
        errors[f"lines.{change.position}"] = [amount]
        return None
    if change.unit_price_jpy is not None:
        quantity = f"{quantity.split(TIMES)[0]}{TIMES}{_written(change.unit_price_jpy)}円"
    return replace(old, description=description, quantity=quantity, amount_jpy=amount)


def _unfit(description: str, quantity: str, amount_jpy: int) -> Words | None:
    if not 0 < len(description) <= DESCRIPTION_MAX or len(quantity) > QUANTITY_MAX:
        most, many = DESCRIPTION_MAX, QUANTITY_MAX
        return text("内容は1文字以上%(max)s文字以内、数量は%(many)s文字以内で入力してください。", max=most, many=many)
    return text("金額が大きすぎます。") if abs(amount_jpy) > money.JPY_MAX else None


def _amount(old: rules.Line | None, change: LineChange, quantity: str) -> int | Words:
    price = change.unit_price_jpy
    if price is not None:
        number = quantity_in(quantity)
        if not price.is_finite() or not 0 <= price <= money.JPY_MAX or _digits(price) > UNIT_PRICE_DIGITS:
            return text("単価は0円以上、小数点以下%(n)s桁までで入力してください。", n=UNIT_PRICE_DIGITS)
        if number is None:
            return text("単価を入力するときは、数量を「12.5 GB」のように数字で始めてください。")
        return money.floor_yen(number * price)
    if change.amount_jpy is not None:
        return change.amount_jpy
    if old is None or quantity != old.quantity:
        return text("単価か金額を入力してください。")
    return old.amount_jpy


def _digits(price: Decimal) -> int:
    exponent = price.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else UNIT_PRICE_DIGITS + 1


def _written(price: Decimal) -> str:
    return f"{price.normalize():,f}"


def quantity_in(words: str) -> Decimal | None:
    """The number that a quantity begins with, in any width of digits; None where it begins with none."""
    plain = unicodedata.normalize("NFKC", words).replace(",", "").strip()
    found = re.match(r"[0-9]{1,12}(\.[0-9]{1,12})?", plain)
    return Decimal(found.group()) if found else None


def _sum_errors(steps: Steps) -> dict[str, list[Words]]:
    after = [new for _, new in steps if new]
    if sum(line.amount_jpy for line in after) <= 0 or any(t.taxable_jpy < 0 for t in rules.totals_by_rate(after)):
        words = text("修正後の合計は1円以上にしてください。全額を返すときは、返還請求書を発行してください。")
        return {"lines": [words]}
    if all((old.amount_jpy if old else 0) == (new.amount_jpy if new else 0) for old, new in steps):
        return {"lines": [text("金額が変わりません。金額以外の修正は「請求書を修正する」から行ってください。")]}
    return {}


def _said(line: rules.Line | None) -> dict[str, Any] | None:
    if line is None:
        return None
    return {"description": line.description, "quantity": line.quantity, "amount_jpy": line.amount_jpy}
