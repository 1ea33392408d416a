"""Payment through Stripe: attempts, refunds, objections, saved cards, events, and the balance there."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.create_table(
        "stripe_event",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("payload", postgresql.JSONB(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asked", sa.Boolean(), nullable=False),
        sa.Column("handled_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stripe_event")),
    )
    op.create_index("ix_stripe_event_waiting", "stripe_event", ["id"], postgresql_where=sa.text("handled_at IS NULL"))
    op.create_table(
        "stripe_standing",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("balance_jpy", sa.BigInteger(), nullable=False),
        sa.Column("books_jpy", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("id = 'stripe'", name=op.f("ck_stripe_standing_one")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stripe_standing")),
    )
    op.create_table(
        "online_customer",
        sa.Column("organization_id", sa.String(length=26), nullable=False),
        sa.Column("customer_id", sa.String(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_online_customer_organization_id_organization")
        ),
        sa.PrimaryKeyConstraint("organization_id", name=op.f("pk_online_customer")),
        sa.UniqueConstraint("customer_id", name=op.f("uq_online_customer_customer_id")),
    )
    op.create_table(
        "saved_card",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("organization_id", sa.String(length=26), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("begun_by", sa.String(), nullable=False),
        sa.Column("session_id", sa.String()),
        sa.Column("url", sa.String()),
        sa.Column("method_id", sa.String()),
        sa.Column("brand", sa.String()),
        sa.Column("last4", sa.String()),
        sa.Column("expires", sa.String()),
        sa.Column("consented_at", sa.DateTime(timezone=True)),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint(
            "state <> 'saved' OR (method_id IS NOT NULL AND consented_at IS NOT NULL)", name=op.f("ck_saved_card_saved")
        ),
        sa.CheckConstraint(
            "state IN ('intended','open','saved','withdrawn','expired')", name=op.f("ck_saved_card_state")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_saved_card_organization_id_organization")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_card")),
        sa.UniqueConstraint("session_id", name=op.f("uq_saved_card_session_id")),
    )
    op.create_index(op.f("ix_saved_card_organization_id"), "saved_card", ["organization_id"])
    op.create_index(
        "uq_saved_card_saved",
        "saved_card",
        ["organization_id"],
        unique=True,
        postgresql_where=sa.text("state = 'saved'"),
    )
    op.create_index(
        "uq_saved_card_under_way",
        "saved_card",
        ["organization_id"],
        unique=True,
        postgresql_where=sa.text("state IN ('intended','open')"),
    )
    op.create_table(
        "stripe_movement",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("amount_jpy", sa.BigInteger(), nullable=False),
        sa.Column("fee_jpy", sa.BigInteger(), nullable=False),
        sa.Column("source_id", sa.String()),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("receipt_id", sa.String(length=26)),
        sa.ForeignKeyConstraint(["receipt_id"], ["receipt.id"], name=op.f("fk_stripe_movement_receipt_id_receipt")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stripe_movement")),
    )
    op.create_table(
        "online_payment",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("invoice_id", sa.String(length=26), nullable=False),
        sa.Column("payer_id", sa.String(length=26), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("amount_jpy", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("begun_by", sa.String()),
        sa.Column("session_id", sa.String()),
        sa.Column("url", sa.String()),
        sa.Column("intent_id", sa.String()),
        sa.Column("charge_id", sa.String()),
        sa.Column("method", sa.String()),
        sa.Column("settled_at", sa.DateTime(timezone=True)),
        sa.Column("reason", sa.String()),
        sa.Column("receipt_id", sa.String(length=26)),
        sa.CheckConstraint("(state = 'succeeded') = (receipt_id IS NOT NULL)", name=op.f("ck_online_payment_received")),
        sa.CheckConstraint("kind IN ('checkout','saved')", name=op.f("ck_online_payment_kind")),
        sa.CheckConstraint(
            "state IN ('intended','open','processing','succeeded','failed','expired')",
            name=op.f("ck_online_payment_state"),
        ),
        sa.CheckConstraint("amount_jpy > 0", name=op.f("ck_online_payment_amount_positive")),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name=op.f("fk_online_payment_invoice_id_invoice")),
        sa.ForeignKeyConstraint(
            ["payer_id"], ["organization.id"], name=op.f("fk_online_payment_payer_id_organization")
        ),
        sa.ForeignKeyConstraint(["receipt_id"], ["receipt.id"], name=op.f("fk_online_payment_receipt_id_receipt")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_online_payment")),
        sa.UniqueConstraint("intent_id", name=op.f("uq_online_payment_intent_id")),
        sa.UniqueConstraint("receipt_id", name=op.f("uq_online_payment_receipt_id")),
        sa.UniqueConstraint("session_id", name=op.f("uq_online_payment_session_id")),
    )
    op.create_index(op.f("ix_online_payment_charge_id"), "online_payment", ["charge_id"])
    op.create_index(op.f("ix_online_payment_invoice_id"), "online_payment", ["invoice_id"])
    op.create_index(
        "ix_online_payment_under_way",
        "online_payment",
        ["id"],
        postgresql_where=sa.text("state IN ('intended','open','processing')"),
    )
    op.create_index(
        "uq_online_payment_under_way",
        "online_payment",
        ["invoice_id"],
        unique=True,
        postgresql_where=sa.text("state IN ('intended','open','processing')"),
    )
    op.create_table(
        "online_refund",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("payment_id", sa.String(length=26), nullable=False),
        sa.Column("credit_note_id", sa.String(length=26)),
        sa.Column("amount_jpy", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("refund_id", sa.String()),
        sa.Column("settled_at", sa.DateTime(timezone=True)),
        sa.Column("reason", sa.String()),
        sa.Column("entry_id", sa.String(length=26)),
        sa.Column("sent_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint("sent_at IS NULL OR state = 'failed'", name=op.f("ck_online_refund_sent")),
        sa.CheckConstraint("state IN ('intended','pending','succeeded','failed')", name=op.f("ck_online_refund_state")),
        sa.CheckConstraint("amount_jpy > 0", name=op.f("ck_online_refund_amount_positive")),
        sa.ForeignKeyConstraint(
            ["credit_note_id"], ["credit_note.id"], name=op.f("fk_online_refund_credit_note_id_credit_note")
        ),
        sa.ForeignKeyConstraint(["entry_id"], ["ledger_entry.id"], name=op.f("fk_online_refund_entry_id_ledger_entry")),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["online_payment.id"], name=op.f("fk_online_refund_payment_id_online_payment")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_online_refund")),
        sa.UniqueConstraint("refund_id", name=op.f("uq_online_refund_refund_id")),
    )
    op.create_index(op.f("ix_online_refund_credit_note_id"), "online_refund", ["credit_note_id"])
    op.create_index(op.f("ix_online_refund_payment_id"), "online_refund", ["payment_id"])
    op.create_index(
        "ix_online_refund_under_way",
        "online_refund",
        ["id"],
        postgresql_where=sa.text("state IN ('intended','pending')"),
    )
    op.create_table(
        "payment_dispute",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("dispute_id", sa.String(), nullable=False),
        sa.Column("payment_id", sa.String(length=26), nullable=False),
        sa.Column("amount_jpy", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("answer_by", sa.DateTime(timezone=True)),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True)),
        sa.Column("unfrozen_jpy", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("(state = 'open') = (closed_at IS NULL)", name=op.f("ck_payment_dispute_closed")),
        sa.CheckConstraint("state IN ('open','won','lost')", name=op.f("ck_payment_dispute_state")),
        sa.CheckConstraint("amount_jpy > 0", name=op.f("ck_payment_dispute_amount_positive")),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["online_payment.id"], name=op.f("fk_payment_dispute_payment_id_online_payment")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_dispute")),
        sa.UniqueConstraint("dispute_id", name=op.f("uq_payment_dispute_dispute_id")),
    )
    op.create_index(op.f("ix_payment_dispute_payment_id"), "payment_dispute", ["payment_id"])
    op.add_column("payout_line", sa.Column("dispute_id", sa.String(length=26)))
    op.create_index(op.f("ix_payout_line_dispute_id"), "payout_line", ["dispute_id"])
    op.create_foreign_key(
        op.f("fk_payout_line_dispute_id_payment_dispute"), "payout_line", "payment_dispute", ["dispute_id"], ["id"]
    )
    op.add_column("receipt", sa.Column("channel", sa.String(), nullable=False, server_default="bank"))
    op.alter_column("receipt", "channel", server_default=None)
    op.create_check_constraint(op.f("ck_receipt_channel"), "receipt", "channel IN ('bank','stripe')")
    op.drop_constraint(op.f("ck_payout_line_one_ground"), "payout_line")
    one = "num_nonnulls(application_id, credit_note_id, returned_payout_id, dispute_id) = 1"
    op.create_check_constraint(op.f("ck_payout_line_one_ground"), "payout_line", one)
