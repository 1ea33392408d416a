"""Accounts that money is paid out to: one person enters one, another confirms it, and only then it is in force.

entered ──confirm──> in force        entered ──withdraw──> withdrawn

Whoever took over one member's session can thus not turn an organization's money away. Where an organization has nobody
else to confirm, an administrator for finance does, after asking the organization by a way known before.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from exchange import audit, database
from exchange.database import new_id, session
from exchange.errors import N_, Conflict, Forbidden, Invalid, NotFound, WrongState, text
from exchange.identity import actions, bank_accounts, queries, rules
from exchange.identity.models import BankAccountChange as Change
from exchange.identity.models import Member, Organization

DOMESTIC = N_(
    "この取引市場は、国内の支払人と受取人の間の支払いだけを扱います(この取引市場の規則です)。"
    "国外に本店がある組織は、無料のデータだけを提供し、利用できます。"
)
DOMESTIC_PAYEE = N_(
    "この取引市場は、国内の支払人と受取人の間の支払いだけを扱います(この取引市場の規則です)。"
    "国内の金融機関の口座を登録してください。"
)
CHECKED_LENGTH_MAX = 500


class DomesticOnly(Conflict):
    """This exchange settles between payers and payees in Japan alone: its own rule."""

    title_ja = N_("国内の支払いだけを扱います")


class OwnEntry(Forbidden):
    """Who entered an account cannot confirm it too."""

    title_ja = N_("口座を入力した人とは別の人が確認します")


def demand_domestic(*parties: Organization) -> None:
    """Raises `DomesticOnly` when money would flow from or to an organization abroad.

    Receiving for a payee across the border is in principle a remittance business (資金決済法, as amended in 2025).
    """
    if any(party.is_abroad for party in parties):
        raise DomesticOnly(text(DOMESTIC))


def enter(organization: Organization, account: Mapping[str, str], *, password: str, by: Member, at: datetime) -> Change:
    """Enter an account for payouts; it waits for a second person, and replaces another one that waits.

    Asks for the password again. Raises `Invalid` with every field that cannot be taken, `DomesticOnly` for an account
    or an organization abroad.
    """
    _demand_role(by, organization)
    if organization.is_abroad or bank_accounts.is_abroad(account):
        raise DomesticOnly(text(DOMESTIC_PAYEE))
    kept = bank_accounts.tidy(account)
    errors = bank_accounts.errors_in(kept)
    if not actions.password_fits(by, password):
        errors["password"] = [text(N_("パスワードが正しくありません。"))]
    if errors:
        raise Invalid(errors)
    database.lock(f"account/{organization.id}")
    if (other := waiting_of(organization.id)) is not None:
        other.withdrawn_at = at
        session.flush()
    change = Change(
        id=new_id(),
        organization_id=organization.id,
        account=dict(kept),
        entered_by=by.id,
        entered_at=at,
        replaced=False,
    )
    session.add(change)
    _record("organization.enter_bank_account", change, by, at)
    _ask(change, organization, by, at)
    return change


def _demand_role(by: Member, organization: Organization) -> None:
    if by.organization_id != organization.id or not rules.may_set_bank_account(by):
        raise Forbidden(text("この操作に必要な役割がありません。組織の責任者にご確認ください。"))


def _ask(change: Change, organization: Organization, by: Member, at: datetime) -> None:
    """Tell everybody who should know; and whoever has to confirm where the organization has nobody else."""
    words = text(
        "%(name)sさんが振込先の口座を入力しました。別の人が確認すると有効になります。心当たりのない場合は、すぐに運営者へご連絡ください。",
        name=by.name,
    )
    actions.notify(
        organization_id=organization.id,
        roles=["owner", "accountant"],
        title=text("振込先の口座の確認をお願いします"),
        body=words,
        path="/desk/organization/bank-account/confirm",
        at=at,
    )
    if not others_who_may(change):
        actions.notify_operators(
            roles=["finance"],
            title=text("振込先の口座の確認をお願いします"),
            body=text("%(name)s には、口座を確認できる人がほかにいません。", name=organization.name),
            path=f"/desk/organizations/{organization.id}/bank-account",
            at=at,
        )


def others_who_may(change: Change) -> list[Member]:
    """The members of the organization who may confirm a change: owners and accountants but who entered it."""
    found = queries.members_of(change.organization_id, "owner", "accountant")
    return [member for member in found if member.id != change.entered_by and member.confirmed_at]


def waiting_of(organization_id: str) -> Change | None:
    """The account that waits for a second person, if one does."""
    query = select(Change).where(Change.organization_id == organization_id)
    query = query.where(Change.confirmed_at.is_(None), Change.withdrawn_at.is_(None))
    return session.scalars(query.options(joinedload(Change.organization))).first()


def waiting_for(member: Member) -> list[Change]:
    """The accounts that a member could confirm now: its organization's, or, for finance, those with nobody else."""
    query = select(Change).where(Change.confirmed_at.is_(None), Change.withdrawn_at.is_(None))
    query = query.where(Change.entered_by != member.id).options(joinedload(Change.organization)).order_by(Change.id)
    if not member.is_operator:
        own = query.where(Change.organization_id == member.organization_id)
        return list(session.scalars(own)) if rules.may_set_bank_account(member) else []
    if not rules.has_role(member, "finance"):
        return []
    return [change for change in session.scalars(query.limit(100)) if not others_who_may(change)]


def confirm(change: Change, *, password: str, checked: str = "", by: Member, at: datetime) -> Organization:
    """entered → in force, by somebody else than who entered it; asks for the password again, and tells the owners.

    An administrator for finance confirms only where the organization has nobody else, and says in `checked` how the
    organization was asked. Raises `OwnEntry`, `Forbidden`, `WrongState`. A changed account holds payouts for three bank
    days.
    """
    _demand_second(change, by)
    if not change.is_waiting:
        raise WrongState(text("この口座は確認を待っていません。"), state="confirmed")
    errors = {}
    if not actions.password_fits(by, password):
        errors["password"] = [text(N_("パスワードが正しくありません。"))]
    if by.is_operator and not 0 < len(checked.strip()) <= CHECKED_LENGTH_MAX:
        errors["checked"] = [text(N_("組織にどのように確認したかを500文字以内で入力してください。"))]
    if errors:
        raise Invalid(errors)
    organization = queries.organization(change.organization_id)
    change.replaced = bool(organization.bank_account) and organization.bank_account != change.account
    change.confirmed_by, change.confirmed_at = by.id, at
    organization.bank_account = dict(change.account)
    _record("organization.confirm_bank_account", change, by, at, checked=checked.strip() or None)
    _tell_in_force(change, by, at)
    return organization


def _demand_second(change: Change, by: Member) -> None:
    if by.id == change.entered_by:
        raise OwnEntry(text("口座を入力した人は確認できません。別の責任者か経理担当が確認してください。"))
    if by.is_operator:
        if not rules.has_role(by, "finance"):
            raise Forbidden(text("精算担当の運営者だけが行える操作です。"))
        if others_who_may(change):
            raise Forbidden(text("この組織には確認できる人がいます。組織の責任者か経理担当が確認します。"))
    elif by.organization_id != change.organization_id:
        raise NotFound()
    elif not rules.may_set_bank_account(by):
        raise Forbidden(text("この操作に必要な役割がありません。組織の責任者にご確認ください。"))


def _tell_in_force(change: Change, by: Member, at: datetime) -> None:
    who = text("運営者が確認しました。") if by.is_operator else text("%(name)sさんが確認しました。", name=by.name)
    held = text("変更から3銀行営業日の間、振込を止めます。") if change.replaced else ""
    actions.notify(
        organization_id=change.organization_id,
        roles=["owner", "accountant"],
        title=text("振込先の口座が変更されました"),
        body=f"{who}{held}{text('心当たりのない場合は、すぐに運営者へご連絡ください。')}",
        path="/desk/organization",
        at=at,
    )


def withdraw(change: Change, *, by: Member, at: datetime) -> None:
    """entered → withdrawn, by anyone of the organization who may set accounts, or who would have to confirm it."""
    if by.is_operator:
        _demand_second(change, by)
    else:
        _demand_role(by, queries.organization(change.organization_id))
    if not change.is_waiting:
        raise WrongState(text("この口座は確認を待っていません。"), state="confirmed")
    change.withdrawn_at = at
    _record("organization.withdraw_bank_account", change, by, at)


def newest_changes(organization_ids: Sequence[str]) -> dict[str, list[Change]]:
    """Of each organization, the account that waits, if any, and the one confirmed last."""
    query = select(Change).where(Change.organization_id.in_(organization_ids), Change.withdrawn_at.is_(None))
    newest: dict[tuple[str, bool], Change] = {}
    for change in session.scalars(query.order_by(Change.confirmed_at, Change.id)):
        newest[change.organization_id, change.is_waiting] = change
    found: dict[str, list[Change]] = {}
    for (organization_id, _), change in newest.items():
        found.setdefault(organization_id, []).append(change)
    return found


def _record(deed: str, change: Change, by: Member, at: datetime, **detail: object) -> None:
    subject = f"organization/{change.organization_id}"
    audit.record(
        deed,
        actor=by.id,
        subject=subject,
        at=at,
        organization=change.organization_id,
        detail={"change": change.id} | detail,
    )
