"""Statements that are transactions of their own: what they promise when connections die or a transaction runs."""

import psycopg
import pytest
from sqlalchemy import text

from exchange import database
from exchange.database import Quick, session
from tests.conftest import WORKER
from tests.services import url_of

COUNT = Quick("SELECT count(*) AS n FROM one_time_link_seen")
ADD = Quick("INSERT INTO one_time_link_seen VALUES (1)")


@pytest.fixture
def seen(db):
    with psycopg.connect(url_of(f"t_{WORKER}"), autocommit=True) as other:
        other.execute("CREATE TABLE one_time_link_seen (n int)")
        yield lambda: other.execute("SELECT count(*) FROM one_time_link_seen").fetchone()[0]


def test_alone_it_is_durable_at_once_and_no_refusal_afterwards_undoes_it(seen):
    with pytest.raises(ZeroDivisionError), database.transaction():
        ADD()
        raise ZeroDivisionError
    assert seen() == 1


def test_in_a_transaction_it_stands_or_falls_with_it(seen):
    with pytest.raises(ZeroDivisionError), database.transaction():
        database.begin()
        ADD()
        assert (COUNT()[0].n, seen()) == (1, 0)
        raise ZeroDivisionError
    assert seen() == 0


def test_after_the_database_restarted_a_request_is_told_to_come_again_and_the_next_one_works(client, seen):
    headers = {"Authorization": "Bearer nkd_made-up"}
    assert client.get("/api/v1/me", headers=headers).status_code == 401
    with psycopg.connect(url_of("postgres"), autocommit=True) as other:
        ends = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()"
        other.execute(ends, [f"t_{WORKER}"])
    answer = client.get("/api/v1/me", headers=headers)
    assert (answer.status_code, answer.json["type"]) == (503, "/problems/unavailable")
    assert client.get("/api/v1/me", headers=headers).status_code == 401


def test_a_broken_statement_costs_its_connection_only(seen):
    with pytest.raises(psycopg.errors.UndefinedTable):
        Quick("SELECT 1 FROM nowhere")()
    ADD()
    assert session.scalar(text("SELECT count(*) FROM one_time_link_seen")) == 1
    session.rollback()


def test_while_the_database_refuses_connections_a_request_is_told_to_come_again(client, seen):
    database.dispose()
    with psycopg.connect(url_of("postgres"), autocommit=True) as other:
        other.execute(f"ALTER DATABASE t_{WORKER} ALLOW_CONNECTIONS false")
        try:
            answer = client.get("/api/v1/me", headers={"Authorization": "Bearer nkd_made-up"})
        finally:
            other.execute(f"ALTER DATABASE t_{WORKER} ALLOW_CONNECTIONS true")
    assert (answer.status_code, answer.json["type"]) == (503, "/problems/unavailable")
