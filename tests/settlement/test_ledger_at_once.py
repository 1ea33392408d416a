"""Eight connections post, hold, void and seal at the same moment: no yen is made, lost, or taken below zero."""

import random
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from exchange import clock, database
from exchange.database import session
from settlement import ledger, sealing
from settlement.ledger import BANK, FEES, PAYOUT_CLEARING, UNAPPLIED, Move
from settlement.models import Entry, Hold, Seal, Unsealed

CLIENTS, DEEDS = 8, 15
REFUSALS = (ledger.NotEnough, ledger.AlreadyBooked, ledger.HoldEnded)


def book(cause, *moves):
    at = clock.now()
    return ledger.post(cause, moves, at=at, booked_on=at.date(), reference="test", words="試験")


def hold(cause, amount):
    at, later = clock.now(), timedelta(minutes=10)
    move = Move(amount, BANK, UNAPPLIED)
    return ledger.hold(cause, move, at=at, expires_at=at + later, reference="test", words="保留").id


def at_once(client):
    """What eight clients answer who begin together, each on a connection of its own."""
    together = threading.Barrier(CLIENTS)

    def run(number):
        together.wait()
        try:
            return client(number)
        finally:
            session.remove()

    with ThreadPoolExecutor(CLIENTS) as people:
        return list(people.map(run, range(CLIENTS)))


def tried(deed, *args, **how):
    """What a deed answers, or the name of its refusal, in a transaction of its own."""
    try:
        with database.transaction():
            return deed(*args, **how)
    except REFUSALS as refusal:
        return type(refusal).__name__


@pytest.fixture
def thousand(db):
    """A thousand yen that nobody has claimed."""
    with database.transaction():
        book("in", Move(1_000, UNAPPLIED, BANK))


def test_of_eight_who_take_three_hundred_of_a_thousand_three_have_it(thousand):
    answers = at_once(
        lambda n: tried(book if n % 2 else hold, f"take/{n}", *([Move(300, BANK, UNAPPLIED)] if n % 2 else [300]))
    )
    assert answers.count("NotEnough") == 5
    with database.transaction():
        waiting = session.scalar(select(func.count()).select_from(Hold)) or 0
        assert ledger.available(UNAPPLIED) == 100
        assert ledger.held(UNAPPLIED) == 100 + 300 * waiting == ledger.balance(BANK)


def test_one_cause_is_booked_once_and_one_hold_ends_once(thousand):
    answers = at_once(lambda n: tried(book, "the same", Move(100, BANK, UNAPPLIED)))
    assert answers.count("AlreadyBooked") == 7
    held = tried(hold, "held", 400)

    def end(number):
        if number % 2:
            return tried(ledger.void_hold, held, at=clock.now())
        return tried(ledger.post_hold, held, 250, at=clock.now(), booked_on=clock.today())

    assert at_once(end).count("HoldEnded") == 7
    with database.transaction():
        (how,) = session.scalars(select(Hold.ended))
        assert ledger.available(UNAPPLIED) == ledger.held(UNAPPLIED) == (900 if how == "voided" else 650)


def test_posting_holds_beside_plain_entries_never_waits_in_a_ring(thousand):
    def client(number):
        for turn in range(20):
            if number % 2:
                tried(book, f"{number}/{turn}", Move(1, PAYOUT_CLEARING, UNAPPLIED))
            else:
                also = [Move(1, PAYOUT_CLEARING, BANK)]
                held = tried(hold, f"{number}/{turn}", 1)
                tried(ledger.post_hold, held, at=clock.now(), booked_on=clock.today(), also=also)

    at_once(client)
    with database.transaction():
        assert ledger.held(UNAPPLIED) == 1_000 - CLIENTS * 20 and ledger.held(PAYOUT_CLEARING) == CLIENTS * 20


def test_whatever_eight_do_at_once_the_books_are_whole_and_sealed_without_a_gap(thousand):
    def client(number):
        chance, done = random.Random(number), Counter()
        for turn in range(DEEDS):
            deed(chance, f"{number}/{turn}", done)
            if number == 0 or turn % 5 == 0:
                with database.transaction():  # the job that seals never stops anyone
                    database.lock("test/seal")
                    sealing.seal(limit=7)
        return done

    done = sum(at_once(client), Counter())
    with database.transaction():
        while sealing.seal():
            pass
        assert ledger.held(UNAPPLIED) == 1_000 + done["in"] - done["out"] - done["set aside"] + done["back"]
        assert ledger.held(PAYOUT_CLEARING) == done["set aside"] - done["back"]
        assert ledger.available(UNAPPLIED) == ledger.held(UNAPPLIED) - done["held"] >= 0
        totals = ledger.sums().values()
        assert sum(debit for debit, _ in totals) == sum(credit for _, credit in totals)
        count = session.scalar(select(func.count()).select_from(Entry))
        assert list(session.scalars(select(Seal.place).order_by(Seal.place))) == list(range(1, count + 1))
        assert session.scalars(select(Unsealed)).all() == [] and sealing.prove(at=clock.now()).fault is None
    assert done["refused"], done


def deed(chance, cause, done):
    """One deed of a client, on accounts that all share, some of which must not go below zero; what it did is counted."""
    amount = chance.randint(1, 400)
    kind = chance.choice(["in", "out", "out", "set aside", "back", "hold", "post", "void"])
    moves = {
        "in": [Move(amount, UNAPPLIED, BANK)],
        "out": [Move(amount, BANK, UNAPPLIED)],
        "set aside": [Move(amount, PAYOUT_CLEARING, UNAPPLIED), Move(1, FEES, BANK)],
        "back": [Move(1, FEES, BANK), Move(amount, UNAPPLIED, PAYOUT_CLEARING)],  # the same two, the other way round
    }
    if kind in moves:
        answer = tried(book, cause, *moves[kind])
    else:
        answer = held = tried(hold, cause, amount)
        if held != "NotEnough" and kind == "post":
            answer, kind = tried(ledger.post_hold, held, at=clock.now(), booked_on=clock.today()), "out"
        elif held != "NotEnough":
            answer, kind = ("void" if kind == "void" else "hold"), {"void": "voided", "hold": "held"}[kind]
            if kind == "voided":
                tried(ledger.void_hold, held, at=clock.now())
    done["refused" if answer == "NotEnough" else kind] += 1 if answer == "NotEnough" else amount
