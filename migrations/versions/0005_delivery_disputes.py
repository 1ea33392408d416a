"""Logs from anywhere, how the meter stands, what the daily comparison found, and disputes over request lines."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"

ID, MOMENT = sa.String(26), sa.DateTime(timezone=True)


def upgrade() -> None:
    """Files that were read have no mark yet: they are opened once more, and found to hold nothing new."""
    op.add_column(
        "delivery_coverage", sa.Column("rangeless_bytes", sa.BigInteger(), nullable=False, server_default=sa.text("0"))
    )
    op.alter_column("delivery_coverage", "rangeless_bytes", server_default=None)
    op.drop_constraint("fk_request_line_grant_id_delivery_grant", "request_line", type_="foreignkey")
    op.add_column("log_file", sa.Column("mark", sa.String()))
    op.create_index(op.f("ix_log_file_name"), "log_file", ["name"])
    op.add_column("grant_usage", sa.Column("changed_at", MOMENT))
    op.add_column("invoice_line", sa.Column("month", sa.String()))
    _log_reading()
    _comparison()
    _disputes()


def _log_reading() -> None:
    op.create_table(
        "log_reading",
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("since", MOMENT, nullable=False),
        sa.Column("newest_line_at", MOMENT),
        sa.Column("behind", sa.Boolean(), nullable=False),
        sa.Column("read_until", MOMENT),
        sa.Column("warned_at", MOMENT),
        sa.Column("compared_at", MOMENT),
        sa.PrimaryKeyConstraint("source", name=op.f("pk_log_reading")),
    )


def _comparison() -> None:
    op.create_table(
        "delivery_difference",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("detail", postgresql.JSONB(), nullable=False),
        sa.Column("found_at", MOMENT, nullable=False),
        sa.Column("seen_at", MOMENT),
        sa.Column("seen_by", ID),
        sa.ForeignKeyConstraint(["seen_by"], ["member.id"], name=op.f("fk_delivery_difference_seen_by_member")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery_difference")),
        sa.UniqueConstraint("kind", "subject", name=op.f("uq_delivery_difference_kind_subject")),
    )
    op.create_index("ix_delivery_difference_open", "delivery_difference", ["id"], postgresql_where="seen_at IS NULL")
    op.create_table(
        "delivery_object_check",
        sa.Column("object_key", sa.String(), nullable=False),
        sa.Column("etag", sa.String(), nullable=False),
        sa.Column("checked_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("object_key", name=op.f("pk_delivery_object_check")),
    )
    op.create_index(op.f("ix_delivery_object_check_checked_at"), "delivery_object_check", ["checked_at"])


def _disputes() -> None:
    op.create_table(
        "delivery_dispute",
        sa.Column("id", ID, nullable=False),
        sa.Column("request_id", sa.String(), nullable=False),
        sa.Column("grant_id", ID, nullable=False),
        sa.Column("contract_id", ID, nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("raised_by", ID, nullable=False),
        sa.Column("raised_at", MOMENT, nullable=False),
        sa.Column("answer", sa.String()),
        sa.Column("answered_by", ID),
        sa.Column("answered_at", MOMENT),
        sa.Column("decision", sa.String()),
        sa.Column("decision_reason", sa.String()),
        sa.Column("decided_by", ID),
        sa.Column("decided_at", MOMENT),
        sa.CheckConstraint("decision IN ('upheld','rejected')", name=op.f("ck_delivery_dispute_decision")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery_dispute")),
        sa.UniqueConstraint("request_id", name=op.f("uq_delivery_dispute_request_id")),
        *(
            sa.ForeignKeyConstraint([column], [target], name=op.f(f"fk_delivery_dispute_{column}_{table}"))
            for column, table, target in (
                ("request_id", "request_line", "request_line.request_id"),
                ("grant_id", "delivery_grant", "delivery_grant.id"),
                ("contract_id", "contract", "contract.id"),
                ("raised_by", "member", "member.id"),
                ("answered_by", "member", "member.id"),
                ("decided_by", "member", "member.id"),
            )
        ),
    )
    op.create_index(op.f("ix_delivery_dispute_grant_id"), "delivery_dispute", ["grant_id"])
    op.create_index(op.f("ix_delivery_dispute_contract_id"), "delivery_dispute", ["contract_id"])
    op.create_table(
        "usage_correction",
        sa.Column("id", ID, nullable=False),
        sa.Column("dispute_id", ID, nullable=False),
        sa.Column("grant_id", ID, nullable=False),
        sa.Column("billable_bytes", sa.BigInteger(), nullable=False),
        sa.Column("downloads", sa.Integer(), nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.CheckConstraint("billable_bytes <= 0 AND downloads <= 0", name=op.f("ck_usage_correction_less")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_usage_correction")),
        sa.UniqueConstraint("dispute_id", name=op.f("uq_usage_correction_dispute_id")),
        sa.ForeignKeyConstraint(
            ["dispute_id"], ["delivery_dispute.id"], name=op.f("fk_usage_correction_dispute_id_delivery_dispute")
        ),
        sa.ForeignKeyConstraint(
            ["grant_id"], ["delivery_grant.id"], name=op.f("fk_usage_correction_grant_id_delivery_grant")
        ),
    )
    op.create_index(op.f("ix_usage_correction_grant_id"), "usage_correction", ["grant_id"])
    op.execute("""
CREATE TRIGGER usage_correction_kept BEFORE UPDATE OR DELETE ON usage_correction
  FOR EACH ROW EXECUTE FUNCTION delivery_evidence_kept();
""")
