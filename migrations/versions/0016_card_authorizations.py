"""Cards authorized for one-off prices before their contracts are active, and the memorandum accounts of their holds."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"

BEFORE = (
    "('bank','asset','debit',false), ('stripe','asset','debit',false), ('stripe-transit','asset','debit',false), "
    "('disputed','asset','debit',false), ('advances','asset','debit',true), ('deposits','liability','credit',true), "
    "('frozen','liability','credit',true), ('unapplied','liability','credit',true), "
    "('refunds','liability','credit',true), ('payout-clearing','liability','credit',true), "
    "('fees','revenue','credit',false), ('transfer-charges','expense','debit',false), "
    "('other-income','revenue','credit',false), ('processing','expense','debit',false), "
    "('processing-taxed','expense','debit',false), ('losses','expense','debit',false), "
    "('billed','memorandum','debit',true), ('uncollected','memorandum','credit',true)"
)
CHART = f"(heading, kind, side, floored) IN ({BEFORE}, ('captured','memorandum','debit',true), ('captured-for','memorandum','credit',true))"
STATES = "'intended','open','authorized','captured','releasing','released','lapsed','abandoned','failed'"
UNDER_WAY = {"postgresql_where": sa.text("state IN ('intended','open','authorized','releasing')")}


def upgrade() -> None:
    op.drop_constraint(op.f("ck_ledger_account_chart"), "ledger_account", type_="check")
    op.create_check_constraint(op.f("ck_ledger_account_chart"), "ledger_account", CHART)
    op.create_table(
        "card_authorization",
        sa.Column("id", sa.String(26), nullable=False),
        sa.Column("contract_id", sa.String(26), nullable=False),
        sa.Column("payer_id", sa.String(26), nullable=False),
        sa.Column("amount_jpy", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("begun_by", sa.String(), nullable=False),
        sa.Column("session_id", sa.String()),
        sa.Column("url", sa.String()),
        sa.Column("intent_id", sa.String()),
        sa.Column("authorized_at", sa.DateTime(timezone=True)),
        sa.Column("expires_at", sa.DateTime(timezone=True)),
        sa.Column("hold_id", sa.String(26)),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("reason", sa.String()),
        sa.CheckConstraint(f"state IN ({STATES})", name=op.f("ck_card_authorization_state")),
        sa.CheckConstraint("amount_jpy > 0", name=op.f("ck_card_authorization_amount_positive")),
        sa.CheckConstraint(
            "state NOT IN ('authorized','captured') OR (hold_id IS NOT NULL AND expires_at IS NOT NULL)",
            name=op.f("ck_card_authorization_held"),
        ),
        sa.ForeignKeyConstraint(
            ["contract_id"], ["contract.id"], name=op.f("fk_card_authorization_contract_id_contract")
        ),
        sa.ForeignKeyConstraint(
            ["payer_id"], ["organization.id"], name=op.f("fk_card_authorization_payer_id_organization")
        ),
        sa.ForeignKeyConstraint(
            ["hold_id"], ["ledger_hold.id"], name=op.f("fk_card_authorization_hold_id_ledger_hold")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_card_authorization")),
        sa.UniqueConstraint("session_id", name=op.f("uq_card_authorization_session_id")),
        sa.UniqueConstraint("intent_id", name=op.f("uq_card_authorization_intent_id")),
        sa.UniqueConstraint("hold_id", name=op.f("uq_card_authorization_hold_id")),
    )
    op.create_index(op.f("ix_card_authorization_contract_id"), "card_authorization", ["contract_id"])
    op.create_index("uq_card_authorization_under_way", "card_authorization", ["contract_id"], unique=True, **UNDER_WAY)
    op.create_index("ix_card_authorization_under_way", "card_authorization", ["id"], **UNDER_WAY)
    op.add_column("online_payment", sa.Column("authorization_id", sa.String(26)))
    op.create_foreign_key(
        op.f("fk_online_payment_authorization_id_card_authorization"),
        "online_payment",
        "card_authorization",
        ["authorization_id"],
        ["id"],
    )
    op.create_unique_constraint(op.f("uq_online_payment_authorization_id"), "online_payment", ["authorization_id"])
    op.drop_constraint(op.f("ck_online_payment_kind"), "online_payment", type_="check")
    op.create_check_constraint(
        op.f("ck_online_payment_kind"), "online_payment", "kind IN ('checkout','saved','authorized')"
    )
    op.create_check_constraint(
        op.f("ck_online_payment_authorized"),
        "online_payment",
        "(kind = 'authorized') = (authorization_id IS NOT NULL)",
    )
