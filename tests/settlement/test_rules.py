"""The rules of money as tables."""

from dataclasses import dataclass
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settlement import rules
from settlement.rules import Line

YEN = st.integers(1, 10**12)


@pytest.mark.parametrize(
    ("amounts", "taxable", "tax"),
    [
        ([105, 105, 105], 315, 31),  # 30 would be rounding per line
        ([10_000], 10_000, 1_000),
        ([1], 1, 0),
        ([9], 9, 0),
        ([10], 10, 1),
        ([19, 1], 20, 2),
    ],
)
def test_tax_is_rounded_once_per_invoice_and_rate(amounts, taxable, tax):
    (total,) = rules.totals_by_rate([Line("データ", amount) for amount in amounts])
    assert (total.rate_percent, total.taxable_jpy, total.tax_jpy) == (10, taxable, tax)


def test_each_rate_of_an_invoice_has_its_own_tax():
    totals = rules.totals_by_rate(
        [Line("a", 105), Line("b", 55, rate_percent=8), Line("c", 105), Line("d", 58, rate_percent=8)]
    )
    assert [(t.rate_percent, t.taxable_jpy, t.tax_jpy) for t in totals] == [(10, 210, 21), (8, 113, 9)]


@given(st.integers(1, 10**10), st.lists(st.integers(1, 10**9), min_size=1, max_size=6))
def test_credit_notes_of_one_invoice_never_lose_or_make_a_yen_of_tax(price, cuts):
    tax = rules.totals_by_rate([Line("x", price)])[0].tax_jpy
    left, credited, tax_back = price + tax, 0, 0
    for cut in [*cuts, price + tax]:
        part = min(cut, left)
        tax_back += rules.credit_tax(credited_before_jpy=credited, amount_jpy=part, rate_percent=10)
        credited, left = credited + part, left - part
    assert (credited, tax_back) == (price + tax, tax)


@pytest.mark.parametrize(
    ("price", "percent", "fee"), [(10_000, 10, 1_000), (9, 10, 0), (105, 10, 10), (10_000, 0, 0), (99_999, 10, 9_999)]
)
def test_the_fee_is_a_percentage_of_the_price_rounded_down(price, percent, fee):
    assert rules.fee_jpy(price, percent) == fee


@given(YEN, st.integers(0, 100), st.lists(st.integers(1, 10**11), max_size=8))
def test_fees_on_parts_add_up_to_the_fee_on_the_whole(price, percent, parts):
    fee, total = rules.fee_jpy(price, percent), price + price // 10
    received = taken = 0
    for part in [*parts, total]:
        received = min(total, received + part)
        step = rules.fee_due(fee, received_jpy=received, total_jpy=total) - taken
        assert step >= 0
        taken += step
    assert taken == fee


@pytest.mark.parametrize(
    ("due", "received", "applied", "rest"),
    [(11_000, 11_000, 11_000, 0), (11_000, 5_000, 5_000, 0), (11_000, 12_000, 11_000, 1_000), (0, 50, 0, 50)],
)
def test_a_receipt_pays_what_is_due_and_the_rest_is_left_over(due, received, applied, rest):
    split = rules.split_payment(due_jpy=due, received_jpy=received)
    assert (split.first_jpy, split.rest_jpy) == (applied, rest)


@pytest.mark.parametrize(
    ("total", "due", "credited", "state"),
    [
        (100, 100, 0, "issued"),
        (100, 1, 0, "issued"),
        (100, 0, 0, "paid"),
        (100, 0, 40, "paid"),
        (100, 0, 100, "credited"),
    ],
)
def test_the_state_follows_from_the_amounts(total, due, credited, state):
    assert rules.state_after(total_jpy=total, due_jpy=due, credited_jpy=credited) == state


@pytest.mark.parametrize(
    ("state", "today", "shown"),
    [
        ("issued", date(2026, 10, 31), "issued"),
        ("issued", date(2026, 11, 1), "overdue"),
        ("paid", date(2026, 11, 1), "paid"),
        ("credited", date(2026, 11, 1), "credited"),
        ("void", date(2026, 11, 1), "void"),
    ],
)
def test_an_invoice_is_overdue_the_day_after_its_due_date(state, today, shown):
    assert rules.state_shown(state, due_on=date(2026, 10, 31), today=today) == shown


@dataclass
class Issuer:
    registration_number: str | None
    registration_valid_from: date | None = None
    registration_valid_until: date | None = None


@pytest.mark.parametrize(
    ("issuer", "title"),
    [
        (Issuer("T1234567890123"), "適格請求書"),
        (Issuer(None), "請求書"),
        (Issuer("T1234567890123", registration_valid_from=date(2026, 10, 2)), "請求書"),
        (Issuer("T1234567890123", registration_valid_from=date(2026, 10, 1)), "適格請求書"),
        (Issuer("T1234567890123", registration_valid_until=date(2026, 9, 30)), "請求書"),
        (Issuer("T1234567890123", registration_valid_until=date(2026, 10, 1)), "適格請求書"),
    ],
)
def test_only_a_registered_issuer_issues_a_qualified_invoice(issuer, title):
    assert rules.invoice_title(rules.registration_on(issuer, date(2026, 10, 1))) == title


@given(st.integers(10_000_001, 99_999_999), st.integers(0, 8), st.integers(1, 9))
def test_a_mistyped_digit_of_a_payment_reference_is_noticed(number, place, shift):
    reference = rules.payment_reference(number)
    wrong = reference[:place] + str((int(reference[place]) + shift) % 10) + reference[place + 1 :]
    assert rules.is_payment_reference(reference) and not rules.is_payment_reference(wrong)


@pytest.mark.parametrize("written", ["{0}", "フリコミ {0} カ)ケンシヨウ", "No.{0}", "{0} {0}"])
def test_a_reference_is_found_however_the_bank_wrote_it(written):
    reference = rules.payment_reference(10_000_001)
    wide = reference.translate(str.maketrans("0123456789", "０１２３４５６７８９"))
    assert (
        rules.references_in(written.format(reference))
        == rules.references_in("カ)ケンシヨウ", written.format(wide))
        == [reference]
    )


@pytest.mark.parametrize("written", ["", "1234567890123", "00100000016", "12345678", "振込"])
def test_other_numbers_are_no_references(written):
    assert rules.references_in(written) == []


@pytest.mark.parametrize(
    ("received", "due"),
    [
        (date(2026, 10, 1), date(2026, 10, 30)),  # 10/31 is a Saturday
        (date(2026, 12, 3), date(2026, 12, 30)),  # 1/2: banks are closed from 12/31 to 1/3
        (date(2026, 4, 5), date(2026, 5, 1)),  # 5/5 is in Golden Week
    ],
)
def test_a_payout_leaves_within_thirty_days_on_a_day_banks_settle(received, due):
    assert rules.payout_due_on(received) == due


@pytest.mark.parametrize(
    ("first", "last", "days"),
    [
        (date(2026, 9, 1), None, 31),
        (date(2026, 10, 15), None, 17),
        (date(2026, 9, 1), date(2026, 10, 1), 1),
        (date(2026, 10, 31), date(2027, 10, 30), 1),
        (date(2026, 11, 1), None, 0),
        (date(2026, 8, 1), date(2026, 9, 30), 0),
    ],
)
def test_days_in_force_count_the_first_and_the_last_day(first, last, days):
    assert (
        rules.days_active(first=first, last=last, month_first=date(2026, 10, 1), month_last=date(2026, 10, 31)) == days
    )
