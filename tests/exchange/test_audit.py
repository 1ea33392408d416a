"""The audit log can be added to, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import exc, text

from exchange import audit, clock, database


def write(*deeds: str) -> None:
    with database.transaction():
        for deed in deeds:
            audit.record(deed, actor="a", subject="thing/1", at=clock.now(), detail={"名": deed})


def seal() -> int:
    with database.transaction():
        return audit.seal()


def test_sealed_entries_stand_in_a_whole_chain(db: Any) -> None:
    write("one", "two")
    assert seal() == 2
    write("three")
    assert seal() == 1

    assert audit.broken() is None
    assert audit.sealed_count() == 3


def test_the_chain_names_the_first_entry_that_was_changed_behind_its_back(db: Any) -> None:
    write("one", "two", "three")
    seal()
    with database.transaction():
        db.execute(text("ALTER TABLE audit_entry DISABLE TRIGGER audit_entry_append_only"))
        db.execute(text("UPDATE audit_entry SET deed = 'forged' WHERE place = 2"))
        db.execute(text("ALTER TABLE audit_entry ENABLE TRIGGER audit_entry_append_only"))
    db.remove()

    broken = audit.broken()

    assert broken is not None and broken.place == 2


@pytest.mark.parametrize(
    "attack", ["UPDATE audit_entry SET deed = 'x'", "DELETE FROM audit_entry", "UPDATE audit_entry SET seal = NULL"]
)
def test_the_database_refuses_to_change_a_sealed_entry(db: Any, attack: str) -> None:
    write("one")
    seal()

    with pytest.raises(exc.DBAPIError, match="append only"), database.transaction():
        db.execute(text(attack))
