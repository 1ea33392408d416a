"""Contracts that a legal department signs: drafts and private offers, confirmation, risk, signatures, renewal, deletion."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"

KEPT = """
CREATE TRIGGER contract_signature_kept BEFORE UPDATE OR DELETE ON contract_signature
  FOR EACH ROW EXECUTE FUNCTION contract_evidence_kept();
"""


def add(table: str, name: str, kind: Any, default: str) -> None:
    """A column that may not be empty; rows that are there get `default`, later ones must say."""
    op.add_column(table, sa.Column(name, kind, nullable=False, server_default=sa.text(default)))
    op.alter_column(table, name, server_default=None)


def upgrade() -> None:
    listed, told = "'[]'::jsonb", "'{}'::jsonb"
    op.drop_constraint("ck_offer_state", "offer")
    op.create_check_constraint(op.f("ck_offer_state"), "offer", "state IN ('draft','open','closed')")
    add("offer", "open_variables", postgresql.JSONB(), listed)
    add("offer", "auto_accept", sa.Boolean(), "false")
    add("offer", "checklist", postgresql.JSONB(), told)
    op.add_column("offer", sa.Column("for_organization_id", sa.String(26)))
    key = op.f("fk_offer_for_organization_id_organization")
    op.create_foreign_key(key, "offer", "organization", ["for_organization_id"], ["id"])

    add("contract", "checklist", postgresql.JSONB(), told)
    add("contract", "awaits_confirmation", sa.Boolean(), "false")
    add("contract", "warnings", sa.Integer(), "0")
    add("contract", "risk_marks", postgresql.JSONB(), listed)
    add("contract", "unsigned", postgresql.JSONB(), listed)
    add("contract", "renewals", sa.Integer(), "0")
    op.add_column("contract", sa.Column("renewal_told_for", sa.Date()))
    op.add_column("contract", sa.Column("renewal_refused_by", sa.String()))
    op.add_column("contract", sa.Column("renewal_ground", sa.String()))
    hidden = "NOT awaits_confirmation OR state IN ('requested','declined','expired')"
    op.create_check_constraint(op.f("ck_contract_confirmed"), "contract", hidden)

    op.create_table(
        "contract_signature",
        sa.Column("id", sa.String(26), nullable=False),
        sa.Column("contract_id", sa.String(26), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("side", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("signed_on", sa.Date(), nullable=False),
        sa.Column("signatory", sa.String(), nullable=False),
        sa.Column("scan", sa.LargeBinary()),
        sa.Column("scan_sha256", sa.String()),
        sa.Column("recorded_by", sa.String(26), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('paper','electronic')", name=op.f("ck_contract_signature_kind")),
        sa.ForeignKeyConstraint(
            ["contract_id"], ["contract.id"], name=op.f("fk_contract_signature_contract_id_contract")
        ),
        sa.ForeignKeyConstraint(["recorded_by"], ["member.id"], name=op.f("fk_contract_signature_recorded_by_member")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contract_signature")),
    )
    op.create_index(op.f("ix_contract_signature_contract_id"), "contract_signature", ["contract_id"])
    op.execute(KEPT)
    op.create_table(
        "deletion_duty",
        sa.Column("contract_id", sa.String(26), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("reminded_at", sa.DateTime(timezone=True)),
        sa.Column("certified_at", sa.DateTime(timezone=True)),
        sa.Column("certified_by", sa.String(26)),
        sa.Column("deleted_on", sa.Date()),
        sa.Column("method", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["contract_id"], ["contract.id"], name=op.f("fk_deletion_duty_contract_id_contract")),
        sa.ForeignKeyConstraint(["certified_by"], ["member.id"], name=op.f("fk_deletion_duty_certified_by_member")),
        sa.PrimaryKeyConstraint("contract_id", name=op.f("pk_deletion_duty")),
    )
    op.create_index(op.f("ix_deletion_duty_due_on"), "deletion_duty", ["due_on"])
    op.create_table(
        "buyer_policy",
        sa.Column("organization_id", sa.String(26), nullable=False),
        sa.Column("confirm_above_jpy", sa.BigInteger(), nullable=False),
        sa.Column("set_by", sa.String(26), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("confirm_above_jpy >= 0", name=op.f("ck_buyer_policy_positive")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_buyer_policy_organization_id_organization")
        ),
        sa.ForeignKeyConstraint(["set_by"], ["member.id"], name=op.f("fk_buyer_policy_set_by_member")),
        sa.PrimaryKeyConstraint("organization_id", name=op.f("pk_buyer_policy")),
    )
    op.create_table(
        "administrator_interest",
        sa.Column("member_id", sa.String(26), nullable=False),
        sa.Column("organization_id", sa.String(26), nullable=False),
        sa.Column("declared_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_administrator_interest_member_id_member")),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_administrator_interest_organization_id_organization"),
        ),
        sa.PrimaryKeyConstraint("member_id", "organization_id", name=op.f("pk_administrator_interest")),
    )
