"""Everything the main job stands on: the first shape of the database."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None

AFTER_AUDIT_ENTRY_0 = r"""
CREATE OR REPLACE FUNCTION audit_entry_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND OLD.seal IS NULL AND (to_jsonb(OLD) - 'seal' - 'place') = (to_jsonb(NEW) - 'seal' - 'place') THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'the audit log is append only';
END $$;
CREATE TRIGGER audit_entry_append_only BEFORE UPDATE OR DELETE ON audit_entry
  FOR EACH ROW EXECUTE FUNCTION audit_entry_append_only();
"""

AFTER_DELIVERY_COVERAGE_1 = r"""
CREATE OR REPLACE AGGREGATE covered_so_far(int8multirange)
  (SFUNC = multirange_union, STYPE = int8multirange, INITCOND = '{}');
CREATE OR REPLACE FUNCTION covered_bytes(int8multirange) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
  $$ SELECT coalesce(sum(upper(piece) - lower(piece)), 0)::bigint FROM unnest($1) AS piece $$;
"""

AFTER_LEDGER_ENTRY_2 = r"""
CREATE OR REPLACE FUNCTION ledger_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'the ledger is append only: % on %', TG_OP, TG_TABLE_NAME; END $$;
CREATE TRIGGER ledger_append_only BEFORE UPDATE OR DELETE ON ledger_entry
  FOR EACH ROW EXECUTE FUNCTION ledger_append_only();
CREATE TRIGGER ledger_no_truncate BEFORE TRUNCATE ON ledger_entry
  FOR EACH STATEMENT EXECUTE FUNCTION ledger_append_only();
"""

AFTER_TASK_3 = r"""
CREATE OR REPLACE FUNCTION task_announce() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN PERFORM pg_notify('task', NEW.kind); RETURN NULL; END $$;
CREATE TRIGGER task_announce AFTER INSERT ON task FOR EACH ROW EXECUTE FUNCTION task_announce();
"""

AFTER_LEDGER_ACCOUNT_4 = r"""
CREATE OR REPLACE FUNCTION ledger_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'the ledger is append only: % on %', TG_OP, TG_TABLE_NAME; END $$;
CREATE TRIGGER ledger_append_only BEFORE UPDATE OR DELETE ON ledger_account
  FOR EACH ROW EXECUTE FUNCTION ledger_append_only();
CREATE TRIGGER ledger_no_truncate BEFORE TRUNCATE ON ledger_account
  FOR EACH STATEMENT EXECUTE FUNCTION ledger_append_only();
"""

AFTER_LEDGER_HELD_5 = r"""
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

AFTER_LEDGER_TRANSFER_6 = r"""
CREATE OR REPLACE FUNCTION ledger_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'the ledger is append only: % on %', TG_OP, TG_TABLE_NAME; END $$;
CREATE TRIGGER ledger_append_only BEFORE UPDATE OR DELETE ON ledger_transfer
  FOR EACH ROW EXECUTE FUNCTION ledger_append_only();
CREATE TRIGGER ledger_no_truncate BEFORE TRUNCATE ON ledger_transfer
  FOR EACH STATEMENT EXECUTE FUNCTION ledger_append_only();
"""

AFTER_LEDGER_TRANSFER_7 = r"""
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

AFTER_FILE_8 = r"""
CREATE OR REPLACE FUNCTION file_immutable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (SELECT state FROM release WHERE id = OLD.release_id) = 'published' AND (
    TG_OP = 'DELETE' OR (NEW.sha256, NEW.size, NEW.name, NEW.release_id, NEW.removed_at, NEW.parquet_sha256)
      IS DISTINCT FROM (OLD.sha256, OLD.size, OLD.name, OLD.release_id, OLD.removed_at, OLD.parquet_sha256)
  ) THEN
    RAISE EXCEPTION 'files of a published release never change';
  END IF;
  RETURN COALESCE(NEW, OLD);
END $$;
CREATE TRIGGER file_immutable BEFORE UPDATE OR DELETE ON file FOR EACH ROW EXECUTE FUNCTION file_immutable();
"""

AFTER_ACCEPTANCE_9 = r"""
CREATE OR REPLACE FUNCTION contract_evidence_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'rows of % are evidence and are not changed', TG_TABLE_NAME; END $$;
CREATE TRIGGER acceptance_kept BEFORE UPDATE OR DELETE ON acceptance
  FOR EACH ROW EXECUTE FUNCTION contract_evidence_kept();
"""

AFTER_CONTRACT_EVENT_10 = r"""
CREATE OR REPLACE FUNCTION contract_evidence_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'rows of % are evidence and are not changed', TG_TABLE_NAME; END $$;
CREATE TRIGGER contract_event_kept BEFORE UPDATE OR DELETE ON contract_event
  FOR EACH ROW EXECUTE FUNCTION contract_evidence_kept();
"""

AFTER_CONTRACT_ROUND_11 = r"""
CREATE OR REPLACE FUNCTION contract_evidence_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'rows of % are evidence and are not changed', TG_TABLE_NAME; END $$;
CREATE TRIGGER contract_round_kept BEFORE UPDATE OR DELETE ON contract_round
  FOR EACH ROW EXECUTE FUNCTION contract_evidence_kept();
"""

AFTER_DELIVERY_GRANT_12 = r"""
CREATE OR REPLACE FUNCTION delivery_evidence_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'rows of % are evidence and are not changed', TG_TABLE_NAME; END $$;
CREATE TRIGGER delivery_grant_kept BEFORE UPDATE OR DELETE ON delivery_grant
  FOR EACH ROW EXECUTE FUNCTION delivery_evidence_kept();
"""

AFTER_INVOICE_13 = r"""
CREATE OR REPLACE FUNCTION invoice_as_issued() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND (to_jsonb(OLD) - '{state,paid_jpy,refunded_jpy,credited_jpy,fee_taken_jpy,paid_at,document_key,document_sha256}'::text[]) = (to_jsonb(NEW) - '{state,paid_jpy,refunded_jpy,credited_jpy,fee_taken_jpy,paid_at,document_key,document_sha256}'::text[])
     AND (OLD.document_sha256 IS NULL OR OLD.document_sha256 = NEW.document_sha256) THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'what was issued does not change: % on %', TG_OP, TG_TABLE_NAME;
END $$;
CREATE TRIGGER invoice_as_issued BEFORE UPDATE OR DELETE ON invoice
  FOR EACH ROW EXECUTE FUNCTION invoice_as_issued();
"""

AFTER_SEALED_DOCUMENT_14 = r"""
CREATE OR REPLACE FUNCTION contract_evidence_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'rows of % are evidence and are not changed', TG_TABLE_NAME; END $$;
CREATE TRIGGER sealed_document_kept BEFORE UPDATE OR DELETE ON sealed_document
  FOR EACH ROW EXECUTE FUNCTION contract_evidence_kept();
"""

AFTER_APPROVAL_15 = r"""
CREATE OR REPLACE FUNCTION contract_evidence_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'rows of % are evidence and are not changed', TG_TABLE_NAME; END $$;
CREATE TRIGGER approval_kept BEFORE UPDATE OR DELETE ON approval
  FOR EACH ROW EXECUTE FUNCTION contract_evidence_kept();
"""

AFTER_CREDIT_NOTE_16 = r"""
CREATE OR REPLACE FUNCTION credit_note_as_issued() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND (to_jsonb(OLD) - '{repaid_at,document_key,document_sha256}'::text[]) = (to_jsonb(NEW) - '{repaid_at,document_key,document_sha256}'::text[])
     AND (OLD.document_sha256 IS NULL OR OLD.document_sha256 = NEW.document_sha256) THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'what was issued does not change: % on %', TG_OP, TG_TABLE_NAME;
END $$;
CREATE TRIGGER credit_note_as_issued BEFORE UPDATE OR DELETE ON credit_note
  FOR EACH ROW EXECUTE FUNCTION credit_note_as_issued();
"""

AFTER_INVOICE_LINE_17 = r"""
CREATE OR REPLACE FUNCTION invoice_line_fixed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'lines of an invoice do not change'; END $$;
CREATE TRIGGER invoice_line_fixed BEFORE UPDATE OR DELETE ON invoice_line
  FOR EACH ROW EXECUTE FUNCTION invoice_line_fixed();
"""

AFTER_RECEIPT_APPLICATION_18 = r"""
CREATE OR REPLACE FUNCTION receipt_application_fixed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'what was applied stays applied; a credit note corrects it'; END $$;
CREATE TRIGGER receipt_application_fixed BEFORE UPDATE OR DELETE ON receipt_application
  FOR EACH ROW EXECUTE FUNCTION receipt_application_fixed();
"""

AFTER_REQUEST_LINE_19 = r"""
CREATE OR REPLACE FUNCTION delivery_evidence_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'rows of % are evidence and are not changed', TG_TABLE_NAME; END $$;
CREATE TRIGGER request_line_kept BEFORE UPDATE OR DELETE ON request_line
  FOR EACH ROW EXECUTE FUNCTION delivery_evidence_kept();
"""


def upgrade() -> None:
    op.execute("CREATE SEQUENCE payment_reference_number START WITH 10000001")
    op.create_table(
        "allowance",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("window", sa.BigInteger(), nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_allowance")),
        prefixes=["UNLOGGED"],
    )
    op.create_table(
        "audit_entry",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deed", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=True),
        sa.Column("organization_id", sa.String(), nullable=True),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("detail", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("place", sa.BigInteger(), nullable=True),
        sa.Column("seal", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entry")),
        sa.UniqueConstraint("place", name=op.f("uq_audit_entry_place")),
    )
    op.create_index(op.f("ix_audit_entry_organization_id"), "audit_entry", ["organization_id"], unique=False)
    op.create_index(op.f("ix_audit_entry_subject"), "audit_entry", ["subject"], unique=False)
    op.create_index("ix_audit_entry_unsealed", "audit_entry", ["id"], unique=False, postgresql_where="seal IS NULL")
    op.create_table(
        "contract_number",
        sa.Column("year", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("year", name=op.f("pk_contract_number")),
    )
    op.create_table(
        "delivery_coverage",
        sa.Column("pool", sa.String(), nullable=False),
        sa.Column("covered", postgresql.INT8MULTIRANGE(), nullable=False),
        sa.PrimaryKeyConstraint("pool", name=op.f("pk_delivery_coverage")),
    )
    op.create_table(
        "idempotency_key",
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("body_digest", sa.String(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("body", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("scope", "key", name=op.f("pk_idempotency_key")),
    )
    op.create_index(op.f("ix_idempotency_key_created_at"), "idempotency_key", ["created_at"], unique=False)
    op.create_table(
        "job_run",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("succeeded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("milliseconds", sa.Integer(), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_job_run")),
    )
    op.create_table(
        "ledger_entry",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("booked_on", sa.Date(), nullable=False),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("words", sa.String(), nullable=False),
        sa.Column("transfer_count", sa.Integer(), nullable=False),
        sa.Column("reverses_id", sa.String(length=26), nullable=True),
        sa.CheckConstraint("reverses_id IS NULL OR reverses_id <> id", name=op.f("ck_ledger_entry_reverses_another")),
        sa.CheckConstraint("transfer_count > 0", name=op.f("ck_ledger_entry_has_transfers")),
        sa.ForeignKeyConstraint(
            ["reverses_id"], ["ledger_entry.id"], name=op.f("fk_ledger_entry_reverses_id_ledger_entry")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_entry")),
        sa.UniqueConstraint("cause", name=op.f("uq_ledger_entry_cause")),
        sa.UniqueConstraint("reverses_id", name=op.f("uq_ledger_entry_reverses_id")),
    )
    op.create_index("ix_ledger_entry_booked_on", "ledger_entry", ["booked_on", "id"], unique=False)
    op.create_index(op.f("ix_ledger_entry_reference"), "ledger_entry", ["reference"], unique=False)
    op.create_table(
        "letter",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("to", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_letter")),
    )
    op.create_index("ix_letter_waiting", "letter", ["due_at"], unique=False, postgresql_where="sent_at IS NULL")
    op.create_table(
        "log_file",
        sa.Column("first_line", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("offset", sa.BigInteger(), nullable=False),
        sa.Column("lines", sa.BigInteger(), nullable=False),
        sa.Column("counted", sa.BigInteger(), nullable=False),
        sa.Column("duplicates", sa.BigInteger(), nullable=False),
        sa.Column("set_aside", sa.BigInteger(), nullable=False),
        sa.Column("newest_line_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("behind", sa.Boolean(), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("first_line", name=op.f("pk_log_file")),
    )
    op.create_table(
        "log_set_aside",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("file", sa.String(), nullable=False),
        sa.Column("line", sa.String(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_log_set_aside")),
    )
    op.create_table(
        "organization",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("name_en", sa.String(), nullable=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("corporate_number", sa.String(), nullable=True),
        sa.Column("municipality_code", sa.String(), nullable=True),
        sa.Column("registration_number", sa.String(), nullable=True),
        sa.Column("registration_valid_from", sa.Date(), nullable=True),
        sa.Column("registration_valid_until", sa.Date(), nullable=True),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("representative", sa.String(), nullable=False),
        sa.Column("area_code", sa.String(), nullable=True),
        sa.Column("bank_account", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("verified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("introduction", sa.String(), nullable=False),
        sa.CheckConstraint(
            "kind <> 'municipality' OR municipality_code IS NOT NULL", name=op.f("ck_organization_municipality_code")
        ),
        sa.CheckConstraint(
            "kind IN ('company','municipality','npo','university','operator')", name=op.f("ck_organization_kind")
        ),
        sa.CheckConstraint("state IN ('pending','verified','suspended')", name=op.f("ck_organization_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organization")),
    )
    op.create_index(
        "uq_organization_corporate_number",
        "organization",
        ["corporate_number"],
        unique=True,
        postgresql_where="state <> 'pending'",
    )
    op.create_table(
        "payout_batch",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("transfer_on", sa.Date(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_by", sa.String(), nullable=True),
        sa.Column("payout_count", sa.Integer(), nullable=False),
        sa.Column("total_jpy", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payout_batch")),
    )
    op.create_table(
        "period",
        sa.Column("month", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("requested_by", sa.String(), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("month ~ '^[0-9]{4}-(0[1-9]|1[0-2])$'", name=op.f("ck_period_month")),
        sa.CheckConstraint("state IN ('closing','closed')", name=op.f("ck_period_state")),
        sa.PrimaryKeyConstraint("month", name=op.f("pk_period")),
    )
    op.create_table(
        "receipt",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("received_on", sa.Date(), nullable=False),
        sa.Column("payer", sa.String(), nullable=False),
        sa.Column("amount_jpy", sa.BigInteger(), nullable=False),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("unapplied_jpy", sa.BigInteger(), nullable=False),
        sa.Column("returned_jpy", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.String(), nullable=True),
        sa.CheckConstraint("amount_jpy > 0", name=op.f("ck_receipt_amount_positive")),
        sa.CheckConstraint("unapplied_jpy BETWEEN 0 AND amount_jpy", name=op.f("ck_receipt_unapplied")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_receipt")),
        sa.UniqueConstraint("fingerprint", name=op.f("uq_receipt_fingerprint")),
    )
    op.create_index("ix_receipt_unapplied", "receipt", ["id"], unique=False, postgresql_where="unapplied_jpy > 0")
    op.create_table(
        "settings_version",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(), nullable=True),
        sa.Column("values", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_settings_version")),
    )
    op.create_table(
        "sign_in_failure",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in_failure")),
    )
    op.create_index("ix_sign_in_failure_address_at", "sign_in_failure", ["address", "at"], unique=False)
    op.create_index("ix_sign_in_failure_email_at", "sign_in_failure", ["email", "at"], unique=False)
    op.create_table(
        "task",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=True),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task")),
    )
    op.create_index(
        "ix_task_waiting", "task", ["due_at"], unique=False, postgresql_where="done_at IS NULL AND failed_at IS NULL"
    )
    op.create_index(
        "uq_task_key", "task", ["key"], unique=True, postgresql_where="done_at IS NULL AND failed_at IS NULL"
    )
    op.create_table(
        "invoice_counter",
        sa.Column("issuer_id", sa.String(length=26), nullable=False),
        sa.Column("series", sa.String(), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["issuer_id"], ["organization.id"], name=op.f("fk_invoice_counter_issuer_id_organization")
        ),
        sa.PrimaryKeyConstraint("issuer_id", "series", name=op.f("pk_invoice_counter")),
    )
    op.create_table(
        "ledger_account",
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("heading", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("side", sa.String(), nullable=False),
        sa.Column("floored", sa.Boolean(), nullable=False),
        sa.Column("organization_id", sa.String(length=26), nullable=True),
        sa.CheckConstraint(
            "kind IN ('asset','liability','revenue','expense','memorandum')", name=op.f("ck_ledger_account_kind")
        ),
        sa.CheckConstraint("side IN ('debit','credit')", name=op.f("ck_ledger_account_side")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_ledger_account_organization_id_organization")
        ),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_ledger_account")),
    )
    op.create_index(op.f("ix_ledger_account_heading"), "ledger_account", ["heading"], unique=False)
    op.create_index(op.f("ix_ledger_account_organization_id"), "ledger_account", ["organization_id"], unique=False)
    op.create_table(
        "member",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("department", sa.String(), nullable=False),
        sa.Column("organization_id", sa.String(length=26), nullable=False),
        sa.Column("roles", postgresql.ARRAY(sa.String()), nullable=False),
        sa.Column("may_bind", sa.Boolean(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("password_hash", sa.String(), nullable=True),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("session_stamp", sa.String(), nullable=False),
        sa.Column("totp_secret", sa.String(), nullable=True),
        sa.Column("totp_confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("totp_last_step", sa.BigInteger(), nullable=True),
        sa.Column("recovery_hashes", postgresql.ARRAY(sa.String()), nullable=False),
        sa.Column("second_factor_exempt", sa.Boolean(), nullable=False),
        sa.Column("terms_accepted", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "NOT second_factor_exempt OR split_part(email, '@', 2) = 'demo.exchange.example'",
            name=op.f("ck_member_exempt_in_demo"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_member_organization_id_organization")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_member")),
    )
    op.create_index(op.f("ix_member_organization_id"), "member", ["organization_id"], unique=False)
    op.create_index(
        "uq_member_email",
        "member",
        [sa.literal_column("lower(email)")],
        unique=True,
        postgresql_where="removed_at IS NULL",
    )
    op.create_table(
        "payout",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("provider_id", sa.String(length=26), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("gross_jpy", sa.BigInteger(), nullable=False),
        sa.Column("fee_jpy", sa.BigInteger(), nullable=False),
        sa.Column("amount_jpy", sa.BigInteger(), nullable=False),
        sa.Column("batch_id", sa.String(length=26), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(state = 'due') = (batch_id IS NULL)", name=op.f("ck_payout_batched")),
        sa.CheckConstraint("state = 'due' OR amount_jpy > 0", name=op.f("ck_payout_amount")),
        sa.CheckConstraint("state IN ('due','batched','sent')", name=op.f("ck_payout_state")),
        sa.CheckConstraint("amount_jpy = gross_jpy - fee_jpy", name=op.f("ck_payout_made_up")),
        sa.ForeignKeyConstraint(["batch_id"], ["payout_batch.id"], name=op.f("fk_payout_batch_id_payout_batch")),
        sa.ForeignKeyConstraint(["provider_id"], ["organization.id"], name=op.f("fk_payout_provider_id_organization")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payout")),
    )
    op.create_index(op.f("ix_payout_batch_id"), "payout", ["batch_id"], unique=False)
    op.create_index(op.f("ix_payout_provider_id"), "payout", ["provider_id"], unique=False)
    op.create_index("uq_payout_due", "payout", ["provider_id"], unique=True, postgresql_where="state = 'due'")
    op.create_table(
        "api_token",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("member_id", sa.String(length=26), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_api_token_member_id_member")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_token")),
        sa.UniqueConstraint("digest", name=op.f("uq_api_token_digest")),
    )
    op.create_index(op.f("ix_api_token_member_id"), "api_token", ["member_id"], unique=False)
    op.create_table(
        "inquiry",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("organization_name", sa.String(), nullable=False),
        sa.Column("about", sa.String(), nullable=False),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("member_id", sa.String(length=26), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answer", sa.String(), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_by", sa.String(length=26), nullable=True),
        sa.CheckConstraint("state IN ('received','investigating','answered','closed')", name=op.f("ck_inquiry_state")),
        sa.ForeignKeyConstraint(["answered_by"], ["member.id"], name=op.f("fk_inquiry_answered_by_member")),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_inquiry_member_id_member")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inquiry")),
        sa.UniqueConstraint("reference", name=op.f("uq_inquiry_reference")),
    )
    op.create_index(
        "ix_inquiry_open", "inquiry", ["id"], unique=False, postgresql_where="state IN ('received','investigating')"
    )
    op.create_table(
        "ledger_held",
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("held_jpy", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("held_jpy >= 0", name=op.f("ck_ledger_held_not_below_zero")),
        sa.ForeignKeyConstraint(
            ["account"], ["ledger_account.code"], name=op.f("fk_ledger_held_account_ledger_account")
        ),
        sa.PrimaryKeyConstraint("account", name=op.f("pk_ledger_held")),
    )
    op.create_table(
        "ledger_transfer",
        sa.Column("entry_id", sa.String(length=26), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("amount_jpy", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("destination", sa.String(), nullable=False),
        sa.CheckConstraint("amount_jpy > 0", name=op.f("ck_ledger_transfer_amount_positive")),
        sa.CheckConstraint("line > 0", name=op.f("ck_ledger_transfer_line_positive")),
        sa.CheckConstraint("source <> destination", name=op.f("ck_ledger_transfer_two_accounts")),
        sa.ForeignKeyConstraint(
            ["destination"], ["ledger_account.code"], name=op.f("fk_ledger_transfer_destination_ledger_account")
        ),
        sa.ForeignKeyConstraint(
            ["entry_id"], ["ledger_entry.id"], name=op.f("fk_ledger_transfer_entry_id_ledger_entry")
        ),
        sa.ForeignKeyConstraint(
            ["source"], ["ledger_account.code"], name=op.f("fk_ledger_transfer_source_ledger_account")
        ),
        sa.PrimaryKeyConstraint("entry_id", "line", name=op.f("pk_ledger_transfer")),
    )
    op.create_index("ix_ledger_transfer_destination", "ledger_transfer", ["destination", "entry_id"], unique=False)
    op.create_index("ix_ledger_transfer_source", "ledger_transfer", ["source", "entry_id"], unique=False)
    op.create_table(
        "listing",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("provider_id", sa.String(length=26), nullable=False),
        sa.Column("form_id", sa.String(), nullable=True),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("summary", sa.String(), nullable=False),
        sa.Column("description", sa.String(), nullable=False),
        sa.Column("theme", sa.String(), nullable=False),
        sa.Column("data_class", sa.String(), nullable=True),
        sa.Column("update_frequency", sa.String(), nullable=False),
        sa.Column("keywords", sa.ARRAY(sa.String()), nullable=False),
        sa.Column("area_codes", sa.ARRAY(sa.String()), nullable=False),
        sa.Column("period_start", sa.Date(), nullable=True),
        sa.Column("period_end", sa.Date(), nullable=True),
        sa.Column("licence", sa.String(), nullable=True),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("contact", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("visibility", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("declared_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("declared_by", sa.String(length=26), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.String(length=26), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("pricing_models", sa.ARRAY(sa.String()), nullable=False),
        sa.Column("price_from_jpy", sa.BigInteger(), nullable=True),
        sa.Column("price_text", sa.String(), nullable=False),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.Column("formats", sa.ARRAY(sa.String()), nullable=False),
        sa.Column("quality", sa.Integer(), nullable=True),
        sa.Column("search", postgresql.TSVECTOR(), nullable=True),
        sa.CheckConstraint(
            "data_class NOT IN ('personal','sensitive','pseudonymized','my_number')", name=op.f("ck_listing_data_class")
        ),
        sa.CheckConstraint("state IN ('draft','submitted','published','withdrawn')", name=op.f("ck_listing_state")),
        sa.CheckConstraint(
            "state NOT IN ('submitted','published') OR data_class IS NOT NULL", name=op.f("ck_listing_classified")
        ),
        sa.CheckConstraint("visibility IN ('public','invited','organization')", name=op.f("ck_listing_visibility")),
        sa.CheckConstraint("period_start <= period_end", name=op.f("ck_listing_period")),
        sa.ForeignKeyConstraint(["created_by"], ["member.id"], name=op.f("fk_listing_created_by_member")),
        sa.ForeignKeyConstraint(["declared_by"], ["member.id"], name=op.f("fk_listing_declared_by_member")),
        sa.ForeignKeyConstraint(["provider_id"], ["organization.id"], name=op.f("fk_listing_provider_id_organization")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_listing")),
        sa.UniqueConstraint("provider_id", "form_id", name=op.f("uq_listing_provider_id_form_id")),
    )
    op.create_index(op.f("ix_listing_provider_id"), "listing", ["provider_id"], unique=False)
    op.create_index(
        "ix_listing_published", "listing", ["published_at", "id"], unique=False, postgresql_where="state = 'published'"
    )
    op.create_index("ix_listing_search", "listing", ["search"], unique=False, postgresql_using="gin")
    op.create_table(
        "notice",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("member_id", sa.String(length=26), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_notice_member_id_member")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice")),
    )
    op.create_index(op.f("ix_notice_member_id"), "notice", ["member_id"], unique=False)
    op.create_table(
        "one_time_link",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("member_id", sa.String(length=26), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_one_time_link_member_id_member")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_one_time_link")),
        sa.UniqueConstraint("digest", name=op.f("uq_one_time_link_digest")),
    )
    op.create_index(op.f("ix_one_time_link_member_id"), "one_time_link", ["member_id"], unique=False)
    op.create_table(
        "want",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("organization_id", sa.String(length=26), nullable=False),
        sa.Column("member_id", sa.String(length=26), nullable=False),
        sa.Column("form_id", sa.String(), nullable=True),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("description", sa.String(), nullable=False),
        sa.Column("theme", sa.String(), nullable=False),
        sa.Column("area_codes", sa.ARRAY(sa.String()), nullable=False),
        sa.Column("until", sa.Date(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("state IN ('open','closed')", name=op.f("ck_want_state")),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_want_member_id_member")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_want_organization_id_organization")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_want")),
        sa.UniqueConstraint("organization_id", "form_id", name=op.f("uq_want_organization_id_form_id")),
    )
    op.create_index("ix_want_open", "want", ["theme"], unique=False, postgresql_where="state = 'open'")
    op.create_index(op.f("ix_want_organization_id"), "want", ["organization_id"], unique=False)
    op.create_table(
        "invitation",
        sa.Column("listing_id", sa.String(length=26), nullable=False),
        sa.Column("organization_id", sa.String(length=26), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["listing_id"], ["listing.id"], name=op.f("fk_invitation_listing_id_listing")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_invitation_organization_id_organization")
        ),
        sa.PrimaryKeyConstraint("listing_id", "organization_id", name=op.f("pk_invitation")),
    )
    op.create_index(op.f("ix_invitation_organization_id"), "invitation", ["organization_id"], unique=False)
    op.create_table(
        "offer",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("listing_id", sa.String(length=26), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("template_key", sa.String(), nullable=False),
        sa.Column("template_version", sa.String(), nullable=False),
        sa.Column("pricing", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("variables", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("price_basis", sa.String(), nullable=True),
        sa.Column("payment", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.String(length=26), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('open','closed')", name=op.f("ck_offer_state")),
        sa.ForeignKeyConstraint(["created_by"], ["member.id"], name=op.f("fk_offer_created_by_member")),
        sa.ForeignKeyConstraint(["listing_id"], ["listing.id"], name=op.f("fk_offer_listing_id_listing")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_offer")),
    )
    op.create_index(op.f("ix_offer_listing_id"), "offer", ["listing_id"], unique=False)
    op.create_table(
        "release",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("listing_id", sa.String(length=26), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('draft','submitted','published')", name=op.f("ck_release_state")),
        sa.ForeignKeyConstraint(["listing_id"], ["listing.id"], name=op.f("fk_release_listing_id_listing")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_release")),
        sa.UniqueConstraint("listing_id", "number", name=op.f("uq_release_listing_id_number")),
    )
    op.create_index(op.f("ix_release_listing_id"), "release", ["listing_id"], unique=False)
    op.create_index(
        "uq_release_unpublished", "release", ["listing_id"], unique=True, postgresql_where="state <> 'published'"
    )
    op.create_table(
        "want_answer",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("want_id", sa.String(length=26), nullable=False),
        sa.Column("organization_id", sa.String(length=26), nullable=False),
        sa.Column("member_id", sa.String(length=26), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("listing_id", sa.String(length=26), nullable=True),
        sa.Column("planned_on", sa.Date(), nullable=True),
        sa.Column("message", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind <> 'date' OR planned_on IS NOT NULL", name=op.f("ck_want_answer_date")),
        sa.CheckConstraint("kind <> 'listing' OR listing_id IS NOT NULL", name=op.f("ck_want_answer_listing")),
        sa.CheckConstraint("kind <> 'no' OR message <> ''", name=op.f("ck_want_answer_reason")),
        sa.CheckConstraint("kind IN ('listing','date','no')", name=op.f("ck_want_answer_kind")),
        sa.ForeignKeyConstraint(["listing_id"], ["listing.id"], name=op.f("fk_want_answer_listing_id_listing")),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_want_answer_member_id_member")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_want_answer_organization_id_organization")
        ),
        sa.ForeignKeyConstraint(["want_id"], ["want.id"], name=op.f("fk_want_answer_want_id_want")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_want_answer")),
    )
    op.create_index(op.f("ix_want_answer_organization_id"), "want_answer", ["organization_id"], unique=False)
    op.create_index(op.f("ix_want_answer_want_id"), "want_answer", ["want_id"], unique=False)
    op.create_table(
        "want_join",
        sa.Column("want_id", sa.String(length=26), nullable=False),
        sa.Column("organization_id", sa.String(length=26), nullable=False),
        sa.Column("member_id", sa.String(length=26), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_want_join_member_id_member")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_want_join_organization_id_organization")
        ),
        sa.ForeignKeyConstraint(["want_id"], ["want.id"], name=op.f("fk_want_join_want_id_want")),
        sa.PrimaryKeyConstraint("want_id", "organization_id", name=op.f("pk_want_join")),
    )
    op.create_table(
        "contract",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("form_id", sa.String(), nullable=True),
        sa.Column("offer_id", sa.String(length=26), nullable=False),
        sa.Column("listing_id", sa.String(length=26), nullable=False),
        sa.Column("release_id", sa.String(length=26), nullable=True),
        sa.Column("provider_id", sa.String(length=26), nullable=False),
        sa.Column("buyer_id", sa.String(length=26), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("turn", sa.String(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("variables", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("pricing", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("payment", sa.String(), nullable=False),
        sa.Column("template_key", sa.String(), nullable=False),
        sa.Column("template_version", sa.String(), nullable=False),
        sa.Column("purchase_order", sa.String(), nullable=True),
        sa.Column("requested_by", sa.String(length=26), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answer_by", sa.DateTime(timezone=True), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("approval_reference", sa.String(), nullable=True),
        sa.Column("approved_on", sa.Date(), nullable=True),
        sa.Column("signatory", sa.String(), nullable=True),
        sa.Column("approvals_needed", sa.Integer(), nullable=False),
        sa.Column("approvals_given", sa.Integer(), nullable=False),
        sa.Column("activated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("starts_on", sa.Date(), nullable=True),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("suspended_by", sa.String(), nullable=True),
        sa.Column("terminates_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("document_sha256", sa.String(), nullable=False),
        sa.Column("lock_version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "state <> 'active' OR (activated_at IS NOT NULL AND starts_on IS NOT NULL)", name=op.f("ck_contract_active")
        ),
        sa.CheckConstraint(
            "state IN ('requested','countered','accepted','active','suspended','terminated','declined','rejected','expired','ended')",
            name=op.f("ck_contract_state"),
        ),
        sa.CheckConstraint("turn IN ('buyer','provider','operator')", name=op.f("ck_contract_turn")),
        sa.CheckConstraint("provider_id <> buyer_id", name=op.f("ck_contract_two_parties")),
        sa.ForeignKeyConstraint(["buyer_id"], ["organization.id"], name=op.f("fk_contract_buyer_id_organization")),
        sa.ForeignKeyConstraint(["listing_id"], ["listing.id"], name=op.f("fk_contract_listing_id_listing")),
        sa.ForeignKeyConstraint(["offer_id"], ["offer.id"], name=op.f("fk_contract_offer_id_offer")),
        sa.ForeignKeyConstraint(
            ["provider_id"], ["organization.id"], name=op.f("fk_contract_provider_id_organization")
        ),
        sa.ForeignKeyConstraint(["release_id"], ["release.id"], name=op.f("fk_contract_release_id_release")),
        sa.ForeignKeyConstraint(["requested_by"], ["member.id"], name=op.f("fk_contract_requested_by_member")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contract")),
        sa.UniqueConstraint("buyer_id", "form_id", name=op.f("uq_contract_buyer_id_form_id")),
        sa.UniqueConstraint("number", name=op.f("uq_contract_number")),
    )
    op.create_index(
        "ix_contract_answer_by",
        "contract",
        ["answer_by"],
        unique=False,
        postgresql_where="state IN ('requested','countered')",
    )
    op.create_index(op.f("ix_contract_buyer_id"), "contract", ["buyer_id"], unique=False)
    op.create_index(op.f("ix_contract_listing_id"), "contract", ["listing_id"], unique=False)
    op.create_index(op.f("ix_contract_offer_id"), "contract", ["offer_id"], unique=False)
    op.create_index(op.f("ix_contract_provider_id"), "contract", ["provider_id"], unique=False)
    op.create_index(
        "ix_contract_running", "contract", ["ends_on"], unique=False, postgresql_where="state IN ('active','suspended')"
    )
    op.create_index(op.f("ix_contract_state"), "contract", ["state"], unique=False)
    op.create_table(
        "file",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("listing_id", sa.String(length=26), nullable=False),
        sa.Column("release_id", sa.String(length=26), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("media_type", sa.String(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("refusal", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.String(length=26), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("upload_key", sa.String(), nullable=False),
        sa.Column("multipart", sa.Boolean(), nullable=False),
        sa.Column("upload_id", sa.String(), nullable=True),
        sa.Column("read_attempts", sa.Integer(), nullable=False),
        sa.Column("object_key", sa.String(), nullable=True),
        sa.Column("sha256", sa.String(), nullable=True),
        sa.Column("parquet_key", sa.String(), nullable=True),
        sa.Column("parquet_size", sa.BigInteger(), nullable=True),
        sa.Column("parquet_sha256", sa.String(), nullable=True),
        sa.Column("format", sa.String(), nullable=True),
        sa.Column("encoding", sa.String(), nullable=True),
        sa.Column("delimiter", sa.String(), nullable=True),
        sa.Column("header_row", sa.Integer(), nullable=True),
        sa.Column("rows", sa.BigInteger(), nullable=True),
        sa.Column("columns", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("sample", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("problems", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("inside", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("scanned", sa.Boolean(), nullable=False),
        sa.Column("quality", sa.Integer(), nullable=True),
        sa.Column("column_notes", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("released_rows", sa.Integer(), nullable=False),
        sa.Column("released_columns", sa.ARRAY(sa.String()), nullable=False),
        sa.Column("recalled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recall_reason", sa.String(), nullable=True),
        sa.CheckConstraint(
            "state <> 'ready' OR (object_key IS NOT NULL AND sha256 IS NOT NULL)", name=op.f("ck_file_ready")
        ),
        sa.CheckConstraint("state IN ('uploading','reading','ready','refused')", name=op.f("ck_file_state")),
        sa.CheckConstraint("size >= 0", name=op.f("ck_file_size")),
        sa.ForeignKeyConstraint(["created_by"], ["member.id"], name=op.f("fk_file_created_by_member")),
        sa.ForeignKeyConstraint(["listing_id"], ["listing.id"], name=op.f("fk_file_listing_id_listing")),
        sa.ForeignKeyConstraint(["release_id"], ["release.id"], name=op.f("fk_file_release_id_release")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_file")),
    )
    op.create_index(op.f("ix_file_listing_id"), "file", ["listing_id"], unique=False)
    op.create_index(op.f("ix_file_release_id"), "file", ["release_id"], unique=False)
    op.create_table(
        "acceptance",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("contract_id", sa.String(length=26), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("side", sa.String(), nullable=False),
        sa.Column("member_id", sa.String(length=26), nullable=False),
        sa.Column("organization_id", sa.String(length=26), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("remote", sa.String(), nullable=True),
        sa.Column("document_sha256", sa.String(), nullable=False),
        sa.Column("approval_reference", sa.String(), nullable=True),
        sa.Column("approved_on", sa.Date(), nullable=True),
        sa.Column("signatory", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["contract_id"], ["contract.id"], name=op.f("fk_acceptance_contract_id_contract")),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_acceptance_member_id_member")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_acceptance_organization_id_organization")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_acceptance")),
    )
    op.create_index(op.f("ix_acceptance_contract_id"), "acceptance", ["contract_id"], unique=False)
    op.create_table(
        "contract_event",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("contract_id", sa.String(length=26), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deed", sa.String(), nullable=False),
        sa.Column("actor_id", sa.String(length=26), nullable=True),
        sa.Column("side", sa.String(), nullable=True),
        sa.Column("from_state", sa.String(), nullable=True),
        sa.Column("to_state", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["actor_id"], ["member.id"], name=op.f("fk_contract_event_actor_id_member")),
        sa.ForeignKeyConstraint(["contract_id"], ["contract.id"], name=op.f("fk_contract_event_contract_id_contract")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contract_event")),
    )
    op.create_index(op.f("ix_contract_event_contract_id"), "contract_event", ["contract_id"], unique=False)
    op.create_table(
        "contract_limits",
        sa.Column("contract_id", sa.String(length=26), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=True),
        sa.Column("downloads", sa.BigInteger(), nullable=True),
        sa.Column("amount_jpy", sa.BigInteger(), nullable=True),
        sa.Column("set_by", sa.String(length=26), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "bytes >= 0 AND downloads >= 0 AND amount_jpy >= 0", name=op.f("ck_contract_limits_positive")
        ),
        sa.ForeignKeyConstraint(["contract_id"], ["contract.id"], name=op.f("fk_contract_limits_contract_id_contract")),
        sa.ForeignKeyConstraint(["set_by"], ["member.id"], name=op.f("fk_contract_limits_set_by_member")),
        sa.PrimaryKeyConstraint("contract_id", name=op.f("pk_contract_limits")),
    )
    op.create_table(
        "contract_round",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("contract_id", sa.String(length=26), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("side", sa.String(), nullable=False),
        sa.Column("member_id", sa.String(length=26), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("variables", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("message", sa.String(), nullable=False),
        sa.Column("content", sa.String(), nullable=False),
        sa.Column("document_sha256", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["contract_id"], ["contract.id"], name=op.f("fk_contract_round_contract_id_contract")),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_contract_round_member_id_member")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contract_round")),
        sa.UniqueConstraint("contract_id", "version", name=op.f("uq_contract_round_contract_id_version")),
    )
    op.create_table(
        "delivery_grant",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("contract_id", sa.String(length=26), nullable=True),
        sa.Column("listing_id", sa.String(), nullable=False),
        sa.Column("file_id", sa.String(length=26), nullable=False),
        sa.Column("variant", sa.String(), nullable=False),
        sa.Column("member_id", sa.String(length=26), nullable=True),
        sa.Column("token_id", sa.String(), nullable=True),
        sa.Column("object_key", sa.String(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("month", sa.String(), nullable=False),
        sa.Column("pool", sa.String(), nullable=False),
        sa.CheckConstraint("variant IN ('original','parquet')", name=op.f("ck_delivery_grant_variant")),
        sa.CheckConstraint("contract_id IS NULL OR member_id IS NOT NULL", name=op.f("ck_delivery_grant_somebody")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery_grant")),
    )
    op.create_index(
        "ix_delivery_grant_contract",
        "delivery_grant",
        ["contract_id", "month", "id"],
        unique=False,
        postgresql_where="contract_id IS NOT NULL",
    )
    op.create_index(op.f("ix_delivery_grant_file_id"), "delivery_grant", ["file_id"], unique=False)
    op.create_table(
        "finding",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("file_id", sa.String(length=26), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("column", sa.String(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("samples", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("answer", sa.String(), nullable=True),
        sa.Column("answered_by", sa.String(length=26), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["answered_by"], ["member.id"], name=op.f("fk_finding_answered_by_member")),
        sa.ForeignKeyConstraint(["file_id"], ["file.id"], name=op.f("fk_finding_file_id_file")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_finding")),
        sa.UniqueConstraint("file_id", "kind", "column", name=op.f("uq_finding_file_id_kind_column")),
    )
    op.create_index(op.f("ix_finding_file_id"), "finding", ["file_id"], unique=False)
    op.create_table(
        "invoice",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("issuer_id", sa.String(length=26), nullable=False),
        sa.Column("recipient_id", sa.String(length=26), nullable=False),
        sa.Column("contract_id", sa.String(length=26), nullable=True),
        sa.Column("ground", sa.String(), nullable=False),
        sa.Column("period", sa.String(), nullable=False),
        sa.Column("supplied_from", sa.Date(), nullable=False),
        sa.Column("supplied_until", sa.Date(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("payment_reference", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("issuer", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("recipient", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("totals_by_rate", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("taxable_jpy", sa.BigInteger(), nullable=False),
        sa.Column("tax_jpy", sa.BigInteger(), nullable=False),
        sa.Column("total_jpy", sa.BigInteger(), nullable=False),
        sa.Column("fee_percent", sa.Integer(), nullable=False),
        sa.Column("fee_jpy", sa.BigInteger(), nullable=False),
        sa.Column("purchase_order", sa.String(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("paid_jpy", sa.BigInteger(), nullable=False),
        sa.Column("refunded_jpy", sa.BigInteger(), nullable=False),
        sa.Column("credited_jpy", sa.BigInteger(), nullable=False),
        sa.Column("fee_taken_jpy", sa.BigInteger(), nullable=False),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("document_key", sa.String(), nullable=True),
        sa.Column("document_sha256", sa.String(), nullable=True),
        sa.CheckConstraint("state IN ('issued','paid','void','credited')", name=op.f("ck_invoice_state")),
        sa.CheckConstraint("credited_jpy BETWEEN 0 AND total_jpy", name=op.f("ck_invoice_credited")),
        sa.CheckConstraint("fee_taken_jpy BETWEEN 0 AND fee_jpy", name=op.f("ck_invoice_fee")),
        sa.CheckConstraint("paid_jpy BETWEEN 0 AND total_jpy", name=op.f("ck_invoice_paid")),
        sa.CheckConstraint(
            "refunded_jpy BETWEEN 0 AND paid_jpy AND refunded_jpy <= credited_jpy", name=op.f("ck_invoice_refunded")
        ),
        sa.CheckConstraint("total_jpy - credited_jpy - paid_jpy + refunded_jpy >= 0", name=op.f("ck_invoice_due")),
        sa.CheckConstraint("total_jpy = taxable_jpy + tax_jpy AND total_jpy > 0", name=op.f("ck_invoice_total")),
        sa.ForeignKeyConstraint(["contract_id"], ["contract.id"], name=op.f("fk_invoice_contract_id_contract")),
        sa.ForeignKeyConstraint(["issuer_id"], ["organization.id"], name=op.f("fk_invoice_issuer_id_organization")),
        sa.ForeignKeyConstraint(
            ["recipient_id"], ["organization.id"], name=op.f("fk_invoice_recipient_id_organization")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoice")),
        sa.UniqueConstraint("contract_id", "ground", name=op.f("uq_invoice_contract_id_ground")),
        sa.UniqueConstraint("issuer_id", "number", name=op.f("uq_invoice_issuer_id_number")),
        sa.UniqueConstraint("payment_reference", name=op.f("uq_invoice_payment_reference")),
    )
    op.create_index("ix_invoice_open", "invoice", ["due_on"], unique=False, postgresql_where="state = 'issued'")
    op.create_index(op.f("ix_invoice_period"), "invoice", ["period"], unique=False)
    op.create_index(op.f("ix_invoice_recipient_id"), "invoice", ["recipient_id"], unique=False)
    op.create_table(
        "listing_event",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("listing_id", sa.String(length=26), nullable=False),
        sa.Column("release_id", sa.String(length=26), nullable=True),
        sa.Column("file_id", sa.String(length=26), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_id", sa.String(length=26), nullable=True),
        sa.Column("deed", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["actor_id"], ["member.id"], name=op.f("fk_listing_event_actor_id_member")),
        sa.ForeignKeyConstraint(["file_id"], ["file.id"], name=op.f("fk_listing_event_file_id_file")),
        sa.ForeignKeyConstraint(["listing_id"], ["listing.id"], name=op.f("fk_listing_event_listing_id_listing")),
        sa.ForeignKeyConstraint(["release_id"], ["release.id"], name=op.f("fk_listing_event_release_id_release")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_listing_event")),
    )
    op.create_index(op.f("ix_listing_event_listing_id"), "listing_event", ["listing_id"], unique=False)
    op.create_table(
        "sealed_document",
        sa.Column("contract_id", sa.String(length=26), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("pdf", sa.LargeBinary(), nullable=False),
        sa.Column("pdf_sha256", sa.String(), nullable=False),
        sa.Column("sealed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["contract_id"], ["contract.id"], name=op.f("fk_sealed_document_contract_id_contract")),
        sa.PrimaryKeyConstraint("contract_id", name=op.f("pk_sealed_document")),
    )
    op.create_table(
        "approval",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("contract_id", sa.String(length=26), nullable=False),
        sa.Column("acceptance_id", sa.String(length=26), nullable=False),
        sa.Column("member_id", sa.String(length=26), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["acceptance_id"], ["acceptance.id"], name=op.f("fk_approval_acceptance_id_acceptance")
        ),
        sa.ForeignKeyConstraint(["contract_id"], ["contract.id"], name=op.f("fk_approval_contract_id_contract")),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_approval_member_id_member")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approval")),
        sa.UniqueConstraint(
            "contract_id", "acceptance_id", "member_id", name=op.f("uq_approval_contract_id_acceptance_id_member_id")
        ),
    )
    op.create_table(
        "credit_note",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("issuer_id", sa.String(length=26), nullable=False),
        sa.Column("invoice_id", sa.String(length=26), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("rate_percent", sa.Integer(), nullable=False),
        sa.Column("amount_jpy", sa.BigInteger(), nullable=False),
        sa.Column("taxable_jpy", sa.BigInteger(), nullable=False),
        sa.Column("tax_jpy", sa.BigInteger(), nullable=False),
        sa.Column("repaid_jpy", sa.BigInteger(), nullable=False),
        sa.Column("fee_back_jpy", sa.BigInteger(), nullable=False),
        sa.Column("repaid_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("document_key", sa.String(), nullable=True),
        sa.Column("document_sha256", sa.String(), nullable=True),
        sa.CheckConstraint("amount_jpy > 0 AND amount_jpy = taxable_jpy + tax_jpy", name=op.f("ck_credit_note_amount")),
        sa.CheckConstraint("repaid_jpy BETWEEN 0 AND amount_jpy", name=op.f("ck_credit_note_repaid")),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name=op.f("fk_credit_note_invoice_id_invoice")),
        sa.ForeignKeyConstraint(["issuer_id"], ["organization.id"], name=op.f("fk_credit_note_issuer_id_organization")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credit_note")),
        sa.UniqueConstraint("issuer_id", "number", name=op.f("uq_credit_note_issuer_id_number")),
    )
    op.create_index(op.f("ix_credit_note_invoice_id"), "credit_note", ["invoice_id"], unique=False)
    op.create_table(
        "grant_usage",
        sa.Column("grant_id", sa.String(length=26), nullable=False),
        sa.Column("delivered_bytes", sa.BigInteger(), nullable=False),
        sa.Column("billable_bytes", sa.BigInteger(), nullable=False),
        sa.Column("downloads", sa.Integer(), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["grant_id"], ["delivery_grant.id"], name=op.f("fk_grant_usage_grant_id_delivery_grant")
        ),
        sa.PrimaryKeyConstraint("grant_id", name=op.f("pk_grant_usage")),
    )
    op.create_table(
        "invoice_line",
        sa.Column("invoice_id", sa.String(length=26), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("description", sa.String(), nullable=False),
        sa.Column("quantity", sa.String(), nullable=False),
        sa.Column("amount_jpy", sa.BigInteger(), nullable=False),
        sa.Column("rate_percent", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name=op.f("fk_invoice_line_invoice_id_invoice")),
        sa.PrimaryKeyConstraint("invoice_id", "position", name=op.f("pk_invoice_line")),
    )
    op.create_table(
        "receipt_application",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("receipt_id", sa.String(length=26), nullable=False),
        sa.Column("invoice_id", sa.String(length=26), nullable=False),
        sa.Column("amount_jpy", sa.BigInteger(), nullable=False),
        sa.Column("fee_jpy", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("amount_jpy > 0", name=op.f("ck_receipt_application_amount_positive")),
        sa.CheckConstraint("fee_jpy BETWEEN 0 AND amount_jpy", name=op.f("ck_receipt_application_fee")),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name=op.f("fk_receipt_application_invoice_id_invoice")),
        sa.ForeignKeyConstraint(["receipt_id"], ["receipt.id"], name=op.f("fk_receipt_application_receipt_id_receipt")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_receipt_application")),
    )
    op.create_index(op.f("ix_receipt_application_invoice_id"), "receipt_application", ["invoice_id"], unique=False)
    op.create_index(op.f("ix_receipt_application_receipt_id"), "receipt_application", ["receipt_id"], unique=False)
    op.create_table(
        "request_line",
        sa.Column("request_id", sa.String(), nullable=False),
        sa.Column("grant_id", sa.String(length=26), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("method", sa.String(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("bytes_sent", sa.BigInteger(), nullable=False),
        sa.Column("range", sa.String(), nullable=True),
        sa.Column("covered", postgresql.INT8RANGE(), nullable=True),
        sa.Column("added_bytes", sa.BigInteger(), nullable=False),
        sa.Column("remote", sa.String(), nullable=False),
        sa.Column("user_agent", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["grant_id"], ["delivery_grant.id"], name=op.f("fk_request_line_grant_id_delivery_grant")
        ),
        sa.PrimaryKeyConstraint("request_id", name=op.f("pk_request_line")),
    )
    op.create_index("ix_request_line_grant", "request_line", ["grant_id", "at"], unique=False)
    op.create_table(
        "payout_line",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("payout_id", sa.String(length=26), nullable=False),
        sa.Column("invoice_id", sa.String(length=26), nullable=False),
        sa.Column("application_id", sa.String(length=26), nullable=True),
        sa.Column("credit_note_id", sa.String(length=26), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("words", sa.String(), nullable=False),
        sa.Column("gross_jpy", sa.BigInteger(), nullable=False),
        sa.Column("fee_jpy", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "(application_id IS NULL) <> (credit_note_id IS NULL)", name=op.f("ck_payout_line_one_ground")
        ),
        sa.ForeignKeyConstraint(
            ["application_id"],
            ["receipt_application.id"],
            name=op.f("fk_payout_line_application_id_receipt_application"),
        ),
        sa.ForeignKeyConstraint(
            ["credit_note_id"], ["credit_note.id"], name=op.f("fk_payout_line_credit_note_id_credit_note")
        ),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name=op.f("fk_payout_line_invoice_id_invoice")),
        sa.ForeignKeyConstraint(["payout_id"], ["payout.id"], name=op.f("fk_payout_line_payout_id_payout")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payout_line")),
        sa.UniqueConstraint("application_id", name=op.f("uq_payout_line_application_id")),
        sa.UniqueConstraint("credit_note_id", name=op.f("uq_payout_line_credit_note_id")),
    )
    op.create_index(op.f("ix_payout_line_invoice_id"), "payout_line", ["invoice_id"], unique=False)
    op.create_index(op.f("ix_payout_line_payout_id"), "payout_line", ["payout_id"], unique=False)
    op.execute(AFTER_AUDIT_ENTRY_0)
    op.execute(AFTER_DELIVERY_COVERAGE_1)
    op.execute(AFTER_LEDGER_ENTRY_2)
    op.execute(AFTER_TASK_3)
    op.execute(AFTER_LEDGER_ACCOUNT_4)
    op.execute(AFTER_LEDGER_HELD_5)
    op.execute(AFTER_LEDGER_TRANSFER_6)
    op.execute(AFTER_LEDGER_TRANSFER_7)
    op.execute(AFTER_FILE_8)
    op.execute(AFTER_ACCEPTANCE_9)
    op.execute(AFTER_CONTRACT_EVENT_10)
    op.execute(AFTER_CONTRACT_ROUND_11)
    op.execute(AFTER_DELIVERY_GRANT_12)
    op.execute(AFTER_INVOICE_13)
    op.execute(AFTER_SEALED_DOCUMENT_14)
    op.execute(AFTER_APPROVAL_15)
    op.execute(AFTER_CREDIT_NOTE_16)
    op.execute(AFTER_INVOICE_LINE_17)
    op.execute(AFTER_RECEIPT_APPLICATION_18)
    op.execute(AFTER_REQUEST_LINE_19)
