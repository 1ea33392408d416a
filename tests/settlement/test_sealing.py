"""The books prove themselves: chain, entries, kept balances; what was bent behind the database's back is found."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import select, text

from exchange import audit, clock, database
from exchange.database import session
from exchange.identity.models import Notice
from settlement import ledger, sealing
from settlement.ledger import BANK, FEES, UNAPPLIED, Move
from settlement.models import Seal, Unsealed


def book(*causes, at=None):
    at = at or clock.now()
    with database.transaction():
        for cause in causes:
            moves = [Move(500, UNAPPLIED, BANK), Move(70, FEES, UNAPPLIED)]
            ledger.post(cause, moves, at=at, booked_on=at.date(), reference="test", words="試験")


def proof(at=None):
    with database.transaction():
        return sealing.prove(at=at or clock.now())


def bend(deed, *tables):
    """Change rows as only someone with the database in hand could: with the guards switched off."""
    with database.transaction():
        for table in tables:
            session.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER ALL"))
        session.execute(text(deed))
        for table in tables:
            session.execute(text(f"ALTER TABLE {table} ENABLE TRIGGER ALL"))


@pytest.fixture
def three(db, world):
    """Three sealed entries."""
    book("one", "two")
    world.tick("seal-ledger")
    book("three")
    world.tick("seal-ledger")


def test_entries_are_sealed_in_order_once(three, world):
    world.tick("seal-ledger")
    seals = session.execute(select(Seal.place).order_by(Seal.place)).scalars().all()
    assert seals == [1, 2, 3] and session.scalars(select(Unsealed)).all() == []
    found = proof()
    assert found.fault is None and found.sealed == 3 and len(found.last_seal) == 64


def test_an_entry_that_was_rolled_back_leaves_no_gap(three, world):
    with pytest.raises(ledger.NotEnough), database.transaction():
        at = clock.now()
        ledger.post("four", [Move(9_999, BANK, UNAPPLIED)], at=at, booked_on=at.date(), reference="r", words="w")
    book("five")
    world.tick("seal-ledger")
    assert (proof().fault, proof().sealed) == (None, 4)


def test_posting_waits_for_no_seal_and_sealing_for_no_posting(three):
    book("four")
    driver = database.engine().raw_connection()
    try:
        driver.cursor().execute("SELECT * FROM ledger_unsealed FOR UPDATE")
        book("five")  # would hang if posting touched a row that the sealing job holds
    finally:
        driver.close()
    assert proof().fault is None


@pytest.mark.parametrize(
    ("deed", "tables"),
    [
        ("UPDATE ledger_entry SET words = 'forged' WHERE cause = 'two'", ["ledger_entry"]),
        ("UPDATE ledger_entry SET booked_on = booked_on - 1 WHERE cause = 'two'", ["ledger_entry"]),
        (
            "UPDATE ledger_transfer SET amount_jpy = 499 WHERE line = 1 AND entry_id ="
            " (SELECT id FROM ledger_entry WHERE cause = 'two')",
            ["ledger_transfer"],
        ),
        (
            "UPDATE ledger_transfer SET source = 'bank', destination = 'unapplied' WHERE line = 1 AND entry_id ="
            " (SELECT id FROM ledger_entry WHERE cause = 'two')",
            ["ledger_transfer"],
        ),
        ("DELETE FROM ledger_seal WHERE place = 2", ["ledger_seal"]),
        ("UPDATE ledger_seal SET seal = repeat('0', 64) WHERE place = 2", ["ledger_seal"]),
    ],
)
def test_the_first_entry_that_was_bent_is_named(app, three, deed, tables):
    second = session.scalar(select(Seal.entry_id).where(Seal.place == 2))
    third = session.scalar(select(Seal.entry_id).where(Seal.place == 3))
    bend(deed, *tables)
    named = third if deed.startswith("DELETE") else second
    fault = proof().fault
    assert fault and fault.entry_id == named and "封印" in str(fault.what)
    session.remove()
    answer = app.test_cli_runner().invoke(args=["ledger", "verify"])
    assert answer.exit_code == 1 and json.loads(answer.stderr)["broken"] == named


def test_a_whole_ledger_is_told_so_on_the_command_line(app, three):
    session.remove()
    answer = app.test_cli_runner().invoke(args=["ledger", "verify"])
    assert (answer.exit_code, answer.output.strip()) == (0, "intact: 3 entries")


def test_an_entry_kept_from_its_seal_is_found(three):
    book("four")
    bend("DELETE FROM ledger_unsealed")
    assert proof().fault is None
    assert "封印されていない" in str(proof(clock.now() + timedelta(minutes=11)).fault.what)


def test_a_kept_balance_that_is_not_the_sum_is_found(three):
    bend("UPDATE ledger_held SET held_jpy = held_jpy + 1", "ledger_held")
    fault = proof().fault
    assert fault.account == fault.where == "unapplied"


def test_a_transfer_taken_out_before_it_was_sealed_is_found(three):
    book("four")
    last = "(SELECT id FROM ledger_entry WHERE cause = 'four')"
    bend(f"DELETE FROM ledger_transfer WHERE line = 2 AND entry_id = {last}", "ledger_transfer")
    assert "明細の数" in str(proof().fault.what)


def night(hour, *, days=0):
    at = clock.now().replace(hour=hour, minute=30)
    return at + timedelta(days=days)


def noted():
    query = select(audit.AuditEntry).where(audit.AuditEntry.deed == sealing.VERIFIED).order_by(audit.AuditEntry.id)
    rows = session.scalars(query).all()
    return [row.detail for row in rows]


def test_the_books_are_proven_once_a_night(three):
    for hour in (1, 2, 3, 23):
        with database.transaction():
            sealing.prove_nightly(at=night(hour))
    (detail,) = noted()
    assert detail["sealed"] == 3 and "fault" not in detail
    with database.transaction():
        sealing.prove_nightly(at=night(2, days=1))
    assert len(noted()) == 2


def test_a_chain_cut_off_at_its_end_is_whole_but_not_what_was_written_down(three, world):
    accountant = world.admin
    with database.transaction():
        sealing.prove_nightly(at=night(2))
    last = "(SELECT entry_id FROM ledger_seal WHERE place = 3)"
    bend(
        f"WITH t AS (DELETE FROM ledger_transfer WHERE entry_id = {last}), e AS (DELETE FROM ledger_entry WHERE id = {last}"
        ") DELETE FROM ledger_seal WHERE place = 3",
        "ledger_transfer",
        "ledger_entry",
        "ledger_seal",
    )
    bend("UPDATE ledger_held SET held_jpy = 860", "ledger_held")
    for days in (1, 2):
        with database.transaction():
            sealing.prove_nightly(at=night(2, days=days))
    assert ["fault" in detail for detail in noted()] == [False, True, True]
    notices = session.scalars(select(Notice).where(Notice.member_id == accountant.id)).all()
    assert len(notices) == 2 and "会計帳簿の検証" in notices[0].title and "以前に確認した封印" in notices[0].body
