"""Money in two phases: held, then posted up to the hold, voided, or expired, each exactly once."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import exc, select, text

from exchange import clock, database
from exchange.database import session
from settlement import ledger
from settlement.ledger import BANK, FEES, UNAPPLIED, Move
from settlement.models import Hold

LATER = timedelta(minutes=10)


def book(cause, *moves):
    at = clock.now()
    return ledger.post(cause, moves, at=at, booked_on=at.date(), reference="test", words="試験")


def hold(cause, amount, *, at=None, lasts=LATER):
    """Set money aside that would be given back to its payer."""
    at = at or clock.now()
    move = Move(amount, BANK, UNAPPLIED)
    return ledger.hold(cause, move, at=at, expires_at=at + lasts, reference="receipt/1", words="返金の保留")


def post(held, amount=None, *, at=None, **options):
    at = at or clock.now()
    return ledger.post_hold(held.id, amount, at=at, booked_on=at.date(), **options)


@pytest.fixture
def thousand(db):
    """A thousand yen that nobody has claimed."""
    book("in", Move(1_000, UNAPPLIED, BANK))


def balances():
    return ledger.held(UNAPPLIED), ledger.available(UNAPPLIED)


def test_a_hold_takes_from_what_is_available_and_moves_nothing(thousand):
    hold("one", 600)
    assert balances() == (1_000, 400) and ledger.balance(BANK) == 1_000
    with pytest.raises(ledger.NotEnough), session.begin_nested():
        hold("two", 401)
    with pytest.raises(ledger.NotEnough), session.begin_nested():
        book("three", Move(401, BANK, UNAPPLIED))
    hold("four", 400)
    assert balances() == (1_000, 0)


def test_posting_part_of_a_hold_books_it_and_releases_the_rest(thousand):
    held = hold("one", 600)
    booked = post(held, 250)
    assert balances() == (750, 750) and ledger.balance(BANK) == 750
    assert booked.cause == f"hold/{held.id}/posted" and held.ended == "posted" and held.entry_id == booked.id


def test_the_whole_of_a_hold_can_be_posted_even_when_nothing_else_is_there(thousand):
    post(hold("one", 1_000))
    session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
    assert balances() == (0, 0)


def test_other_moves_of_the_same_deed_are_booked_with_it(thousand):
    post(hold("one", 600), also=[Move(10, FEES, BANK)])
    assert (ledger.balance(BANK), ledger.balance(FEES)) == (410, 10)


@pytest.mark.parametrize("amount", [0, -1, 601])
def test_no_more_than_the_hold_is_posted(thousand, amount):
    with pytest.raises(ledger.AboveHold, match="600"):
        post(hold("one", 600), amount)
    assert balances() == (1_000, 400)


def test_a_voided_hold_is_available_again(thousand):
    held = hold("one", 600)
    ledger.void_hold(held.id, at=clock.now())
    assert balances() == (1_000, 1_000) and held.ended == "voided"


def test_a_hold_past_its_time_is_not_posted_even_before_the_job_has_come(thousand):
    held = hold("one", 600)
    with pytest.raises(ledger.HoldEnded) as refusal:
        post(held, at=held.expires_at)
    assert refusal.value.extra["state"] == "expired"
    assert post(held, at=held.expires_at - timedelta(microseconds=1))


def test_the_job_releases_what_is_over_and_nothing_else(db, world):
    at = clock.now()
    with database.transaction():
        book("in", Move(1_000, UNAPPLIED, BANK))
        old, new = hold("old", 600, at=at - timedelta(hours=1)), hold("new", 100)
    for _ in range(2):
        world.tick("expire-holds")
    states = dict(session.execute(select(Hold.id, Hold.ended)).tuples().all())
    assert states == {old.id: "expired", new.id: None} and balances() == (1_000, 900)


@pytest.mark.parametrize("first", ["post", "void", "expire"])
@pytest.mark.parametrize("second", ["post", "void"])
def test_a_hold_ends_once(thousand, first, second):
    at = clock.now()
    held = hold("one", 600, at=at, lasts=timedelta(seconds=1))
    deeds = {
        "post": lambda: post(held, at=at),
        "void": lambda: ledger.void_hold(held.id, at=at),
        "expire": lambda: ledger.expire_holds(at=at + timedelta(minutes=1)),
    }
    deeds[first]()
    before = balances()
    with pytest.raises(ledger.HoldEnded) as refusal:
        deeds[second]()
    assert refusal.value.extra["state"] == {"post": "posted", "void": "voided", "expire": "expired"}[first]
    assert deeds["expire"]() == 0 and balances() == before


def test_a_cause_is_held_for_once(thousand):
    hold("one", 100)
    with pytest.raises(ledger.AlreadyBooked):
        hold("one", 100)
    assert balances() == (1_000, 900)


@pytest.mark.parametrize(
    "deed",
    [
        "DELETE FROM ledger_hold",
        "TRUNCATE ledger_hold",
        "UPDATE ledger_hold SET amount_jpy = 1",
        "UPDATE ledger_hold SET expires_at = expires_at + interval '1 day'",
        "UPDATE ledger_hold SET ended = 'voided', ended_at = at, amount_jpy = 1",
        "UPDATE ledger_hold SET ended = 'expired', ended_at = at",  # before its time
        "UPDATE ledger_hold SET ended = 'posted', ended_at = at",  # without an entry
        "UPDATE ledger_hold SET ended = 'posted', ended_at = at, entry_id = (SELECT id FROM ledger_entry)",
        "UPDATE ledger_hold SET ended = 'gone', ended_at = at",
        "INSERT INTO ledger_hold SELECT 'x', at, expires_at, 'x', 'r', 'w', 0.5, source, destination FROM ledger_hold",
        "INSERT INTO ledger_hold SELECT 'x', at, at, 'x', 'r', 'w', 5, source, destination FROM ledger_hold",
        "INSERT INTO ledger_hold SELECT 'x', at, expires_at, 'x', 'r', 'w', 5, source, destination, 'voided', at"
        " FROM ledger_hold",
    ],
)
def test_the_database_lets_nobody_bend_a_hold(thousand, deed):
    hold("one", 600)
    with pytest.raises(exc.DBAPIError), session.begin_nested():
        session.execute(text(deed))
        session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
    assert balances() == (1_000, 400)


def test_the_database_refuses_an_entry_above_its_hold(thousand):
    held = hold("one", 600)
    entry = book(f"hold/{held.id}/posted", Move(400, BANK, UNAPPLIED))
    ended = text("UPDATE ledger_hold SET ended = 'posted', ended_at = at, entry_id = :entry")
    session.execute(ended, {"entry": entry.id})
    session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
    session.execute(text("SET CONSTRAINTS ALL DEFERRED"))
    second = hold("two", 100)
    entry = book(f"hold/{second.id}/posted", Move(101, BANK, UNAPPLIED))
    session.execute(text(f"{ended} WHERE id = :id"), {"entry": entry.id, "id": second.id})
    with pytest.raises(exc.DBAPIError, match="does not post hold"), session.begin_nested():
        session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))


STEPS = st.lists(
    st.tuples(st.sampled_from(["hold", "post", "void", "expire", "take", "add"]), st.integers(1, 900)), max_size=15
)


@given(STEPS)
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_available_is_the_balance_less_what_waits(db, steps):
    at, balance, waiting = clock.now(), 0, {}
    for number, (deed, amount) in enumerate(steps):
        at += timedelta(minutes=1)
        room = balance - sum(h.amount_jpy for h in waiting.values())
        chosen = waiting[sorted(waiting)[amount % len(waiting)]] if waiting else None
        if deed == "add":
            book(f"{number}", Move(amount, UNAPPLIED, BANK))
            balance += amount
        elif deed == "expire":
            gone = [key for key, h in waiting.items() if h.expires_at <= at]
            assert ledger.expire_holds(at=at) == len(gone)
            waiting = {key: h for key, h in waiting.items() if key not in gone}
        elif deed in ("hold", "take"):
            try:
                with session.begin_nested():
                    if deed == "hold":
                        made = hold(f"{number}", amount, at=at, lasts=timedelta(minutes=amount % 7 + 1))
                    else:
                        book(f"{number}", Move(amount, BANK, UNAPPLIED))
                assert amount <= room
                if deed == "hold":
                    waiting[made.id] = made
                else:
                    balance -= amount
            except ledger.NotEnough:
                assert amount > room
        elif chosen and chosen.expires_at > at:
            if deed == "post":
                part = min(amount, chosen.amount_jpy)
                post(chosen, part, at=at)
                balance -= part
            else:
                ledger.void_hold(chosen.id, at=at)
            del waiting[chosen.id]
        assert balances() == (balance, balance - sum(h.amount_jpy for h in waiting.values()))
    session.rollback()
