"""The ledger keeps its promises whatever a program tries."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import exc, func, select, text

from exchange import clock
from exchange.database import new_id, session
from settlement import ledger, rules
from settlement.ledger import BANK, FEES, PAYOUT_CLEARING, UNAPPLIED, Move
from settlement.models import Account, Entry, Held, Transfer

PLACES = [BANK, FEES, UNAPPLIED, PAYOUT_CLEARING]
MOVES = st.lists(
    st.tuples(st.integers(0, 10**12), st.sampled_from(PLACES), st.sampled_from(PLACES)).filter(lambda m: m[1] != m[2]),
    min_size=1,
    max_size=4,
)


def post(cause, *moves, **options):
    at = options.pop("at", clock.now())
    return ledger.post(cause, moves, at=at, booked_on=at.date(), reference="test", words="試験", **options)


@given(st.lists(MOVES, max_size=12))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_balances_sum_to_zero_and_floors_hold_after_any_bookings(db, bookings):
    wanted = dict.fromkeys(PLACES, 0)
    for number, moves in enumerate(bookings):
        real = [Move(*move) for move in moves if move[0]]
        after = dict(wanted)
        fits = bool(real)
        for move in real:
            for place, amount in ((move.destination, move.amount_jpy), (move.source, -move.amount_jpy)):
                heading = rules.CHART[place.heading]
                after[place] += amount if heading.side == "debit" else -amount
                fits = fits and (after[place] >= 0 or not heading.floored)
        try:
            with session.begin_nested():
                post(f"booking/{number}", *real)
                session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
                session.execute(text("SET CONSTRAINTS ALL DEFERRED"))
            assert fits
            wanted = after
        except exc.IntegrityError:
            assert not fits
    assert {place: ledger.balance(place) for place in PLACES} == wanted
    for place in PLACES:
        if rules.CHART[place.heading].floored:
            assert ledger.held(place) == wanted[place]
    debits = sum(v if rules.CHART[p.heading].side == "debit" else -v for p, v in wanted.items())
    assert debits == 0
    session.rollback()


@pytest.mark.parametrize(
    "deed",
    [
        "UPDATE ledger_transfer SET amount_jpy = 1",
        "DELETE FROM ledger_transfer",
        "TRUNCATE ledger_transfer",
        "UPDATE ledger_entry SET words = 'x'",
        "DELETE FROM ledger_entry",
        "TRUNCATE ledger_entry CASCADE",
        "UPDATE ledger_account SET kind = 'asset'",
        "DELETE FROM ledger_account",
        "UPDATE ledger_held SET held_jpy = 10",
        "DELETE FROM ledger_held",
        "INSERT INTO ledger_held VALUES ('bank', 5)",
    ],
)
def test_nothing_booked_is_changed_or_removed(db, deed):
    post("one", Move(500, UNAPPLIED, BANK))
    session.flush()
    with pytest.raises(exc.DBAPIError), session.begin_nested():
        session.execute(text(deed))
    assert ledger.balance(BANK) == 500


@pytest.mark.parametrize("amount", [0, -1])
def test_the_database_takes_only_positive_amounts(db, amount):
    entry = post("one", Move(500, UNAPPLIED, BANK), Move(1, UNAPPLIED, BANK))
    row = {"entry_id": entry.id, "line": 3, "amount_jpy": amount, "source": "bank", "destination": "unapplied"}
    with pytest.raises(exc.IntegrityError), session.begin_nested():
        session.add(Transfer(**row))
        session.flush()


def test_a_finished_entry_takes_no_more_transfers(db):
    entry = post("one", Move(500, UNAPPLIED, BANK))
    with pytest.raises(exc.DBAPIError, match="all its transfers"), session.begin_nested():
        session.add(Transfer(entry_id=entry.id, line=2, amount_jpy=5, source="bank", destination="unapplied"))
        session.flush()


def test_an_entry_without_its_transfers_cannot_be_committed(db):
    at = clock.now()
    row = {"cause": "half", "reference": "test", "words": "試験", "at": at, "booked_on": at.date()}
    session.add(Entry(id=new_id(), transfer_count=1, **row))
    with pytest.raises(exc.DBAPIError, match="does not have its 1 transfers"):
        session.commit()
    session.rollback()


def test_a_cause_is_booked_once(db):
    post("one", Move(500, UNAPPLIED, BANK))
    with pytest.raises(ledger.AlreadyBooked):
        post("one", Move(500, UNAPPLIED, BANK))
    at = clock.now()
    with pytest.raises(exc.IntegrityError), session.begin_nested():
        session.add(Entry(cause="one", reference="test", words="x", at=at, booked_on=at.date(), transfer_count=1))
        session.flush()


def test_a_reversal_mirrors_an_entry_once(db):
    entry = post("one", Move(500, UNAPPLIED, BANK), Move(200, FEES, BANK))
    at = clock.now()
    ledger.reverse(entry.id, at=at, booked_on=at.date(), words="訂正")
    assert [ledger.balance(p) for p in (BANK, UNAPPLIED, FEES)] == [0, 0, 0]
    with pytest.raises(ledger.AlreadyBooked):
        ledger.reverse(entry.id, at=at, booked_on=at.date(), words="訂正")


def test_the_balance_of_any_time_past_can_be_asked_for(db):
    at = clock.now()
    post("one", Move(500, UNAPPLIED, BANK), at=at)
    post("two", Move(70, UNAPPLIED, BANK), at=at + timedelta(hours=1))
    assert ledger.balance(BANK, until=at) == 0
    assert ledger.balance(BANK, until=at + timedelta(minutes=1)) == 500
    assert ledger.balance(BANK) == 570


def test_accounts_open_once_with_their_side_and_floor(db):
    post("one", Move(500, UNAPPLIED, BANK))
    post("two", Move(500, UNAPPLIED, BANK))
    rows = {a.code: (a.kind, a.side, a.floored) for a in session.scalars(select(Account))}
    assert rows == {"bank": ("asset", "debit", False), "unapplied": ("liability", "credit", True)}
    assert session.scalar(select(func.count()).select_from(Held)) == 1
