"""Less to keep up with for every log line: usage without a foreign key, as lines are, and lines by their grant alone.

What writes usage has read the grant, and grants stay. The lines of a grant are all read where they are shown.
"""

from alembic import op

revision = "0015"
down_revision = "0014"

UNION_SO_FAR = """
CREATE OR REPLACE AGGREGATE covered_so_far(int8multirange)
  (SFUNC = multirange_union, STYPE = int8multirange, INITCOND = '{}')
"""


def upgrade() -> None:
    op.drop_constraint("fk_grant_usage_grant_id_delivery_grant", "grant_usage", type_="foreignkey")
    op.drop_index("ix_request_line_grant", "request_line")
    op.create_index("ix_request_line_grant", "request_line", ["grant_id"])
    op.execute("DROP AGGREGATE covered_so_far(int8multirange)")


def downgrade() -> None:
    op.execute(UNION_SO_FAR)
    op.drop_index("ix_request_line_grant", "request_line")
    op.create_index("ix_request_line_grant", "request_line", ["grant_id", "at"])
    op.create_foreign_key(
        "fk_grant_usage_grant_id_delivery_grant", "grant_usage", "delivery_grant", ["grant_id"], ["id"]
    )
