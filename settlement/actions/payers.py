"""Paying organizations as Stripe knows them, and how they and the exchange's accountants are told."""

from datetime import datetime, timedelta

from sqlalchemy.dialects.postgresql import insert

from exchange import database
from exchange.config import config
from exchange.database import session
from exchange.errors import N_, Conflict, Words
from exchange.identity.actions import notify, notify_operators
from exchange.identity.models import Organization
from exchange.identity.queries import members_of
from settlement import stripe_gateway
from settlement.models import OnlineCustomer

KEY_LIFETIME = timedelta(hours=20)  # Stripe forgets idempotency keys after a day
DESK = "/desk/ledger/online"


class NotOffered(Conflict):
    """This amount cannot be paid in this way, or nobody can pay in this way here."""

    title_ja = N_("この方法では支払えません")


def customer_of(organization_id: str, at: datetime) -> str:
    """The organization as Stripe knows it, made known on first use."""
    known = session.get(OnlineCustomer, organization_id)
    if known is not None:
        return known.customer_id
    organization = session.get_one(Organization, organization_id)
    customer_id = stripe_gateway.make_customer(
        organization_id=organization_id,
        name=organization.name,
        email=email_of(organization_id),
        key=f"customer/{organization_id}",
    )
    row = {"organization_id": organization_id, "customer_id": customer_id, "made_at": at}
    with database.own_transaction() as beside:
        beside.execute(insert(OnlineCustomer).values(row).on_conflict_do_nothing())
    return customer_id


def email_of(organization_id: str) -> str:
    """Where an organization is asked about payments."""
    for roles in (("accountant",), ("owner",), ()):
        members = members_of(organization_id, *roles)
        if members:
            return members[0].email
    return config().mail_sender


def tell(organization_id: str, title: Words, body: Words, path: str, at: datetime) -> None:
    """Tell those of an organization who pay for it."""
    roles = ("owner", "accountant")
    notify(organization_id=organization_id, roles=roles, title=title, body=body, path=path, at=at)


def tell_finance(title: Words, body: Words, at: datetime) -> None:
    """Tell the exchange's accountants."""
    notify_operators(roles=["finance"], title=title, body=body, path=DESK, at=at)
