"""Questions and complaints to the exchange: received → investigating → answered → closed.

Anyone may write, signed in or not; each gets a reference number, an answer by mail, and a row that stays.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import CheckConstraint, ForeignKey, Index, func, select
from sqlalchemy.orm import Mapped, mapped_column

from exchange import audit, clock, mail
from exchange.bank_days import bank_days_after
from exchange.database import Base, Id, Page, new_id, page, session
from exchange.errors import N_, Invalid, NotFound, Words, WrongState, text
from exchange.identity import actions, rules
from exchange.identity.models import Member

KINDS = {
    "question": N_("使い方・サービスについての質問"),
    "complaint": N_("苦情"),
    "content": N_("掲載されたデータについての申出(権利の侵害・個人情報など)"),
    "personal_data": N_("自分の個人情報の開示・訂正・利用停止などの請求"),
    "security": N_("安全上の問題の報告"),
    "other": N_("その他"),
}
STATES = {
    "received": (N_("受付済み"), "warning"),
    "investigating": (N_("調査中"), "info"),
    "answered": (N_("回答済み"), "success"),
    "closed": (N_("終了"), "info"),
}
# Who may come from where: received ──> investigating ──> answered ──> closed, and straight on from each.
TRANSITIONS = {
    "investigate": (("received",), "investigating"),
    "answer": (("received", "investigating", "answered"), "answered"),
    "close": (("received", "investigating", "answered"), "closed"),
}
ANSWER_WITHIN = timedelta(days=14)
BEGIN_WITHIN_DAYS = 3  # business days, until somebody looks into a complaint
OPEN = ("received", "investigating")
BODY_LENGTH_MAX = 5_000
LATE_MAX = 1_000


class Inquiry(Base):
    """A question or complaint, with its answer."""

    __tablename__ = "inquiry"
    __table_args__ = (
        CheckConstraint("state IN ('received','investigating','answered','closed')", name="state"),
        Index("ix_inquiry_open", "id", postgresql_where="state IN ('received','investigating')"),
    )

    id: Mapped[Id]
    reference: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    name: Mapped[str]
    email: Mapped[str]
    organization_name: Mapped[str] = mapped_column(default="")
    about: Mapped[str] = mapped_column(default="")
    body: Mapped[str]
    member_id: Mapped[str | None] = mapped_column(ForeignKey("member.id"))
    state: Mapped[str] = mapped_column(default="received")
    received_at: Mapped[datetime]
    answer: Mapped[str] = mapped_column(default="")
    answered_at: Mapped[datetime | None]
    answered_by: Mapped[str | None] = mapped_column(ForeignKey("member.id"))

    @property
    def is_open(self) -> bool:
        """Whether it waits for its answer."""
        return self.state in OPEN

    @property
    def answer_by(self) -> date:
        """The last day for its answer: promised in the terms of participation, and to whoever wrote."""
        return clock.day_of(self.received_at + ANSWER_WITHIN)

    @property
    def begin_by(self) -> date | None:
        """The last day to begin looking into a complaint, while nobody has: three business days."""
        waits = self.kind == "complaint" and self.state == "received"
        return bank_days_after(clock.day_of(self.received_at), BEGIN_WITHIN_DAYS) if waits else None

    def is_late(self, on: date) -> bool:
        """Whether a day that was promised for it has passed."""
        return self.is_open and on > (self.begin_by or self.answer_by)


@dataclass(frozen=True, kw_only=True)
class Letter:
    """What someone writes to the exchange; `about` names a listing, a contract or a page."""

    kind: str
    name: str
    email: str
    body: str
    organization_name: str = ""
    about: str = ""


def errors_in(letter: Letter) -> dict[str, list[Words]]:
    """What is wrong with a letter, by field."""
    errors: dict[str, list[Words]] = {}
    if letter.kind not in KINDS:
        errors["kind"] = [text(N_("お問い合わせの種類を選んでください。"))]
    if not 1 <= len(letter.name) <= 100:
        errors["name"] = [text(N_("お名前を100文字以内で入力してください。"))]
    if not rules.is_email(letter.email):
        errors["email"] = [text(N_("メールアドレスを「name@example.jp」の形で入力してください。"))]
    if not 10 <= len(letter.body) <= BODY_LENGTH_MAX:
        errors["body"] = [
            text(N_("内容を10文字以上%(max)s文字以内で入力してください。"), max=BODY_LENGTH_MAX),
        ]
    if len(letter.organization_name) > 200:
        errors["organization_name"] = [text(N_("組織名は200文字以内で入力してください。"))]
    if len(letter.about) > 500:
        errors["about"] = [text(N_("対象は500文字以内で入力してください。"))]
    return errors


def receive(letter: Letter, *, by: Member | None, at: datetime) -> Inquiry:
    """→ received. Keep a letter under a reference number, confirm it by mail, tell the administrators."""
    if errors := errors_in(letter):
        raise Invalid(errors)
    inquiry_id = new_id()
    inquiry = Inquiry(
        id=inquiry_id,
        reference=f"Q-{at:%Y%m%d}-{inquiry_id[-6:].upper()}",
        kind=letter.kind,
        name=letter.name,
        email=letter.email,
        organization_name=letter.organization_name,
        about=letter.about,
        body=letter.body,
        member_id=by.id if by else None,
        received_at=at,
    )
    session.add(inquiry)
    session.flush()
    audit.record("inquiry.receive", actor=inquiry.member_id, subject=f"inquiry/{inquiry.id}", at=at)
    _confirm(inquiry, at)
    actions.notify_operators(
        title=text("お問い合わせが届きました(%(reference)s)", reference=inquiry.reference),
        body=text("種類: %(kind)s", kind=text(KINDS[inquiry.kind])),
        path=f"/desk/inquiries/{inquiry.id}",
        at=at,
    )
    return inquiry


def _confirm(inquiry: Inquiry, at: datetime) -> None:
    # The sender's own words are not repeated: the address may be somebody else's, and this is no relay for spam.
    body = text(
        "お問い合わせを受け付けました。受付番号は %(reference)s です。\n"
        "%(days)s日以内を目安に、このメールアドレスへ回答します。\n"
        "お心当たりのない場合は、このメールを破棄してください。",
        reference=inquiry.reference,
        days=ANSWER_WITHIN.days,
    )
    subject = text("【仲立ち】お問い合わせを受け付けました(%(reference)s)", reference=inquiry.reference)
    mail.send(to=inquiry.email, subject=str(subject), body=str(body), at=at)


def answer(inquiry: Inquiry, words: str, *, by: Member, at: datetime) -> None:
    """received, investigating or answered → answered. The answer goes out by mail and stays with the letter."""
    if not 1 <= len(words) <= BODY_LENGTH_MAX:
        raise Invalid({"answer": [text(N_("回答を%(max)s文字以内で入力してください。"), max=BODY_LENGTH_MAX)]})
    _move(inquiry, "answer", by=by, at=at)
    inquiry.answer, inquiry.answered_at, inquiry.answered_by = words, at, by.id
    subject = text("【仲立ち】お問い合わせへの回答(%(reference)s)", reference=inquiry.reference)
    mail.send(to=inquiry.email, subject=str(subject), body=words, at=at)


def investigate(inquiry: Inquiry, *, by: Member, at: datetime) -> None:
    """received → investigating."""
    _move(inquiry, "investigate", by=by, at=at)


def close(inquiry: Inquiry, *, by: Member, at: datetime) -> None:
    """received, investigating or answered → closed."""
    _move(inquiry, "close", by=by, at=at)


def _move(inquiry: Inquiry, deed: str, *, by: Member, at: datetime) -> None:
    origins, target = TRANSITIONS[deed]
    if inquiry.state not in origins:
        raise WrongState(
            text("このお問い合わせは、すでに終了しているか処理中です。"), state=inquiry.state, allowed=allowed(inquiry)
        )
    inquiry.state = target
    audit.record(f"inquiry.{deed}", actor=by.id, subject=f"inquiry/{inquiry.id}", at=at)


def allowed(inquiry: Inquiry) -> list[str]:
    """What can be done with an inquiry in its state."""
    return [deed for deed, (origins, _) in TRANSITIONS.items() if inquiry.state in origins]


def by_id(inquiry_id: str, *, lock: bool = False) -> Inquiry:
    """An inquiry by id; raises `NotFound`."""
    found = session.get(Inquiry, inquiry_id, with_for_update=True if lock else None)
    if found is None:
        raise NotFound()
    return found


def listed(*, states: Sequence[str] = (), cursor: str | None = None) -> Page[Inquiry]:
    """Inquiries, of these states if any are named: the newest first, those without an answer by what is due first."""
    query = select(Inquiry)
    if states:
        query = query.where(Inquiry.state.in_(states))
    return page(query, Inquiry.id, cursor=cursor, oldest_first=tuple(states) == OPEN)


def waiting() -> tuple[int, datetime | None]:
    """How many inquiries have no answer yet, and since when the oldest waits."""
    query = select(func.count(), func.min(Inquiry.received_at)).where(Inquiry.state.in_(OPEN))
    count, oldest = session.execute(query).one()
    return count, oldest


def late(*, at: datetime) -> list[Inquiry]:
    """Those for which a promised day has passed, the oldest first; complaints nobody looks into after three days too."""
    query = select(Inquiry).where(Inquiry.state.in_(OPEN), Inquiry.received_at < at - timedelta(BEGIN_WITHIN_DAYS))
    found = session.scalars(query.order_by(Inquiry.id).limit(LATE_MAX))
    return [inquiry for inquiry in found if inquiry.is_late(clock.day_of(at))]
