"""The ledger's tables. What makes them trustworthy is in the database, so that no program can bend them:

- a transfer is a positive whole amount from one account to another, so every entry sums to zero by construction;
- an entry says beforehand how many transfers it has: none may be missing when the transaction ends (deferred
  check), none can be added later; one that reverses another is its exact mirror, once;
- nothing is ever updated, deleted or truncated; a mistake is mended by another entry;
- a cause stands in the ledger once: done twice, it breaks the constraint instead of paying twice;
- floored accounts refuse to go below zero on their own side, less what is on hold;
- an account is what the chart says its heading is: nobody opens one without its floor;
- a hold ends once: posted up to its amount before it expires, voided, or expired.

Balances of floored accounts, and the places that wait for a seal, are written by functions that run as the tables'
owner: the role an application connects as needs no right to change them (`docs/decisions/ledger-in-the-database.md`).
"""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    DDL,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Numeric,
    UniqueConstraint,
    event,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship
from sqlalchemy.types import TypeDecorator

from exchange.database import Base, Id
from settlement import rules

MOST_JPY = 10**15


class WholeYen(TypeDecorator[int]):
    """Whole yen in a numeric column, so that the database sees half a yen and refuses it: a bigint would round it."""

    impl = Numeric
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> int | None:
        if value is not None and type(value) is not int:
            raise ValueError("an amount is whole yen")
        return value

    def process_result_value(self, value: Decimal | None, dialect: Any) -> int | None:
        return None if value is None else int(value)


def _whole(column: str) -> str:
    # The upper bound also keeps NaN and Infinity out, which PostgreSQL takes for greater than any number.
    return f"{column} > 0 AND {column} = trunc({column}) AND {column} <= {MOST_JPY}"


def _as_the_chart_says() -> str:
    rows = (f"('{key}','{h.kind}','{h.side}',{str(h.floored).lower()})" for key, h in rules.CHART.items())
    return f"(heading, kind, side, floored) IN ({', '.join(rows)})"


class Account(Base):
    """An account: a heading of the chart, for one organization where it is kept by partner (補助科目)."""

    __tablename__ = "ledger_account"
    __table_args__ = (
        CheckConstraint(_as_the_chart_says(), name="chart"),
        CheckConstraint("code = heading || coalesce('/' || organization_id, '')", name="code"),
    )

    code: Mapped[str] = mapped_column(primary_key=True)
    heading: Mapped[str] = mapped_column(index=True)
    kind: Mapped[str]
    side: Mapped[str]
    floored: Mapped[bool]
    organization_id: Mapped[str | None] = mapped_column(ForeignKey("organization.id"), index=True)


class Held(Base):
    """The balance of a floored account on its own side, and what of it is on hold; kept by the database."""

    __tablename__ = "ledger_held"
    __table_args__ = (
        CheckConstraint("held_jpy >= pending_jpy", name="not_below_zero"),
        CheckConstraint("pending_jpy >= 0", name="pending"),
    )

    account: Mapped[str] = mapped_column(ForeignKey("ledger_account.code"), primary_key=True)
    sign: Mapped[int]  # 1 where debits add to the balance, -1 where credits do
    held_jpy: Mapped[int] = mapped_column(BigInteger)
    pending_jpy: Mapped[int] = mapped_column(BigInteger, server_default="0")


class Entry(Base):
    """One deed in money: its cause, when it was booked and for which day, and its transfers."""

    __tablename__ = "ledger_entry"
    __table_args__ = (
        CheckConstraint("transfer_count > 0", name="has_transfers"),
        CheckConstraint("reverses_id IS NULL OR reverses_id <> id", name="reverses_another"),
        UniqueConstraint("id", "transfer_count"),
        Index("uq_ledger_entry_reverses_id", "reverses_id", unique=True, postgresql_where="reverses_id IS NOT NULL"),
        Index("ix_ledger_entry_booked_on", "booked_on", "id"),
        Index("ix_ledger_entry_at", "at", postgresql_using="brin"),
    )

    id: Mapped[Id]
    at: Mapped[datetime]
    booked_on: Mapped[date]
    cause: Mapped[str] = mapped_column(unique=True)
    reference: Mapped[str]
    words: Mapped[str]
    transfer_count: Mapped[int]
    reverses_id: Mapped[str | None] = mapped_column(ForeignKey("ledger_entry.id"))
    transfers: Mapped[list["Transfer"]] = relationship(lazy="raise_on_sql", order_by="Transfer.line")


class Transfer(Base):
    """A positive amount of whole yen, credited to its source and debited to its destination."""

    __tablename__ = "ledger_transfer"
    __table_args__ = (
        CheckConstraint(_whole("amount_jpy"), name="amount_whole"),
        CheckConstraint("source <> destination", name="two_accounts"),
        CheckConstraint("line BETWEEN 1 AND transfer_count", name="line"),
        ForeignKeyConstraint(["entry_id", "transfer_count"], ["ledger_entry.id", "ledger_entry.transfer_count"]),
        Index("ix_ledger_transfer_source", "source", "entry_id"),
        Index("ix_ledger_transfer_destination", "destination", "entry_id"),
    )

    entry_id: Mapped[str] = mapped_column(primary_key=True)
    line: Mapped[int] = mapped_column(primary_key=True)
    transfer_count: Mapped[int]  # line 2 of 3; the key above holds it to what the entry says
    amount_jpy: Mapped[int] = mapped_column(WholeYen)
    source: Mapped[str] = mapped_column(ForeignKey("ledger_account.code"))
    destination: Mapped[str] = mapped_column(ForeignKey("ledger_account.code"))


class Hold(Base):
    """An amount set aside for a transfer that may follow; while it waits, floored accounts count it as gone.

    waiting ──post, up to the amount, before it expires──> posted
       ├──void──> voided
       └──its time is over──> expired
    """

    __tablename__ = "ledger_hold"
    __table_args__ = (
        CheckConstraint(_whole("amount_jpy"), name="amount_whole"),
        CheckConstraint("source <> destination", name="two_accounts"),
        CheckConstraint("expires_at > at", name="expires_later"),
        CheckConstraint("ended IN ('posted','voided','expired')", name="ended"),
        CheckConstraint("(ended IS NULL) = (ended_at IS NULL)", name="ended_at"),
        CheckConstraint("(ended IS NOT DISTINCT FROM 'posted') = (entry_id IS NOT NULL)", name="posted"),
        CheckConstraint("ended <> 'posted' OR ended_at < expires_at", name="posted_in_time"),
        CheckConstraint("ended <> 'expired' OR ended_at >= expires_at", name="expired_in_time"),
        Index("ix_ledger_hold_waiting", "expires_at", postgresql_where="ended IS NULL"),
    )

    id: Mapped[Id]
    at: Mapped[datetime]
    expires_at: Mapped[datetime]
    cause: Mapped[str] = mapped_column(unique=True)
    reference: Mapped[str] = mapped_column(index=True)
    words: Mapped[str]
    amount_jpy: Mapped[int] = mapped_column(WholeYen)
    source: Mapped[str] = mapped_column(ForeignKey("ledger_account.code"))
    destination: Mapped[str] = mapped_column(ForeignKey("ledger_account.code"))
    ended: Mapped[str | None]
    ended_at: Mapped[datetime | None]
    # Deferred: the hold is released first, so that its own amount is there to be posted, and the entry follows.
    entry_id: Mapped[str | None] = mapped_column(
        ForeignKey("ledger_entry.id", deferrable=True, initially="DEFERRED"), unique=True
    )


class Unsealed(Base):
    """Entries that wait for the sealing job, put here by the database with their transfers; soon gone."""

    __tablename__ = "ledger_unsealed"

    entry_id: Mapped[Id]


class DaySum(Base):
    """What moved on an account in all sealed entries of one booking day that were booked on one day.

    So that balances of any time are a few rows, whatever has been booked. Added up by the sealing job; proven with
    the chain.
    """

    __tablename__ = "ledger_day"

    account: Mapped[str] = mapped_column(ForeignKey("ledger_account.code"), primary_key=True)
    booked_on: Mapped[date] = mapped_column(primary_key=True)
    recorded_on: Mapped[date] = mapped_column(primary_key=True)  # the day of `at` in Japan
    debit_jpy: Mapped[int] = mapped_column(BigInteger)
    credit_jpy: Mapped[int] = mapped_column(BigInteger)


class Seal(Base):
    """The place of an entry in the hash chain."""

    __tablename__ = "ledger_seal"

    place: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    entry_id: Mapped[str] = mapped_column(ForeignKey("ledger_entry.id"), unique=True)
    seal: Mapped[str]


def _after_create(table: Any, statements: str) -> None:
    event.listen(table, "after_create", DDL(statements.replace("%", "%%")))


APPEND_ONLY = """
CREATE OR REPLACE FUNCTION ledger_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'the ledger is append only: % on %', TG_OP, TG_TABLE_NAME; END $$;
CREATE TRIGGER ledger_append_only BEFORE {deeds} ON {table}
  FOR EACH ROW EXECUTE FUNCTION ledger_append_only();
CREATE TRIGGER ledger_no_truncate BEFORE TRUNCATE ON {table}
  FOR EACH STATEMENT EXECUTE FUNCTION ledger_append_only();
"""
for model in (Account, Entry, Transfer, Seal):
    _after_create(model.__table__, APPEND_ONLY.format(deeds="UPDATE OR DELETE", table=model.__tablename__))
_after_create(Hold.__table__, APPEND_ONLY.format(deeds="DELETE", table=Hold.__tablename__))

# A floored account gets its balance row with its birth; only the triggers on transfers and holds move it afterwards.
HELD = """
CREATE OR REPLACE FUNCTION ledger_open_held() RETURNS trigger LANGUAGE plpgsql
  SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  IF NEW.floored THEN
    INSERT INTO ledger_held (account, sign, held_jpy) VALUES (NEW.code, CASE NEW.side WHEN 'debit' THEN 1 ELSE -1 END, 0);
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER ledger_open_held AFTER INSERT ON ledger_account
  FOR EACH ROW EXECUTE FUNCTION ledger_open_held();
CREATE OR REPLACE FUNCTION ledger_held_by_transfers_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'balances follow from transfers alone'; END $$;
CREATE TRIGGER ledger_held_by_transfers_only BEFORE INSERT OR UPDATE ON ledger_held
  FOR EACH ROW WHEN (pg_trigger_depth() < 1) EXECUTE FUNCTION ledger_held_by_transfers_only();
CREATE TRIGGER ledger_held_stays BEFORE DELETE OR TRUNCATE ON ledger_held
  FOR EACH STATEMENT EXECUTE FUNCTION ledger_held_by_transfers_only();
"""
_after_create(Held.__table__, HELD)

# What posts a hold touches its account first and those of the entry after: it locks all of them in their order before.
LOCK_HELD = """
CREATE OR REPLACE FUNCTION ledger_lock_held(codes text[]) RETURNS void LANGUAGE plpgsql
  SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN PERFORM 1 FROM ledger_held WHERE account = ANY(codes) ORDER BY account FOR UPDATE; END $$;
"""
_after_create(Held.__table__, LOCK_HELD)

# Once a statement, not once a row; accounts in one order, so that two entries never wait for each other in a ring.
WHOLE = """
CREATE OR REPLACE FUNCTION ledger_take_transfers() RETURNS trigger LANGUAGE plpgsql
  SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE step record;
BEGIN
  FOR step IN SELECT code, sum(debit_jpy) AS debit_jpy FROM (
      SELECT destination AS code, amount_jpy AS debit_jpy FROM added
      UNION ALL SELECT source, -amount_jpy FROM added) moved GROUP BY code ORDER BY code
  LOOP
    UPDATE ledger_held SET held_jpy = held_jpy + sign * step.debit_jpy WHERE account = step.code;
  END LOOP;
  INSERT INTO ledger_unsealed (entry_id) SELECT entry_id FROM added WHERE line = 1;
  RETURN NULL;
END $$;
CREATE TRIGGER ledger_take_transfers AFTER INSERT ON ledger_transfer REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION ledger_take_transfers();
CREATE OR REPLACE FUNCTION ledger_entry_whole() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (SELECT count(*) FROM ledger_transfer WHERE entry_id = NEW.id) <> NEW.transfer_count THEN
    RAISE EXCEPTION 'ledger entry % does not have its % transfers', NEW.id, NEW.transfer_count;
  END IF;
  IF NEW.reverses_id IS NOT NULL AND (
      NEW.transfer_count <> (SELECT transfer_count FROM ledger_entry WHERE id = NEW.reverses_id) OR EXISTS (
        SELECT source, destination, amount_jpy FROM ledger_transfer WHERE entry_id = NEW.id
        EXCEPT ALL
        SELECT destination, source, amount_jpy FROM ledger_transfer WHERE entry_id = NEW.reverses_id)) THEN
    RAISE EXCEPTION 'ledger entry % is not the mirror of %', NEW.id, NEW.reverses_id;
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER ledger_entry_whole AFTER INSERT ON ledger_entry
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_entry_whole();
"""
_after_create(Transfer.__table__, WHOLE)

HOLDS = """
CREATE OR REPLACE FUNCTION ledger_hold_ends_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.ended IS NOT NULL OR NEW.ended IS NULL OR (to_jsonb(OLD) - '{ended,ended_at,entry_id}'::text[])
     <> (to_jsonb(NEW) - '{ended,ended_at,entry_id}'::text[]) THEN
    RAISE EXCEPTION 'the ledger is append only: a hold ends once and does not change';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER ledger_hold_ends_once BEFORE UPDATE ON ledger_hold
  FOR EACH ROW EXECUTE FUNCTION ledger_hold_ends_once();
CREATE OR REPLACE FUNCTION ledger_hold_begins() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.ended IS NOT NULL THEN RAISE EXCEPTION 'a hold begins before it ends'; END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER ledger_hold_begins BEFORE INSERT ON ledger_hold
  FOR EACH ROW EXECUTE FUNCTION ledger_hold_begins();
CREATE OR REPLACE FUNCTION ledger_take_hold() RETURNS trigger LANGUAGE plpgsql
  SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE step record; change numeric := CASE TG_OP WHEN 'INSERT' THEN NEW.amount_jpy ELSE -NEW.amount_jpy END;
BEGIN
  FOR step IN SELECT account FROM ledger_held
    WHERE account = NEW.source AND sign > 0 OR account = NEW.destination AND sign < 0 ORDER BY account
  LOOP
    UPDATE ledger_held SET pending_jpy = pending_jpy + change WHERE account = step.account;
  END LOOP;
  RETURN NULL;
END $$;
CREATE TRIGGER ledger_take_hold AFTER INSERT OR UPDATE ON ledger_hold
  FOR EACH ROW EXECUTE FUNCTION ledger_take_hold();
CREATE OR REPLACE FUNCTION ledger_hold_posted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.entry_id IS NOT NULL AND NOT EXISTS (
      SELECT FROM ledger_entry e JOIN ledger_transfer t ON t.entry_id = e.id AND t.line = 1
      WHERE e.id = NEW.entry_id AND e.cause = 'hold/' || NEW.id || '/posted'
      AND t.source = NEW.source AND t.destination = NEW.destination AND t.amount_jpy <= NEW.amount_jpy) THEN
    RAISE EXCEPTION 'ledger entry % does not post hold %', NEW.entry_id, NEW.id;
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER ledger_hold_posted AFTER UPDATE ON ledger_hold
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_hold_posted();
"""
_after_create(Hold.__table__, HOLDS)
