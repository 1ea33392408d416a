"""What an organization decides for itself: above which amount its owner confirms what it requests."""

from __future__ import annotations

from datetime import datetime

from contracts.models import BuyerPolicy
from exchange import audit
from exchange.database import session
from exchange.errors import Forbidden, Invalid, text
from exchange.identity.models import Member

AMOUNT_JPY_MAX = 10**12


def set_confirm_above(amount_jpy: int | None, *, by: Member, at: datetime) -> None:
    """Requests that commit the organization to more than this in a year wait for its owner; None: none does.

    An owner's own request counts as confirmed. Owners alone set it (`Forbidden`).
    """
    if by.is_operator or "owner" not in by.roles:
        raise Forbidden(text("責任者（オーナー）だけが設定できます。"))
    kept = session.get(BuyerPolicy, by.organization_id)
    if amount_jpy is None:
        if kept is not None:
            session.delete(kept)
    elif not 0 <= amount_jpy <= AMOUNT_JPY_MAX:
        raise Invalid({"confirm_above_jpy": [text("0 円から 1 兆円までの整数で入力してください。")]})
    else:
        values = {"confirm_above_jpy": amount_jpy, "set_by": by.id, "set_at": at}
        session.merge(BuyerPolicy(organization_id=by.organization_id, **values))
    subject, detail = f"organization/{by.organization_id}", {"confirm_above_jpy": amount_jpy}
    audit.record("policy.set", actor=by.id, subject=subject, at=at, organization=by.organization_id, detail=detail)
    session.flush()
