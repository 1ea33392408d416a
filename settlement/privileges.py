"""Rights in the database for an application that is not the owner of its tables.

The owner of a table can switch its triggers off; who is not, cannot. `ledger grant ROLE` gives a role what the
application needs: to read everything, to write other tables, and to add to the ledger.
"""

from psycopg.sql import SQL, Identifier

from exchange.database import session
from settlement.models import Account, Entry, Held, Hold, Seal, Transfer

APPENDED = (Account, Entry, Transfer, Seal)
DEEDS = SQL("""
GRANT USAGE ON SCHEMA public TO {role};
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role};
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {role};
REVOKE UPDATE, DELETE ON {appended} FROM {role};
REVOKE INSERT, UPDATE, DELETE ON {held} FROM {role};
REVOKE DELETE ON {hold} FROM {role}
""")


def grant(role: str) -> None:
    """Give a role of the database these rights, and take those away that it must not have."""
    names = {
        "role": Identifier(role),
        "appended": SQL(", ").join(Identifier(model.__tablename__) for model in APPENDED),
        "held": Identifier(Held.__tablename__),
        "hold": Identifier(Hold.__tablename__),
    }
    driver = session.connection().connection.driver_connection
    driver.execute(DEEDS.format(**names))  # type: ignore[union-attr]
