"""The life of a contract, who may move it, and what it entitles to. Pure.

                          ┌────────── counter ─────────┐ counter (the other side's turn)
                          ▼                            ▼
    request ──▶ requested ──────── counter ──────▶ countered     (confirm: requested stays, but now others see it)
                 ▲  │  │                             │  │  │
                 │  │  └── decline ──▶ declined ◀────┘  │  │
                 │  └───── expire ───▶ expired  ◀───────┘  │
                 │  │                                      │
                 │  └── accept ──▶ accepted ◀── accept ────┘
                 │                  │  │  │
                 └───── return ─────┘  │  └── reject ──▶ rejected
                                       │
                            approve (the last that is needed), sign (the last that is needed)
                                       ▼
                 suspended ◀─ suspend ─ active ── end ──▶ ended ◀── end ── suspended
                     │  └──── resume ────▲  │
                     └─ terminate ─▶ terminated ◀─ terminate

declined, rejected, expired, terminated and ended are final. An active or suspended contract renews where its term
says so and neither party refused; that changes its end, not its state.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import median
from typing import Any, Literal, Protocol
from zoneinfo import ZoneInfo

from exchange.errors import N_, Forbidden, Words, WrongState, text

Side = Literal["buyer", "provider", "operator"]

STATES = (
    "requested",
    "countered",
    "accepted",
    "active",
    "suspended",
    "terminated",
    "declined",
    "rejected",
    "expired",
    "ended",
)
FINAL = frozenset({"terminated", "declined", "rejected", "expired", "ended"})
RUNNING = ("active", "suspended")
DEEDS = (
    "confirm",
    "accept",
    "counter",
    "approve",
    "sign",
    "return",
    "reject",
    "decline",
    "suspend",
    "resume",
    "refuse_renewal",
    "terminate",
    "expire",
    "renew",
    "end",
)
TRANSITIONS: dict[tuple[str, str], str] = {
    ("requested", "confirm"): "requested",
    ("requested", "accept"): "accepted",
    ("requested", "counter"): "countered",
    ("requested", "decline"): "declined",
    ("requested", "expire"): "expired",
    ("countered", "accept"): "accepted",
    ("countered", "counter"): "countered",
    ("countered", "decline"): "declined",
    ("countered", "expire"): "expired",
    ("accepted", "approve"): "active",
    ("accepted", "sign"): "accepted",
    ("accepted", "return"): "requested",
    ("accepted", "reject"): "rejected",
    ("active", "suspend"): "suspended",
    ("active", "terminate"): "terminated",
    ("active", "refuse_renewal"): "active",
    ("active", "renew"): "active",
    ("active", "end"): "ended",
    ("suspended", "resume"): "active",
    ("suspended", "terminate"): "terminated",
    ("suspended", "refuse_renewal"): "suspended",
    ("suspended", "renew"): "suspended",
    ("suspended", "end"): "ended",
}
WHO: dict[str, frozenset[Side]] = {
    "confirm": frozenset({"buyer"}),
    "accept": frozenset({"buyer", "provider"}),
    "counter": frozenset({"buyer", "provider"}),
    "decline": frozenset({"buyer", "provider"}),
    "approve": frozenset({"operator"}),
    "sign": frozenset({"buyer", "provider"}),
    "return": frozenset({"operator"}),
    "reject": frozenset({"operator"}),
    "suspend": frozenset({"provider", "operator"}),
    "resume": frozenset({"provider", "operator"}),
    "refuse_renewal": frozenset({"buyer", "provider"}),
    "terminate": frozenset({"buyer", "provider", "operator"}),
}
IN_TURN = frozenset({"accept", "counter"})
OFFICERS = frozenset({"owner", "data_officer"})
BINDING = frozenset({"request", "accept", "counter", "decline", "terminate", "refuse_renewal"})

STATE_TITLES = {
    "requested": N_("申込み中"),
    "countered": N_("条件の協議中"),
    "accepted": N_("承認待ち"),
    "active": N_("契約中"),
    "suspended": N_("停止中"),
    "terminated": N_("解約"),
    "declined": N_("辞退"),
    "rejected": N_("不承認"),
    "expired": N_("失効"),
    "ended": N_("期間満了"),
}
STATE_KINDS = {
    "requested": "info",
    "countered": "info",
    "accepted": "info",
    "active": "success",
    "suspended": "warning",
    "terminated": "neutral",
    "declined": "neutral",
    "rejected": "error",
    "expired": "neutral",
    "ended": "neutral",
}
DEED_TITLES = {
    "request": N_("申し込む"),
    "confirm": N_("社内で確認する"),
    "accept": N_("承諾する"),
    "counter": N_("条件を変えて提案する"),
    "approve": N_("承認する"),
    "sign": N_("記名押印・電子署名を記録する"),
    "return": N_("差し戻す"),
    "reject": N_("承認しない"),
    "decline": N_("辞退する"),
    "suspend": N_("停止する"),
    "resume": N_("再開する"),
    "refuse_renewal": N_("更新しない"),
    "terminate": N_("解約する"),
    "renew": N_("更新"),
    "expire": N_("失効"),
    "end": N_("期間満了"),
}

ANSWER_WITHIN = timedelta(days=45)  # a request that nobody answers lapses then (field practice: AWS Data Exchange)
LAPSE_WARNINGS = (timedelta(days=15), timedelta(days=3))  # before it lapses, whose turn it is is told
RENEWAL_WARNING = timedelta(days=14)  # before the last day on which a renewal can be refused
JST = ZoneInfo("Asia/Tokyo")


class Agent(Protocol):
    """Whoever acts: a member of one organization."""

    roles: list[str]
    may_bind: bool
    organization_id: str

    @property
    def is_operator(self) -> bool: ...


class Parties(Protocol):
    """What of a contract says who is who, and where it stands."""

    provider_id: str
    buyer_id: str
    buyer: Any
    state: str
    turn: str | None
    suspended_by: str | None
    awaits_confirmation: bool
    unsigned: list[Any]
    variables: dict[str, Any]
    renewal_refused_by: str | None


class Standing(Parties, Protocol):
    """What of a contract says, beside that, how its term goes on and what is owed after the end."""

    ends_on: date | None
    renewal_ground: str | None
    deletion: Any


class Running(Protocol):
    """What of a contract says whether data may be delivered under it."""

    state: str
    starts_on: date | None
    ends_on: date | None
    terminates_at: datetime | None
    payment: str
    paid_at: datetime | None


def after(state: str, deed: str) -> str:
    """The state that follows; raises `WrongState` with the deeds this state allows."""
    if (state, deed) not in TRANSITIONS:
        raise WrongState(
            text("この契約は「%(state)s」のため、この操作はできません。", state=text(STATE_TITLES[state])),
            state=state,
            allowed=deeds_in(state),
        )
    return TRANSITIONS[state, deed]


def deeds_in(state: str) -> list[str]:
    """The deeds of people that a state allows, whoever they are."""
    return [deed for deed in DEEDS if (state, deed) in TRANSITIONS and deed in WHO]


def side_of(agent: Agent, contract: Parties) -> Side | None:
    """Which side of a contract somebody stands on; None for strangers."""
    if agent.is_operator:
        return "operator"
    if agent.organization_id == contract.buyer_id:
        return "buyer"
    return "provider" if agent.organization_id == contract.provider_id else None


def refusal(deed: str, agent: Agent, contract: Parties) -> Words | None:
    """Why this person may not do this to this contract, whatever its state; None when it may be done.

    Parties act through those who may bind their organization (契約権者); stopping delivery is open to data officers
    too, because a leak does not wait. Only the side that suspended resumes.
    """
    side = side_of(agent, contract)
    if side not in WHO[deed]:
        return text("この操作は、%(who)sが行います。", who=text(_WHO_TITLES[deed]))
    if side == "operator":
        wanting = None if "approver" in agent.roles else text("審査担当の役割が必要です。")
    elif deed == "confirm":
        wanting = None if "owner" in agent.roles else text("責任者（オーナー）だけが確認できます。")
    elif deed in BINDING:
        wanting = None if agent.may_bind else text("組織を代表して契約できる人（契約権者）だけが行えます。")
    else:
        officer = agent.may_bind or OFFICERS & set(agent.roles)
        wanting = None if officer else text("責任者またはデータ担当の役割が必要です。")
    by_arrears = contract.suspended_by == "arrears" and side == "operator"  # the exchange may give a payer more time
    if wanting is None and deed == "resume" and contract.suspended_by not in (None, side) and not by_arrears:
        return text("停止した側だけが再開できます。")
    return wanting


_WHO_TITLES = {
    "confirm": N_("利用者の責任者"),
    "accept": N_("当事者"),
    "counter": N_("当事者"),
    "decline": N_("当事者"),
    "approve": N_("運営者の審査担当"),
    "sign": N_("自治体である当事者"),
    "return": N_("運営者の審査担当"),
    "reject": N_("運営者の審査担当"),
    "suspend": N_("提供者または運営者"),
    "resume": N_("停止した側"),
    "refuse_renewal": N_("当事者"),
    "terminate": N_("当事者または運営者"),
}


def beside_the_point(deed: str, contract: Parties, side: str | None) -> Words | None:
    """Why a deed that the state allows has no object in this contract; None when it has."""
    if deed == "confirm" and not contract.awaits_confirmation:
        return text("この申込みは、社内の確認を待っていません。")
    if deed == "sign" and side not in contract.unsigned:
        return text("記録を待っている記名押印または電子署名はありません。")
    if deed == "refuse_renewal":
        if contract.variables.get("term") != "renewing":
            return text("この契約は自動では更新されません。")
        if contract.renewal_refused_by is not None:
            return text("更新しないことが、すでに通知されています。")
    return None


def check(deed: str, agent: Agent, contract: Parties) -> str:
    """The state after the deed.

    Raises `Forbidden` when this person may never do it, `WrongState` when the contract is not where it can be done
    or when it is the other side's turn.
    """
    why = refusal(deed, agent, contract)
    if why:
        raise Forbidden(why)
    following = after(contract.state, deed)
    if deed in IN_TURN and contract.turn != side_of(agent, contract):
        others = [d for d in deeds_in(contract.state) if d not in IN_TURN]
        raise WrongState(text("相手方の回答を待っています。"), state=contract.state, allowed=others)
    pointless = beside_the_point(deed, contract, side_of(agent, contract))
    if pointless:
        raise WrongState(pointless, state=contract.state, allowed=allowed(agent, contract))
    return following


def allowed(agent: Agent, contract: Parties) -> list[str]:
    """The deeds open to this person now, for buttons."""
    side = side_of(agent, contract)
    return [
        deed
        for deed in deeds_in(contract.state)
        if refusal(deed, agent, contract) is None
        and (deed not in IN_TURN or contract.turn == side)
        and beside_the_point(deed, contract, side) is None
    ]


def may_record_ground(agent: Agent, contract: Parties) -> bool:
    """Whether this person may record why a municipal buyer is bound past 31 March."""
    is_city = contract.buyer.kind == "municipality"
    return is_city and side_of(agent, contract) == "buyer" and agent.may_bind


def may_certify_deletion(agent: Agent, contract: Parties) -> bool:
    """Whether this person may state for the buyer that the data were deleted."""
    return side_of(agent, contract) == "buyer" and bool(agent.may_bind or OFFICERS & set(agent.roles))


def open_to(agent: Agent, contract: Standing, today: date) -> list[str]:
    """What this person can do about a contract today, for pages: the allowed deeds as long as notice is in time, and
    `ground` and `delete`, which belong to no state.
    """
    ahead, duty = renewal(contract), contract.deletion
    found = [d for d in allowed(agent, contract) if d != "refuse_renewal" or (ahead and today <= ahead.last_notice)]
    if ahead and ahead.needs_ground and ahead.refused_by is None and may_record_ground(agent, contract):
        found.append("ground")
    if duty is not None and duty.certified_at is None and may_certify_deletion(agent, contract):
        found.append("delete")
    return found


def other(side: str) -> str:
    """The other party."""
    return "provider" if side == "buyer" else "buyer"


RISK_TITLES = {
    "data_class": N_("データ区分に特別の注意がいる"),
    "cross_border": N_("国外に保存する"),
    "exclusive": N_("独占的な許諾"),
    "price": N_("ほかの提供条件と価格が大きく違う"),
    "deviation": N_("標準から変わった重要な条件がある"),
}


def risk_marks(
    variables: Mapping[str, Any],
    *,
    data_class: str,
    deviating: Sequence[str],
    price_jpy: int,
    other_prices_jpy: Sequence[int] = (),
) -> list[str]:
    """What about a deal makes a second administrator look.

    `deviating` are the weighty variables away from their default; prices are those of an example month, in yen. A
    price is far from the others where there are at least two and it is under half or over twice their median.
    """
    found = {
        "data_class": data_class in ("anonymized", "person_related"),
        "cross_border": variables.get("storage_country") == "worldwide",
        "exclusive": is_exclusive(variables),
        "price": len(other_prices_jpy) > 1 and not _near(price_jpy, median(other_prices_jpy)),
        "deviation": bool(deviating),
    }
    return [mark for mark, holds in found.items() if holds]


def _near(price: int, middle: float) -> bool:
    return middle / 2 <= price <= middle * 2


def closes_listing(variables: Mapping[str, Any]) -> bool:
    """Whether nobody else may contract on the data meanwhile: an exclusive licence, or an assignment of all rights.

    Article 3 of the assignment warrants that nothing else is granted; its own variable tells it.
    """
    return is_exclusive(variables) or "transfer_time" in variables


def is_exclusive(variables: Mapping[str, Any]) -> bool:
    """Whether the provider may license nobody else meanwhile."""
    return variables.get("exclusivity", "non_exclusive") != "non_exclusive"


def approvals_needed(marks: Sequence[str]) -> int:
    """How many administrators must approve: two where the deal carries a mark of risk, else one."""
    return 2 if marks else 1


def deletion_due_on(variables: Mapping[str, Any], ended_on: date) -> date | None:
    """Until when the data must be deleted after the end; None where the terms let them be kept (創出型, 譲渡).

    Where use goes on for some months after the end, the days count from there.
    """
    days, after_end = variables.get("delete_days"), variables.get("after_end", "stop")
    if days is None or after_end == "continue":
        return None
    last = ended_on
    if after_end == "limited":
        last = ends_on(ended_on + timedelta(days=1), int(variables["after_end_months"]))
    return last + timedelta(days=int(days))


def next_end(last_day: date, months: int) -> date:
    """The last day of the term that follows one which ends on `last_day`."""
    return ends_on(last_day + timedelta(days=1), months)


FISCAL_YEAR_ENDS = (3, 31)


def passes_fiscal_year(last_day: date, until: date) -> bool:
    """Whether a term prolonged from `last_day` to `until` goes past the 31 March that comes next."""
    year = last_day.year if (last_day.month, last_day.day) <= FISCAL_YEAR_ENDS else last_day.year + 1
    return until > date(year, *FISCAL_YEAR_ENDS)


@dataclass(frozen=True)
class Renewal:
    """What becomes of a term that renews itself, once it ends."""

    ends_on: date
    until: date  # the last day of the term that would follow
    last_notice: date  # the last day on which either party can refuse
    refused_by: str | None
    needs_ground: bool
    ground: str | None

    @property
    def renews(self) -> bool:
        """Whether it goes on by itself, as things stand.

        A municipal buyer is bound past 31 March only on a recorded ground: 債務負担行為 (地方自治法 214条) or
        長期継続契約 (234条の3).
        """
        return self.refused_by is None and not (self.needs_ground and not self.ground)

    def nears(self, today: date) -> bool:
        """Whether it is time to think about refusing."""
        return self.last_notice - RENEWAL_WARNING <= today <= self.last_notice


def renewal(contract: Standing) -> Renewal | None:
    """How the running term of a contract that renews itself goes on; None for any other contract."""
    values, last_day = contract.variables, contract.ends_on
    if values.get("term") != "renewing" or last_day is None or contract.state not in RUNNING:
        return None
    until = next_end(last_day, int(values["term_months"]))
    return Renewal(
        ends_on=last_day,
        until=until,
        last_notice=last_day - timedelta(days=int(values["renewal_notice_days"])),
        refused_by=contract.renewal_refused_by,
        needs_ground=contract.buyer.kind == "municipality" and passes_fiscal_year(last_day, until),
        ground=contract.renewal_ground,
    )


# ── what a contract entitles to ──────────────────────────────────────────────────────────────────────────────────────


def delivery_refusal(contract: Running, *, at: datetime) -> Words | None:
    """Why nothing may be delivered under this contract at that moment; None when data may be delivered.

    In force means active, within its term by Japan's calendar, not past a termination that was announced, and, where
    the price is paid in advance, paid.
    """
    day = at.astimezone(JST).date()
    if contract.state != "active":
        return text("契約が有効ではありません（%(state)s）。", state=text(STATE_TITLES[contract.state]))
    if contract.starts_on and day < contract.starts_on:
        return text("契約の開始日は %(day)s です。", day=contract.starts_on.isoformat())
    if (contract.ends_on and day > contract.ends_on) or (contract.terminates_at and at >= contract.terminates_at):
        return text("契約期間が終了しています。")
    if contract.payment == "prepaid" and contract.paid_at is None:
        return text("前払いの契約です。入金の確認後にデータを引き渡します。")
    return None


class Release(Protocol):
    """What of a release says whether a contract covers it."""

    id: str
    state: str
    published_at: datetime | None


def covers(
    release: Release,
    *,
    contract_release_id: str | None,
    variables: Mapping[str, Any],
    activated_at: datetime | None,
    ended_at: datetime | None = None,
) -> bool:
    """Whether files of this release may be delivered under a contract on that listing.

    Always the release that was current when the contract was requested; with `updates: included` also those published
    from then until the contract ends. Drafts never. Older releases only when they are the contracted one.
    """
    if release.id == contract_release_id:
        return release.published_at is not None
    if release.published_at is None or variables.get("updates") != "included" or activated_at is None:
        return False
    # Between request and approval a release may have come out; the buyer asked for what is current.
    return release.id > (contract_release_id or "") and (ended_at is None or release.published_at < ended_at)


def ends_on(starts_on: date, months: int) -> date:
    """The last day of a term of so many months: 2026-04-01 and 12 months end on 2027-03-31 (民法143条)."""
    year, month = divmod(starts_on.year * 12 + starts_on.month - 1 + months, 12)
    first_of_next = date(year + (month + 1) // 12, (month + 1) % 12 + 1, 1)
    last_day = (first_of_next - timedelta(days=1)).day
    if starts_on.day > last_day:  # no such day in the last month: the term ends with that month
        return date(year, month + 1, last_day)
    return date(year, month + 1, starts_on.day) - timedelta(days=1)


def cure_ends_at(at: datetime, cure_days: int) -> datetime:
    """When a termination with cure period takes effect: midnight in Japan after so many whole days."""
    day = at.astimezone(JST).date() + timedelta(days=cure_days + 1)
    return datetime(day.year, day.month, day.day, tzinfo=JST)
