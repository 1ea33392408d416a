"""The ledger's tables. What makes them trustworthy is in the database, so that no program can bend them:

- a transfer is a positive whole amount from one account to another, so every entry sums to zero by construction;
- an entry says beforehand how many transfers it has: none may be missing when the transaction ends (deferred
  check), none can be added later;
- nothing is ever updated, deleted or truncated; a mistake is mended by another entry;
- a cause stands in the ledger once: done twice, it breaks the constraint instead of paying twice;
- floored accounts refuse to go below zero on their own side.
"""

from datetime import date, datetime

from sqlalchemy import DDL, BigInteger, CheckConstraint, ForeignKey, Index, event
from sqlalchemy.orm import Mapped, mapped_column, relationship

from exchange.database import Base, Id


class Account(Base):
    """An account: a heading of the chart, for one organization where it is kept by partner (補助科目)."""

    __tablename__ = "ledger_account"
    __table_args__ = (
        CheckConstraint("kind IN ('asset','liability','revenue','expense','memorandum')", name="kind"),
        CheckConstraint("side IN ('debit','credit')", name="side"),
    )

    code: Mapped[str] = mapped_column(primary_key=True)
    heading: Mapped[str] = mapped_column(index=True)
    kind: Mapped[str]
    side: Mapped[str]
    floored: Mapped[bool]
    organization_id: Mapped[str | None] = mapped_column(ForeignKey("organization.id"), index=True)


class Held(Base):
    """The balance of a floored account on its own side, kept by the database from the transfers."""

    __tablename__ = "ledger_held"
    __table_args__ = (CheckConstraint("held_jpy >= 0", name="not_below_zero"),)

    account: Mapped[str] = mapped_column(ForeignKey("ledger_account.code"), primary_key=True)
    held_jpy: Mapped[int] = mapped_column(BigInteger)


class Entry(Base):
    """One deed in money: its cause, when it was booked and for which day, and its transfers."""

    __tablename__ = "ledger_entry"
    __table_args__ = (
        CheckConstraint("transfer_count > 0", name="has_transfers"),
        CheckConstraint("reverses_id IS NULL OR reverses_id <> id", name="reverses_another"),
        Index("ix_ledger_entry_booked_on", "booked_on", "id"),
    )

    id: Mapped[Id]
    at: Mapped[datetime]
    booked_on: Mapped[date]
    cause: Mapped[str] = mapped_column(unique=True)
    reference: Mapped[str] = mapped_column(index=True)
    words: Mapped[str]
    transfer_count: Mapped[int]
    reverses_id: Mapped[str | None] = mapped_column(ForeignKey("ledger_entry.id"), unique=True)
    transfers: Mapped[list["Transfer"]] = relationship(lazy="raise_on_sql", order_by="Transfer.line")


class Transfer(Base):
    """A positive amount of whole yen, credited to its source and debited to its destination."""

    __tablename__ = "ledger_transfer"
    __table_args__ = (
        CheckConstraint("amount_jpy > 0", name="amount_positive"),
        CheckConstraint("source <> destination", name="two_accounts"),
        CheckConstraint("line > 0", name="line_positive"),
        Index("ix_ledger_transfer_source", "source", "entry_id"),
        Index("ix_ledger_transfer_destination", "destination", "entry_id"),
    )

    entry_id: Mapped[str] = mapped_column(ForeignKey("ledger_entry.id"), primary_key=True)
    line: Mapped[int] = mapped_column(primary_key=True)
    amount_jpy: Mapped[int] = mapped_column(BigInteger)
    source: Mapped[str] = mapped_column(ForeignKey("ledger_account.code"))
    destination: Mapped[str] = mapped_column(ForeignKey("ledger_account.code"))


APPEND_ONLY = """
CREATE OR REPLACE FUNCTION ledger_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'the ledger is append only: % on %', TG_OP, TG_TABLE_NAME; END $$;
CREATE TRIGGER ledger_append_only BEFORE UPDATE OR DELETE ON {table}
  FOR EACH ROW EXECUTE FUNCTION ledger_append_only();
CREATE TRIGGER ledger_no_truncate BEFORE TRUNCATE ON {table}
  FOR EACH STATEMENT EXECUTE FUNCTION ledger_append_only();
"""
for model in (Account, Entry, Transfer):
    event.listen(model.__table__, "after_create", DDL(APPEND_ONLY.format(table=model.__tablename__).replace("%", "%%")))

# A floored account gets its balance row with its birth; only the trigger on transfers moves it afterwards.
HELD = """
CREATE OR REPLACE FUNCTION ledger_open_held() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.floored THEN INSERT INTO ledger_held (account, held_jpy) VALUES (NEW.code, 0); END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER ledger_open_held AFTER INSERT ON ledger_account
  FOR EACH ROW EXECUTE FUNCTION ledger_open_held();
CREATE OR REPLACE FUNCTION ledger_held_by_transfers_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF pg_trigger_depth() < 2 OR TG_OP = 'DELETE' THEN RAISE EXCEPTION 'balances follow from transfers alone'; END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER ledger_held_by_transfers_only BEFORE INSERT OR UPDATE OR DELETE ON ledger_held
  FOR EACH ROW EXECUTE FUNCTION ledger_held_by_transfers_only();
CREATE TRIGGER ledger_no_truncate BEFORE TRUNCATE ON ledger_held
  FOR EACH STATEMENT EXECUTE FUNCTION ledger_append_only();
"""
event.listen(Held.__table__, "after_create", DDL(HELD.replace("%", "%%")))

WHOLE = """
CREATE OR REPLACE FUNCTION ledger_take_transfer() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.line > (SELECT transfer_count FROM ledger_entry WHERE id = NEW.entry_id) THEN
    RAISE EXCEPTION 'ledger entry % has all its transfers', NEW.entry_id;
  END IF;
  UPDATE ledger_held SET held_jpy = held_jpy + CASE a.side WHEN 'debit' THEN NEW.amount_jpy ELSE -NEW.amount_jpy END
    FROM ledger_account a WHERE a.code = NEW.destination AND ledger_held.account = a.code;
  UPDATE ledger_held SET held_jpy = held_jpy + CASE a.side WHEN 'credit' THEN NEW.amount_jpy ELSE -NEW.amount_jpy END
    FROM ledger_account a WHERE a.code = NEW.source AND ledger_held.account = a.code;
  RETURN NULL;
END $$;
CREATE TRIGGER ledger_take_transfer AFTER INSERT ON ledger_transfer
  FOR EACH ROW EXECUTE FUNCTION ledger_take_transfer();
CREATE OR REPLACE FUNCTION ledger_entry_whole() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (SELECT count(*) FROM ledger_transfer WHERE entry_id = NEW.id) <> NEW.transfer_count THEN
    RAISE EXCEPTION 'ledger entry % does not have its % transfers', NEW.id, NEW.transfer_count;
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER ledger_entry_whole AFTER INSERT ON ledger_entry
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_entry_whole();
"""
event.listen(Transfer.__table__, "after_create", DDL(WHOLE.replace("%", "%%")))
