"""What settlement shows on pages of others: the desk's tasks, figures and menu, the cost on a contract's page."""

from typing import Any

from flask import render_template, request

from exchange import clock
from exchange.errors import text
from exchange.identity.models import Member
from exchange.identity.rules import KINDS
from exchange.web import desk, slots
from exchange.web.access import me
from exchange.web.desk import Figure, Task
from exchange.web.presentation import yen
from settlement import queries, rules

MONEY_ROLES = ("owner", "accountant")


def _tasks(member: Member) -> list[Task]:
    if rules.keeps_books(member):
        return _accountant_tasks()
    if member.is_operator or not set(MONEY_ROLES) & set(member.roles):
        return []
    sums = queries.open_sums(recipient_id=member.organization_id, today=clock.today())
    sheets = queries.sheets_waiting(member.organization_id) if member.organization.kind == "municipality" else 0
    awaited = queries.awaited_of(member.organization_id)
    return [
        Task(text("発行する請求書があります"), awaited.count, awaited.oldest_at, "/desk/invoices?state=awaited"),
        Task(text("支払う請求書があります"), sums.unpaid, sums.oldest_at, "/desk/invoices", sums.first_due_on),
        Task(text("納入通知書を送る収入があります"), sheets, None, "/desk/assessments"),
    ]


def _accountant_tasks() -> list[Task]:
    receipts, refunds = queries.unapplied_receipts(), queries.refunds_to_send()
    open_months = [m for m in queries.last_months(at=clock.now(), count=1) if m.state == "open"]
    due = queries.due_payouts()
    failed, disputes = queries.failed_refunds(), [d for d in queries.payment_disputes() if d.state == "open"]
    return [
        Task(
            text("カードの支払いに異議申立てがあります"),
            len(disputes),
            _first(disputes, "opened_at"),
            "/desk/ledger/online#disputes",
            min((d.answer_by.date() for d in disputes if d.answer_by), default=None),
        ),
        Task(text("振込で返す返金があります"), len(failed), _first(failed, "begun_at"), "/desk/ledger/online#failed"),
        Task(
            text("確認が必要な入金があります"), len(receipts), _first(receipts, "recorded_at"), "/desk/ledger/receipts"
        ),
        Task(
            text("返金の振込を待っている返還があります"),
            len(refunds),
            _first(refunds, "issued_at"),
            "/desk/ledger#refunds",
        ),
        Task(text("締めていない月があります"), len(open_months), None, "/desk/ledger#months"),
        Task(
            text("アクセスログを待っている締めがあります"), len(queries.closes_waiting()), None, "/desk/ledger#months"
        ),
        Task(
            text("振込を待っている支払いがあります"),
            len(due),
            _first(due, "opened_at"),
            "/desk/payouts",
            min((p.due_on for p in due), default=None),
        ),
    ]


def _first(rows: list[Any], name: str) -> Any:
    return min((getattr(row, name) for row in rows), default=None)


def _figures(member: Member) -> list[Figure]:
    if member.is_operator and not rules.keeps_books(member):
        return []
    mine = None if member.is_operator else member.organization_id
    sums = queries.open_sums(recipient_id=mine, today=clock.today())
    unpaid = Figure(text("未払いの請求額"), yen(sums.due_jpy), "/desk/invoices")
    if member.organization.kind == "municipality":
        return [unpaid]
    coming = sum(p.amount_jpy for p in queries.due_payouts(provider_id=mine))
    return [
        unpaid,
        Figure(
            text("これから振り込む額") if mine is None else text("これから受け取る額"), yen(coming), "/desk/payouts"
        ),
    ]


def _contract_cost(contract: Any, **_: Any) -> str | None:
    """This month's cost so far on the contract page, once the contract has begun."""
    if contract.activated_at is None or contract.pricing["model"] == "free":
        return None
    at = clock.now()
    return render_template(
        "settlement/contract_cost.html",
        amount=queries.charge_so_far(contract, at=at),
        cap=contract.pricing.get("cap_jpy"),
        month=at.date(),
        invoices_url=_papers_url(contract),
        sales_url=f"/desk/contracts/{contract.id}/sales" if contract.pricing["model"] == "revenue_share" else None,
    )


def _contract_card(contract: Any, **_: Any) -> str | None:
    """The card authorized for a one-off price, or the button for one, on the buyer's page of a contract."""
    offer = queries.card_offer(me(), contract)
    if offer is None:
        return None
    is_back = bool(request.args.get("authorized"))
    return render_template("settlement/contract_card.html", offer=offer, contract=contract, is_back=is_back)


def _papers_url(contract: Any) -> str:
    """Where the papers of a contract are: a municipality bills for itself."""
    is_public = contract.provider.kind == "municipality"
    return "/desk/assessments" if is_public else f"/desk/invoices?contract_id={contract.id}"


def fill_registries() -> None:
    """Tell the desk and the contract page what settlement knows."""
    desk.task_source(_tasks)
    desk.figure_source(_figures)
    desk.menu_item(text("請求書"), "/desk/invoices", roles=("*",), operator_roles=("finance",), order=40)
    desk.menu_item(
        text("調定用明細"),
        "/desk/assessments",
        roles=("*",),
        order=43,
        kinds=("municipality",),
        waiting=lambda member: queries.sheets_waiting(member.organization_id),
    )
    paid_by_us = tuple(
        kind for kind in KINDS if kind not in ("municipality", "operator")
    )  # a municipality is paid by its buyers directly
    desk.menu_item(text("売上の受取"), "/desk/payouts", roles=MONEY_ROLES, order=45, kinds=paid_by_us)
    desk.menu_item(text("提供者への支払い"), "/desk/payouts", operator_roles=("finance",), order=45)
    desk.menu_item(text("会計帳簿"), "/desk/ledger", operator_roles=("finance",), order=50)
    slots.fill("contract.cost", _contract_cost)
    slots.fill("contract.payment", _contract_card)
