"""The ledger held to more than triggers: whole yen by type, the chart by check, holds, seals, sums by day."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

CHART = (
    "(heading, kind, side, floored) IN (('bank','asset','debit',false), "
    "('stripe','asset','debit',false), ('stripe-transit','asset','debit',false), "
    "('disputed','asset','debit',false), ('advances','asset','debit',true), "
    "('deposits','liability','credit',true), ('frozen','liability','credit',true), "
    "('unapplied','liability','credit',true), ('refunds','liability','credit',true), "
    "('payout-clearing','liability','credit',true), ('fees','revenue','credit',false), "
    "('transfer-charges','expense','debit',false), ('other-income','revenue','credit',false), "
    "('processing','expense','debit',false), ('processing-taxed','expense','debit',false), "
    "('losses','expense','debit',false), ('billed','memorandum','debit',true), "
    "('uncollected','memorandum','credit',true))"
)
WHOLE = "amount_jpy > 0 AND amount_jpy = trunc(amount_jpy) AND amount_jpy <= 1000000000000000"

# Append-only tables refuse every UPDATE, so what existing rows need is written with their guards aside.
BALANCES = """
DROP TRIGGER ledger_held_by_transfers_only ON ledger_held;
DROP TRIGGER ledger_no_truncate ON ledger_held;
DROP TRIGGER ledger_take_transfer ON ledger_transfer;
DROP FUNCTION ledger_take_transfer();
UPDATE ledger_held SET sign = CASE side WHEN 'debit' THEN 1 ELSE -1 END FROM ledger_account WHERE code = account;
CREATE OR REPLACE FUNCTION ledger_open_held() RETURNS trigger LANGUAGE plpgsql
  SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  IF NEW.floored THEN
    INSERT INTO ledger_held (account, sign, held_jpy) VALUES (NEW.code, CASE NEW.side WHEN 'debit' THEN 1 ELSE -1 END, 0);
  END IF;
  RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION ledger_held_by_transfers_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'balances follow from transfers alone'; END $$;
CREATE TRIGGER ledger_held_by_transfers_only BEFORE INSERT OR UPDATE ON ledger_held
  FOR EACH ROW WHEN (pg_trigger_depth() < 1) EXECUTE FUNCTION ledger_held_by_transfers_only();
CREATE TRIGGER ledger_held_stays BEFORE DELETE OR TRUNCATE ON ledger_held
  FOR EACH STATEMENT EXECUTE FUNCTION ledger_held_by_transfers_only();
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
"""
COUNTS = """
ALTER TABLE ledger_transfer DISABLE TRIGGER ledger_append_only;
UPDATE ledger_transfer t SET transfer_count = e.transfer_count FROM ledger_entry e WHERE e.id = t.entry_id;
ALTER TABLE ledger_transfer ENABLE TRIGGER ledger_append_only;
"""
SEALS = """
CREATE OR REPLACE FUNCTION ledger_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'the ledger is append only: % on %', TG_OP, TG_TABLE_NAME; END $$;
CREATE TRIGGER ledger_append_only BEFORE UPDATE OR DELETE ON ledger_seal
  FOR EACH ROW EXECUTE FUNCTION ledger_append_only();
CREATE TRIGGER ledger_no_truncate BEFORE TRUNCATE ON ledger_seal
  FOR EACH STATEMENT EXECUTE FUNCTION ledger_append_only();
INSERT INTO ledger_unsealed (entry_id) SELECT id FROM ledger_entry
"""
HOLDS = """
CREATE OR REPLACE FUNCTION ledger_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'the ledger is append only: % on %', TG_OP, TG_TABLE_NAME; END $$;
CREATE TRIGGER ledger_append_only BEFORE DELETE ON ledger_hold
  FOR EACH ROW EXECUTE FUNCTION ledger_append_only();
CREATE TRIGGER ledger_no_truncate BEFORE TRUNCATE ON ledger_hold
  FOR EACH STATEMENT EXECUTE FUNCTION ledger_append_only();
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


def upgrade() -> None:
    _accounts_and_entries()
    _transfers()
    _balances()
    _holds()
    _seals()


def _accounts_and_entries() -> None:
    op.drop_constraint("ck_ledger_account_kind", "ledger_account")
    op.drop_constraint("ck_ledger_account_side", "ledger_account")
    op.create_check_constraint(op.f("ck_ledger_account_chart"), "ledger_account", CHART)
    code = "code = heading || coalesce('/' || organization_id, '')"
    op.create_check_constraint(op.f("ck_ledger_account_code"), "ledger_account", code)
    op.drop_constraint("uq_ledger_entry_reverses_id", "ledger_entry")
    once = {"unique": True, "postgresql_where": sa.text("reverses_id IS NOT NULL")}
    op.create_index("uq_ledger_entry_reverses_id", "ledger_entry", ["reverses_id"], **once)
    op.create_unique_constraint(op.f("uq_ledger_entry_id_transfer_count"), "ledger_entry", ["id", "transfer_count"])
    op.create_index("ix_ledger_entry_at", "ledger_entry", ["at"], postgresql_using="brin")
    op.drop_index("ix_ledger_entry_reference", "ledger_entry")


def _transfers() -> None:
    op.drop_constraint("ck_ledger_transfer_amount_positive", "ledger_transfer")
    op.drop_constraint("ck_ledger_transfer_line_positive", "ledger_transfer")
    op.drop_constraint("fk_ledger_transfer_entry_id_ledger_entry", "ledger_transfer")
    op.add_column("ledger_transfer", sa.Column("transfer_count", sa.Integer()))
    op.execute(COUNTS)
    op.alter_column("ledger_transfer", "transfer_count", nullable=False)
    op.alter_column("ledger_transfer", "amount_jpy", type_=sa.Numeric())
    op.create_check_constraint(op.f("ck_ledger_transfer_amount_whole"), "ledger_transfer", WHOLE)
    op.create_check_constraint(op.f("ck_ledger_transfer_line"), "ledger_transfer", "line BETWEEN 1 AND transfer_count")
    op.create_foreign_key(
        op.f("fk_ledger_transfer_entry_id_transfer_count_ledger_entry"),
        "ledger_transfer",
        "ledger_entry",
        ["entry_id", "transfer_count"],
        ["id", "transfer_count"],
    )


def _balances() -> None:
    op.create_table(
        "ledger_unsealed",
        sa.Column("entry_id", sa.String(26), nullable=False),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_ledger_unsealed")),
    )
    op.drop_constraint("ck_ledger_held_not_below_zero", "ledger_held")
    op.add_column("ledger_held", sa.Column("sign", sa.Integer()))
    op.add_column("ledger_held", sa.Column("pending_jpy", sa.BigInteger(), nullable=False, server_default="0"))
    op.execute(BALANCES)
    op.alter_column("ledger_held", "sign", nullable=False)
    op.create_check_constraint(op.f("ck_ledger_held_not_below_zero"), "ledger_held", "held_jpy >= pending_jpy")
    op.create_check_constraint(op.f("ck_ledger_held_pending"), "ledger_held", "pending_jpy >= 0")


def _holds() -> None:
    accounts = [
        sa.ForeignKeyConstraint([side], ["ledger_account.code"], name=op.f(f"fk_ledger_hold_{side}_ledger_account"))
        for side in ("source", "destination")
    ]
    checks = {
        "amount_whole": WHOLE,
        "two_accounts": "source <> destination",
        "expires_later": "expires_at > at",
        "ended": "ended IN ('posted','voided','expired')",
        "ended_at": "(ended IS NULL) = (ended_at IS NULL)",
        "posted": "(ended IS NOT DISTINCT FROM 'posted') = (entry_id IS NOT NULL)",
        "posted_in_time": "ended <> 'posted' OR ended_at < expires_at",
        "expired_in_time": "ended <> 'expired' OR ended_at >= expires_at",
    }
    op.create_table(
        "ledger_hold",
        sa.Column("id", sa.String(26), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("words", sa.String(), nullable=False),
        sa.Column("amount_jpy", sa.Numeric(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("destination", sa.String(), nullable=False),
        sa.Column("ended", sa.String()),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("entry_id", sa.String(26)),
        sa.ForeignKeyConstraint(
            ["entry_id"],
            ["ledger_entry.id"],
            name=op.f("fk_ledger_hold_entry_id_ledger_entry"),
            deferrable=True,
            initially="DEFERRED",
        ),
        *accounts,
        *(sa.CheckConstraint(check, name=op.f(f"ck_ledger_hold_{name}")) for name, check in checks.items()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_hold")),
        sa.UniqueConstraint("cause", name=op.f("uq_ledger_hold_cause")),
        sa.UniqueConstraint("entry_id", name=op.f("uq_ledger_hold_entry_id")),
    )
    op.create_index(op.f("ix_ledger_hold_reference"), "ledger_hold", ["reference"])
    waiting = {"postgresql_where": sa.text("ended IS NULL")}
    op.create_index("ix_ledger_hold_waiting", "ledger_hold", ["expires_at"], **waiting)
    op.execute(HOLDS)


def _seals() -> None:
    op.create_table(
        "ledger_seal",
        sa.Column("place", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("entry_id", sa.String(26), nullable=False),
        sa.Column("seal", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["ledger_entry.id"], name=op.f("fk_ledger_seal_entry_id_ledger_entry")),
        sa.PrimaryKeyConstraint("place", name=op.f("pk_ledger_seal")),
        sa.UniqueConstraint("entry_id", name=op.f("uq_ledger_seal_entry_id")),
    )
    op.create_table(
        "ledger_day",
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("booked_on", sa.Date(), nullable=False),
        sa.Column("recorded_on", sa.Date(), nullable=False),
        sa.Column("debit_jpy", sa.BigInteger(), nullable=False),
        sa.Column("credit_jpy", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account"], ["ledger_account.code"], name=op.f("fk_ledger_day_account_ledger_account")
        ),
        sa.PrimaryKeyConstraint("account", "booked_on", "recorded_on", name=op.f("pk_ledger_day")),
    )
    op.execute(SEALS)
