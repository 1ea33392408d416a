"""Words about invoices that are not paid, and delivery stopped where they are not heard."""

from datetime import datetime

from exchange import database
from settlement import arrears
from settlement.actions.locks import MONEY


def remind(*, at: datetime) -> int:
    """Tell each buyer what is to be told today, and stop what is to be stopped; how many invoices that were.

    Under the lock of money: a payment under way is seen, or sees what was stopped and resumes it.
    """
    database.lock(MONEY)
    return arrears.remind(at=at)
