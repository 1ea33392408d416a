"""What a municipality tells of its own notice and of the payment it received: information, nothing in our books."""

from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from contracts import actions as contract_actions
from exchange import audit, clock, database
from exchange.database import session
from exchange.errors import Forbidden, Invalid, Words, WrongState, text
from exchange.identity.actions import notify
from exchange.identity.models import Member
from settlement import charges, documents, fiscal_years, papers, queries
from settlement.models import Assessment

NUMBER_LENGTH_MAX, REASON_LENGTH_MAX = 50, 500
WRITERS = {"owner", "accountant", "data_officer"}


def record_notice(
    assessment_id: str,
    *,
    number: str,
    noticed_on: date | None,
    due_on: date | None = None,
    by: Member,
    at: datetime,
) -> Assessment:
    """prepared, noticed → noticed: the municipality has sent its notice (納入通知書) of this number on that day.

    The fiscal year follows from the kind of revenue and the day (地方自治法施行令142条). Recording it again corrects it.
    """
    sheet = _claimed(assessment_id, by, ("prepared", "noticed"))
    errors: dict[str, list[Words]] = {}
    number, today, due_on = number.strip(), clock.day_of(at), due_on or sheet.due_on
    if not number or len(number) > NUMBER_LENGTH_MAX:
        words = text("納入通知書の番号を%(max)s文字以内で入力してください。", max=NUMBER_LENGTH_MAX)
        errors["notice_number"] = [words]
    if noticed_on is None or not sheet.supplied_from <= noticed_on <= today:
        errors["noticed_on"] = [text("通知した日を、利用の始まった日から今日までの日付で入力してください。")]
    elif due_on < noticed_on:
        errors["notice_due_on"] = [text("納期限は、通知した日以後の日付で入力してください。")]
    if errors or noticed_on is None:
        raise Invalid(errors)
    sheet.state, sheet.notice_number, sheet.noticed_on, sheet.notice_due_on = "noticed", number, noticed_on, due_on
    sheet.fiscal_year = fiscal_years.of_revenue(sheet.revenue_kind, due_on=due_on, noticed_on=noticed_on)
    detail = {"notice": number, "noticed_on": noticed_on.isoformat(), "fiscal_year": sheet.fiscal_year}
    _told("assessment.notice", sheet, detail, by, at)
    notify(
        organization_id=sheet.buyer_id,
        roles=papers.MONEY_ROLES,
        title=text("自治体から納入通知書が送られます"),
        body=text(
            "%(city)s が納入通知書 %(number)s(%(total)s円)を送りました。通知書に従い、自治体に直接お支払いください。",
            city=sheet.provider["name"],
            number=number,
            total=f"{sheet.total_jpy:,}",
        ),
        path="/desk/assessments",
        at=at,
    )
    return sheet


def record_municipal_payment(assessment_id: str, *, paid_on: date | None, by: Member, at: datetime) -> Assessment:
    """noticed → paid: the municipality has received the money. A contract paid in advance is open from now on."""
    sheet = _claimed(assessment_id, by, ("noticed",))
    first = sheet.noticed_on or sheet.issued_on
    if paid_on is None or not first <= paid_on <= clock.day_of(at):
        raise Invalid({"paid_on": [text("納付された日を、通知した日から今日までの日付で入力してください。")]})
    sheet.state, sheet.paid_on = "paid", paid_on
    _told("assessment.paid", sheet, {"paid_on": paid_on.isoformat()}, by, at)
    if sheet.ground == charges.ACTIVATION:
        contract_actions.payment_received(sheet.contract_id, at=at)
    return sheet


def withdraw_assessment(assessment_id: str, *, reason: str, by: Member, at: datetime) -> Assessment:
    """prepared, noticed → withdrawn: the municipality does not bill this; nobody else does either."""
    sheet = _claimed(assessment_id, by, ("prepared", "noticed"))
    if not reason.strip() or len(reason) > REASON_LENGTH_MAX:
        words = text("理由を%(max)s文字以内で入力してください。", max=REASON_LENGTH_MAX)
        raise Invalid({"reason": [words]})
    sheet.state = "withdrawn"
    _told("assessment.withdraw", sheet, {"reason": reason.strip()}, by, at)
    return sheet


def _claimed(assessment_id: str, by: Member, states: tuple[str, ...]) -> Assessment:
    database.lock(f"settlement/assessment/{assessment_id}")
    sheet = queries.assessment_seen_by(by, assessment_id)
    if by.organization_id != sheet.provider_id or not WRITERS & set(by.roles):
        raise Forbidden(text("納入通知書と納付は、提供者である自治体の担当者だけが記録できます。"))
    if sheet.state not in states:
        raise WrongState(text("この明細は、その記録を待っている状態ではありません。"), state=sheet.state, allowed=[])
    return sheet


def _told(deed: str, sheet: Assessment, detail: dict[str, object], by: Member, at: datetime) -> None:
    sheet.told_at, sheet.told_by = at, by.id
    session.flush()
    subject = f"assessment/{sheet.id}"
    audit.record(deed, actor=by.id, subject=subject, organization=sheet.provider_id, at=at, detail=detail)


def assessment_document(sheet: Assessment) -> bytes:
    """The PDF of a sheet, fixed on first use."""
    return documents.kept(sheet)


def print_assessment(assessment_id: str) -> None:
    """Fix the PDF of a sheet, if nobody asked for it before."""
    query = select(Assessment).where(Assessment.id == assessment_id).options(selectinload(Assessment.lines))
    documents.kept(session.scalars(query).one())
