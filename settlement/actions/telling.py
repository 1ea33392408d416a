"""What parties tell that invoices are made from: a seller's registration, a buyer's sales."""

from datetime import date, datetime, time, timedelta

from sqlalchemy import func, select

from contracts import queries as contracts
from exchange import audit, clock, database
from exchange.database import new_id, session
from exchange.errors import Forbidden, Invalid, Words, WrongState, text
from exchange.identity.models import Member
from exchange.money import JPY_MAX
from settlement import charges, papers, queries, rules
from settlement.models import RegistrationNotice, SalesReport

REPORTS_MAX = 20  # of one month: a correction or two, not a log


def give_registration_notice(
    *, issues_itself: bool, valid_from: date | None = None, by: Member, at: datetime
) -> RegistrationNotice:
    """Tell the exchange the seller's registration number, for trades from now on, and who shall issue the invoices.

    With `issues_itself` the seller uploads its own for each statement; otherwise the exchange issues in its own name where the law lets it
    (施行令70条の12: notice before the trade). Holds from now, or from the beginning of a day at most a year ahead, and then
    replaces what was told before. Refuses a seller without a number in force.
    """
    _only_money(by)
    seller = by.organization
    if seller.kind in ("municipality", "operator"):
        raise WrongState(text("自治体の対価は、自治体が納入通知書により直接請求します。"), state="public", allowed=[])
    today = clock.day_of(at)
    number = rules.registration_on(seller, today)
    if number is None:
        raise Invalid(
            {"registration_number": [text("有効な登録番号がありません。組織の情報に登録番号を入力してください。")]}
        )
    if valid_from is not None and not today <= valid_from <= today + timedelta(days=365):
        raise Invalid({"valid_from": [text("適用を始める日は、今日から1年以内の日付にしてください。")]})
    since = max(at, datetime.combine(valid_from or today, time(), tzinfo=clock.JST))
    database.lock(f"settlement/registration/{seller.id}")
    _withdraw_standing(seller.id, since)
    made = RegistrationNotice(
        id=new_id(),
        organization_id=seller.id,
        registration_number=number,
        issues_itself=issues_itself,
        given_at=at,
        valid_from=since,
        given_by=by.id,
    )
    session.add(made)
    detail = {"registration_number": number, "issues_itself": issues_itself, "valid_from": since.isoformat()}
    audit.record(
        "registration.notice",
        actor=by.id,
        subject=f"organization/{seller.id}",
        organization=seller.id,
        at=at,
        detail=detail,
    )
    session.flush()
    return made


def withdraw_registration_notice(*, by: Member, at: datetime) -> None:
    """Take the notice back for trades from now on: when the registration ends, or when the seller wishes."""
    _only_money(by)
    database.lock(f"settlement/registration/{by.organization_id}")
    if not _withdraw_standing(by.organization_id, at):
        raise WrongState(text("取り下げる通知はありません。"), state="none", allowed=[])
    audit.record(
        "registration.withdraw",
        actor=by.id,
        subject=f"organization/{by.organization_id}",
        organization=by.organization_id,
        at=at,
    )


def _withdraw_standing(organization_id: str, at: datetime) -> bool:
    """End at a moment whatever would still hold after it; whether there was anything."""
    standing = [
        n for n in queries.registration_notices(organization_id) if n.withdrawn_at is None or n.withdrawn_at > at
    ]
    for notice in standing:
        notice.withdrawn_at = at
    session.flush()
    return bool(standing)


def _only_money(by: Member) -> None:
    if by.is_operator or not set(papers.MONEY_ROLES) & set(by.roles):
        raise Forbidden(text("責任者または経理担当だけが行える操作です。"))


def report_sales(contract_id: str, *, month: str, sales_jpy: int, by: Member, at: datetime) -> SalesReport:
    """The buyer tells what it sold in a month under a price that is a share of it; a later report replaces it.

    Told after the month was closed, the difference is charged with the next month that is closed.
    """
    contract = contracts.contract_seen_by(by, contract_id)
    if by.organization_id != contract.buyer_id or by.is_operator or "viewer" in by.roles:
        raise Forbidden(text("売上は、利用者の担当者だけが報告できます。"))
    if contract.pricing["model"] != "revenue_share" or contract.activated_at is None:
        raise WrongState(text("売上の報告を待っている契約ではありません。"), state=contract.state, allowed=[])
    queries.check_month(month)
    database.lock(f"settlement/sales/{contract_id}")
    errors: dict[str, list[Words]] = {}
    first, last = charges.month_days(month)
    if month > clock.month_of(at) or not charges.days_in_force(contract, first, last):
        errors["month"] = [text("契約が有効だった月を、今月までから指定してください。")]
    elif month < _earliest(at):
        errors["month"] = [text("%(n)sか月より前の月の売上は、運営者にご連絡ください。", n=charges.LATE_MONTHS)]
    if not 0 <= sales_jpy <= JPY_MAX:
        errors["sales_jpy"] = [text("売上額は0円以上の整数で入力してください。")]
    query = select(func.count()).where(SalesReport.contract_id == contract_id, SalesReport.month == month)
    if (session.scalar(query) or 0) >= REPORTS_MAX:
        errors["sales_jpy"] = [text("同じ月の報告は%(max)s回までです。運営者にご連絡ください。", max=REPORTS_MAX)]
    if errors:
        raise Invalid(errors)
    made = SalesReport(
        id=new_id(), contract_id=contract_id, month=month, sales_jpy=sales_jpy, reported_at=at, reported_by=by.id
    )
    session.add(made)
    detail, subject = {"month": month, "sales_jpy": sales_jpy}, f"contract/{contract_id}"
    audit.record("sales.report", actor=by.id, subject=subject, organization=by.organization_id, at=at, detail=detail)
    session.flush()
    return made


def _earliest(at: datetime) -> str:
    since = clock.month_bounds(clock.month_of(at))[0]
    for _ in range(charges.LATE_MONTHS):
        since = (since - timedelta(days=1)).replace(day=1)
    return f"{since:%Y-%m}"
