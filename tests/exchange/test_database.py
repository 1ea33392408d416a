"""Ids sort by time, lists page without gaps, transactions leave nothing half-done."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from exchange import clock, database
from exchange.errors import Invalid
from exchange.identity.models import Organization


def organizations(n: int) -> None:
    with database.transaction():
        for i in range(n):
            database.session.add(Organization(name=f"組織{i}", kind="npo", created_at=clock.now()))


def test_ids_are_short_and_unlike_each_other() -> None:
    ids = {database.new_id() for _ in range(1000)}

    assert len(ids) == 1000 and all(len(i) == 26 for i in ids)


def test_paging_shows_everything_once(db: Any) -> None:
    organizations(7)
    seen, cursor = [], None
    while True:
        page = database.page(select(Organization), Organization.id, limit=3, cursor=cursor)
        seen += [o.id for o in page.items]
        if not (cursor := page.next_cursor):
            break

    assert len(seen) == len(set(seen)) == 7 and seen == sorted(seen, reverse=True)


@given(st.text(max_size=60))
def test_a_cursor_that_was_made_up_is_refused_or_harmless(cursor: str) -> None:
    try:
        assert database.make_cursor(database.read_cursor(cursor))
    except Invalid as refusal:
        assert "cursor" in refusal.errors


def test_a_moment_without_a_time_zone_is_refused(db: Any) -> None:
    with pytest.raises(Exception, match="time zone"), database.transaction():
        db.add(Organization(name="x", kind="npo", created_at=datetime(2026, 1, 1)))


def test_what_raises_leaves_nothing_behind(db: Any) -> None:
    with pytest.raises(RuntimeError), database.transaction():
        db.add(Organization(name="x", kind="npo", created_at=clock.now()))
        db.flush()
        raise RuntimeError

    assert db.scalars(select(Organization)).all() == []
