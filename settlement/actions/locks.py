"""What every deed with money asks first: may this person, and does nobody else move money at this moment."""

from exchange.errors import Forbidden, text
from exchange.identity.models import Member
from settlement import rules

MONEY = "settlement/money"  # held by every deed that moves money, so that deeds see each other


def only_finance(by: Member) -> None:
    """Raises `Forbidden` for anyone but an administrator for finance."""
    if not rules.keeps_books(by):
        raise Forbidden(text("精算担当の運営者だけが行える操作です。"))
