"""Which fiscal year public money belongs to (地方自治法施行令142条, 143条), and the last days for paying."""

from datetime import date

import pytest

from settlement import fiscal_years as years

D = date


@pytest.mark.parametrize(
    ("kind", "due_on", "noticed_on", "received_on", "year"),
    [
        ("occasional", D(2027, 4, 30), D(2027, 4, 2), None, 2027),  # sale 3/30, notice 4/2: the new year
        ("occasional", D(2027, 4, 29), D(2027, 3, 30), None, 2026),  # notice 3/30: the old one, though due in the new
        ("occasional", D(2027, 4, 29), None, D(2027, 4, 1), 2027),  # without a notice: when received
        ("fixed", D(2027, 3, 31), D(2027, 3, 1), None, 2026),
        ("fixed", D(2027, 4, 30), D(2027, 4, 1), None, 2027),
        ("fixed", D(2027, 3, 31), D(2027, 4, 5), None, 2027),  # no notice within the year it was due in
        ("fixed", D(2027, 4, 30), D(2027, 3, 20), None, 2027),  # sent before the year it is due in
    ],
)
def test_the_year_of_a_revenue(kind, due_on, noticed_on, received_on, year):
    assert years.of_revenue(kind, due_on=due_on, noticed_on=noticed_on, received_on=received_on) == year


@pytest.mark.parametrize(
    ("paid_on", "year", "carried_over"),
    [(D(2027, 5, 20), 2026, False), (D(2027, 5, 31), 2026, False), (D(2027, 6, 1), 2027, True)],
)
def test_a_payment_after_the_books_closed_is_carried_over(paid_on, year, carried_over):
    assert years.receipt(2026, paid_on) == years.Receipt(year, carried_over)


@pytest.mark.parametrize(
    ("issued_on", "supplied_until", "due_on"),
    [
        (D(2026, 11, 5), D(2026, 10, 31), D(2026, 12, 5)),
        (D(2027, 5, 10), D(2027, 3, 31), D(2027, 5, 31)),  # before the books of the year of supply close
        (D(2027, 5, 10), D(2027, 4, 30), D(2027, 6, 9)),
        (D(2027, 6, 10), D(2027, 3, 31), D(2027, 7, 10)),  # closed already: paid from the running year
        (D(2026, 5, 10), D(2026, 3, 31), D(2026, 5, 29)),  # 31 May 2026 is a Sunday
    ],
)
def test_a_municipal_buyer_pays_within_thirty_days_and_before_its_books_close(issued_on, supplied_until, due_on):
    assert years.due_on(issued_on, 45, buyer_kind="municipality", supplied_until=supplied_until) == due_on
    assert (years.due_on(issued_on, 45, buyer_kind="company", supplied_until=supplied_until) - issued_on).days == 45


def test_a_proposed_due_date_is_a_day_on_which_banks_settle():
    assert years.proposed_due_on(D(2026, 11, 5), 30) == D(2026, 12, 7)
    assert years.proposed_due_on(D(2026, 11, 2), 30) == D(2026, 12, 2)


@pytest.mark.parametrize(("year", "words"), [(2026, "令和8年度"), (2019, "令和元年度"), (2018, "2018年度")])
def test_years_in_words(year, words):
    assert years.words(year) == words
