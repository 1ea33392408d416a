"""The ledger keeps its promises whatever a program tries."""

import os
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import exc, func, select, text

from exchange import clock, database
from exchange.database import new_id, session
from settlement import ledger, privileges, rules, sealing
from settlement.ledger import BANK, FEES, PAYOUT_CLEARING, UNAPPLIED, Move
from settlement.models import Account, Entry, Held

PLACES = [BANK, FEES, UNAPPLIED, PAYOUT_CLEARING]
MOVES = st.lists(
    st.tuples(st.integers(0, 10**12), st.sampled_from(PLACES), st.sampled_from(PLACES)).filter(lambda m: m[1] != m[2]),
    min_size=1,
    max_size=4,
)


def post(cause, *moves, **options):
    at = options.pop("at", clock.now())
    return ledger.post(cause, moves, at=at, booked_on=at.date(), reference="test", words="試験", **options)


def hold(cause, move, *, days=7):
    at = clock.now()
    return ledger.hold(cause, move, at=at, expires_at=at + timedelta(days=days), reference="test", words="保留")


@given(st.lists(MOVES, max_size=12))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_balances_sum_to_zero_and_floors_hold_after_any_bookings(db, bookings):
    wanted = dict.fromkeys(PLACES, 0)
    for number, moves in enumerate(bookings):
        real = [Move(*move) for move in moves if move[0]]
        after = dict(wanted)
        for move in real:
            for place, amount in ((move.destination, move.amount_jpy), (move.source, -move.amount_jpy)):
                after[place] += amount if rules.CHART[place.heading].side == "debit" else -amount
        fits = all(after[place] >= 0 for place in PLACES if rules.CHART[place.heading].floored)
        try:
            with session.begin_nested():
                post(f"booking/{number}", *real)
                session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
                session.execute(text("SET CONSTRAINTS ALL DEFERRED"))
            assert fits
            wanted = after
        except ledger.NotEnough:
            assert not fits
        except ValueError:
            assert not real
    assert {place: ledger.balance(place) for place in PLACES} == wanted
    for place in PLACES:
        if rules.CHART[place.heading].floored:
            assert ledger.held(place) == wanted[place]
    debits = sum(v if rules.CHART[p.heading].side == "debit" else -v for p, v in wanted.items())
    assert debits == 0
    session.rollback()


ENTRY = "INSERT INTO ledger_entry (id, at, booked_on, cause, reference, words, transfer_count, reverses_id)"
LINE = "INSERT INTO ledger_transfer (entry_id, transfer_count, line, amount_jpy, source, destination)"
ACCOUNT = "INSERT INTO ledger_account (code, heading, kind, side, floored)"


def refused(deed, *, match=None, at_commit=False):
    """What a program could send the database itself is refused, and leaves nothing behind."""
    with pytest.raises(exc.DBAPIError, match=match), session.begin_nested():
        session.execute(text(deed))
        if at_commit:
            session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))


@pytest.mark.parametrize(
    "deed",
    [
        "UPDATE ledger_transfer SET amount_jpy = 1",
        "DELETE FROM ledger_transfer",
        "TRUNCATE ledger_transfer",
        "UPDATE ledger_entry SET words = 'x'",
        "UPDATE ledger_entry SET words = 'x' WHERE false OR cause = 'one'",
        "DELETE FROM ledger_entry",
        "TRUNCATE ledger_entry CASCADE",
        "UPDATE ledger_account SET kind = 'asset'",
        "UPDATE ledger_account SET floored = false WHERE code = 'unapplied'",
        "DELETE FROM ledger_account",
        "UPDATE ledger_held SET held_jpy = 10",
        "UPDATE ledger_held SET pending_jpy = 0, sign = 1",
        "DELETE FROM ledger_held",
        "TRUNCATE ledger_held",
        "INSERT INTO ledger_held VALUES ('bank', 1, 5, 0)",
        "WITH gone AS (DELETE FROM ledger_transfer RETURNING *) SELECT * FROM gone",
        "MERGE INTO ledger_entry e USING ledger_entry o ON e.id = o.id WHEN MATCHED THEN UPDATE SET words = 'x'",
        f"{ENTRY} SELECT id, at, booked_on, cause, reference, 'x', 1, NULL FROM ledger_entry "
        "ON CONFLICT (id) DO UPDATE SET words = 'x'",
    ],
)
def test_nothing_booked_is_changed_or_removed(db, deed):
    post("one", Move(500, UNAPPLIED, BANK))
    refused(deed)
    assert ledger.balance(BANK) == ledger.held(UNAPPLIED) == 500


@pytest.mark.parametrize("amount", ["0", "-1", "0.5", "499.999", "'NaN'", "'Infinity'", "1e15 + 1", "NULL"])
def test_the_database_takes_only_positive_whole_amounts(db, amount):
    post("one", Move(500, UNAPPLIED, BANK))
    entry = f"{ENTRY} SELECT 'x', at, booked_on, 'two', 'r', 'w', 1, NULL FROM ledger_entry"
    session.execute(text(entry))
    refused(f"{LINE} VALUES ('x', 1, 1, {amount}, 'unapplied', 'bank')", match="amount")


@pytest.mark.parametrize("amount", [1.0, 0.5, True])
def test_no_program_books_anything_but_integers(db, amount):
    with pytest.raises(TypeError, match="whole yen"):
        post("one", Move(amount, UNAPPLIED, BANK))


@pytest.mark.parametrize("of", [1, 2])
def test_a_finished_entry_takes_no_more_transfers(db, of):
    entry = post("one", Move(500, UNAPPLIED, BANK))
    refused(f"{LINE} VALUES ('{entry.id}', {of}, 2, 5, 'unapplied', 'bank')")
    refused(f"{LINE} VALUES ('{entry.id}', {of}, 1, 5, 'unapplied', 'bank')")
    refused(f"{LINE} VALUES ('{entry.id}', {of}, 0, 5, 'unapplied', 'bank')")


def test_both_sides_of_a_transfer_are_different_accounts_that_exist(db):
    post("one", Move(500, UNAPPLIED, BANK))
    session.execute(text(f"{ENTRY} SELECT 'x', at, booked_on, 'two', 'r', 'w', 1, NULL FROM ledger_entry"))
    refused(f"{LINE} VALUES ('x', 1, 1, 5, 'bank', 'bank')", match="two_accounts")
    refused(f"{LINE} VALUES ('x', 1, 1, 5, 'nowhere', 'bank')", match="fk_ledger_transfer_source")


def test_an_entry_without_its_transfers_cannot_be_committed(db):
    at = clock.now()
    row = {"cause": "half", "reference": "test", "words": "試験", "at": at, "booked_on": at.date()}
    session.add(Entry(id=new_id(), transfer_count=1, **row))
    with pytest.raises(exc.DBAPIError, match="does not have its 1 transfers"):
        session.commit()
    session.rollback()


def test_an_entry_that_lacks_one_of_its_lines_cannot_be_committed(db):
    post("one", Move(500, UNAPPLIED, BANK))
    session.execute(text(f"{ENTRY} SELECT 'x', at, booked_on, 'two', 'r', 'w', 2, NULL FROM ledger_entry"))
    session.execute(text(f"{LINE} VALUES ('x', 2, 2, 5, 'unapplied', 'bank')"))
    refused("SELECT 1", match="does not have its 2 transfers", at_commit=True)


def test_a_cause_is_booked_once_and_the_transaction_goes_on(db):
    first = post("one", Move(500, UNAPPLIED, BANK))
    with pytest.raises(ledger.AlreadyBooked):
        post("one", Move(500, UNAPPLIED, BANK))
    assert ledger.balance(BANK) == 500
    refused(f"{ENTRY} SELECT 'x', at, booked_on, cause, 'r', 'w', 1, NULL FROM ledger_entry WHERE id = '{first.id}'")


def test_an_entry_is_undone_with_its_deed_even_when_it_came_first(db):
    with pytest.raises(RuntimeError), database.transaction():
        post("opens the accounts", Move(500, UNAPPLIED, BANK))
        raise RuntimeError
    with database.transaction():
        post("one", Move(500, UNAPPLIED, BANK))
    with pytest.raises(RuntimeError), database.transaction():
        post("two", Move(70, UNAPPLIED, BANK))
        raise RuntimeError
    assert ledger.balance(BANK) == ledger.held(UNAPPLIED) == 500


def test_an_entry_of_several_transfers_is_booked_whole_or_not_at_all(db):
    post("one", Move(500, UNAPPLIED, BANK))
    with pytest.raises(ledger.NotEnough, match="残高"), session.begin_nested():
        post("two", Move(100, FEES, BANK), Move(900, BANK, UNAPPLIED))
    assert [ledger.balance(p) for p in (BANK, UNAPPLIED, FEES)] == [500, 500, 0]
    assert session.scalar(select(func.count()).select_from(Entry)) == 1


@pytest.mark.parametrize(
    "account",
    [
        "'deposits', 'deposits', 'liability', 'credit', false",  # without its floor
        "'deposits', 'deposits', 'liability', 'debit', true",  # on the wrong side
        "'bank', 'bank', 'revenue', 'debit', false",
        "'vault', 'vault', 'asset', 'debit', false",  # not in the chart
        "'bank2', 'bank', 'asset', 'debit', false",  # a second one beside the first
    ],
)
def test_nobody_opens_an_account_the_chart_does_not_have(db, account):
    refused(f"{ACCOUNT} VALUES ({account})", match="ck_ledger_account")


def test_a_reversal_mirrors_an_entry_once(db):
    entry = post("one", Move(500, UNAPPLIED, BANK), Move(200, FEES, BANK))
    at = clock.now()
    ledger.reverse(entry.id, at=at, booked_on=at.date(), words="訂正")
    assert [ledger.balance(p) for p in (BANK, UNAPPLIED, FEES)] == [0, 0, 0]
    with pytest.raises(ledger.AlreadyBooked):
        ledger.reverse(entry.id, at=at, booked_on=at.date(), words="訂正")
    with pytest.raises(ledger.AlreadyBooked, match="訂正"), session.begin_nested():
        post("another cause", Move(500, BANK, UNAPPLIED), Move(200, BANK, FEES), reverses=entry.id)


@pytest.mark.parametrize("amounts", [(500, 199), (500,), (500, 100, 100)])
def test_what_claims_to_reverse_an_entry_is_its_mirror(db, amounts):
    entry = post("one", Move(500, UNAPPLIED, BANK), Move(200, FEES, BANK))
    back = [Move(a, BANK, UNAPPLIED if n == 0 else FEES) for n, a in enumerate(amounts)]
    post("half", *back, reverses=entry.id)
    refused("SELECT 1", match="is not the mirror", at_commit=True)


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


def test_balances_of_all_accounts_come_in_one_read(db):
    post("one", Move(500, UNAPPLIED, BANK), Move(70, FEES, BANK))
    post("two", Move(20, BANK, UNAPPLIED))
    assert ledger.sums() == {"bank": (570, 20), "unapplied": (20, 500), "fees": (0, 70)}


# ---- an application that is not the owner of its tables


ROLE = f"exchange_application_{os.getpid()}"  # roles belong to the cluster, which workers share


@pytest.fixture
def as_application(db):
    """The rest of the test speaks to the database as a role with the rights that `ledger grant` gives."""
    post("one", Move(500, UNAPPLIED, BANK))
    session.execute(text(f"DROP ROLE IF EXISTS {ROLE}"))
    session.execute(text(f"CREATE ROLE {ROLE}"))
    privileges.grant(ROLE)
    session.execute(text(f"SET LOCAL ROLE {ROLE}"))
    yield
    session.rollback()


@pytest.mark.parametrize(
    "deed",
    [
        "ALTER TABLE ledger_entry DISABLE TRIGGER ALL",
        "ALTER TABLE ledger_transfer DISABLE TRIGGER ledger_append_only",
        "ALTER TABLE ledger_held DROP CONSTRAINT ck_ledger_held_not_below_zero",
        "DROP TRIGGER ledger_append_only ON ledger_entry",
        "DROP TABLE ledger_transfer CASCADE",
        "CREATE TRIGGER aside BEFORE INSERT ON ledger_transfer EXECUTE FUNCTION ledger_append_only()",
        "CREATE RULE aside AS ON INSERT TO ledger_transfer DO INSTEAD NOTHING",
        "CREATE OR REPLACE FUNCTION ledger_append_only() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
        "SET LOCAL session_replication_role = replica",
        "TRUNCATE ledger_entry CASCADE",
        "UPDATE ledger_held SET held_jpy = 10",
        "DELETE FROM ledger_seal",
        "DO $$ BEGIN CREATE TEMP TABLE trick (n int); CREATE FUNCTION pg_temp.trick() RETURNS trigger LANGUAGE plpgsql"
        " AS 'BEGIN UPDATE ledger_held SET held_jpy = 9999; RETURN NEW; END'; CREATE TRIGGER trick BEFORE INSERT ON trick"
        " FOR EACH ROW EXECUTE FUNCTION pg_temp.trick(); INSERT INTO trick VALUES (1); END $$",
    ],
)
def test_the_application_cannot_switch_off_what_guards_the_ledger(as_application, deed):
    refused(deed)
    assert ledger.held(UNAPPLIED) == 500


def test_the_application_books_with_the_rights_it_has(as_application):
    post("two", Move(300, BANK, UNAPPLIED), Move(40, FEES, BANK))
    waiting = hold("three", Move(200, FEES, UNAPPLIED))
    ledger.post_hold(waiting.id, 150, at=clock.now(), booked_on=clock.today())
    session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
    assert sealing.seal() == 3
    assert (ledger.held(UNAPPLIED), ledger.balance(BANK)) == (50, 240)
    with pytest.raises(ledger.NotEnough), session.begin_nested():
        post("four", Move(51, BANK, UNAPPLIED))
