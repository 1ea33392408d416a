"""The HTML doors of delivery: what was delivered and why it costs what it costs, downloads, limits."""

import json
from datetime import datetime
from typing import Any

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response as AnyResponse
from wtforms import IntegerField
from wtforms.validators import NumberRange, Optional

import contracts.rules
from contracts import pricing
from contracts.models import Contract
from contracts.queries import contract_seen_by
from delivery import actions, profiles, queries, recipes, rules, schemas, warning, watching
from exchange import clock
from exchange.config import config
from exchange.errors import Invalid, NotFound, Words, text
from exchange.identity import second_factor
from exchange.identity.models import Member
from exchange.identity.queries import members_of
from exchange.web import api, desk, slots, watch
from exchange.web.access import me, me_or_none, public, signed_in
from exchange.web.forms import Form, attempt
from exchange.web.organization import MultiCheckboxField
from exchange.web.presentation import bytes_, locale
from exchange.web.table_files import csv_answer
from listings.models import File, Listing

blueprint = Blueprint("delivery", __name__)
MONTHS_OFFERED = 13


class LimitsForm(Form):
    """The buyer's limits for a month."""

    bytes = IntegerField(text("1か月のバイト数の上限"), validators=[Optional(), NumberRange(0, schemas.LIMIT_MAX)])
    downloads = IntegerField(
        text("1か月のダウンロード数の上限"), validators=[Optional(), NumberRange(0, schemas.LIMIT_MAX)]
    )
    amount_jpy = IntegerField(
        text("1か月の金額の上限（円・税抜）"), validators=[Optional(), NumberRange(0, schemas.LIMIT_MAX)]
    )


# ── what was delivered ───────────────────────────────────────────────────────────────────────────────────────────────


@blueprint.get("/desk/usage")
@signed_in()
def usage() -> str:
    """A month over all contracts: total, by day, by contract."""
    month = _month()
    rows = queries.usage_of(me(), month)
    days = queries.bytes_by_day([row.contract.id for row in rows], month)
    return render_template(
        "delivery/usage.html",
        month=month,
        months=_months(),
        rows=rows,
        chart=[(f"{day.month}/{day.day}", size) for day, size in days],
        delivered=sum(row.totals.delivered_bytes for row in rows),
        amount=sum(row.totals.amount_jpy for row in rows),
        links=sum(row.totals.links for row in rows),
        may_read_records=_may_read_records(),
    )


@blueprint.get("/desk/usage.csv")
@signed_in()
def usage_csv() -> Response:
    """The same as a table for accounting."""
    month = _month()
    head = [
        "契約番号",
        "データ",
        "提供者",
        "利用者",
        "リンク数",
        "引渡しバイト数",
        "課金対象バイト数",
        "ダウンロード数",
        "金額（税抜・円）",
    ]
    lines = (
        [
            row.contract.number,
            row.contract.listing.title,
            row.contract.provider.name,
            row.contract.buyer.name,
            row.totals.links,
            row.totals.delivered_bytes,
            row.totals.billable_bytes,
            row.totals.downloads,
            row.totals.amount_jpy,
        ]
        for row in queries.usage_of(me(), month)
    )
    return csv_answer(f"usage-{month}.csv", head, lines)


@blueprint.get("/desk/contracts/<contract_id>/usage")
@signed_in()
def contract_usage(contract_id: str) -> str:
    """A month under one contract, link by link, against the buyer's limits."""
    contract, month = contract_seen_by(me(), contract_id), _month()
    when = queries.Period(*clock.month_bounds(month))
    return render_template(
        "delivery/contract_usage.html",
        contract=contract,
        month=month,
        months=_months(),
        totals=queries.totals_of(contract, when),
        **_limits(contract, month),
        price_details=_price_details(contract),
        is_recorded=_may_read_records() and contract.listing.data_class in rules.RECORDED_CLASSES,
        may_set_limits=_may_set_limits(contract),
        chart=[(f"{day.month}/{day.day}", size) for day, size in queries.bytes_by_day([contract.id], month)],
        page=queries.grants_of(contract.id, when, limit=50, cursor=request.args.get("cursor")),
        variants=rules.VARIANT_TITLES,
        repeats=rules.repeat_reads(contract.pricing),
    )


@blueprint.get("/desk/contracts/<contract_id>/usage.csv")
@signed_in()
def contract_usage_csv(contract_id: str) -> Response:
    """Every request line of a month under one contract."""
    contract, month = contract_seen_by(me(), contract_id), _month()
    head = [
        "リンクID", "ファイル", "形式", "リンク発行日時", "要求ID", "日時", "方法", "応答", "送信バイト数", "範囲",
        "課金対象に加えたバイト数", "接続元", "利用者エージェント",
    ]  # fmt: skip
    lines = (
        [
            line.grant_id,
            file,
            variant,
            issued_at.isoformat(timespec="seconds"),
            line.request_id,
            line.at.isoformat(),
            line.method,
            line.status,
            line.bytes_sent,
            line.range or "",
            line.added_bytes,
            line.remote,
            line.user_agent,
        ]
        for line, file, variant, issued_at in queries.lines_of_month(contract.id, month)
    )
    return csv_answer(f"{contract.number}-{month}.csv", head, lines)


@blueprint.get("/desk/contracts/<contract_id>/usage/<grant_id>")
@signed_in()
def link_usage(contract_id: str, grant_id: str) -> str:
    """The request lines behind the figures of one link."""
    contract = contract_seen_by(me(), contract_id)
    grant = queries.grant_seen_in(contract.id, grant_id)
    lines = queries.lines_of([grant.id]).get(grant.id, [])
    return render_template(
        "delivery/link_usage.html", contract=contract, grant=grant, lines=lines, variants=rules.VARIANT_TITLES
    )


def _month() -> str:
    asked = request.args.get("month") or clock.month_of(clock.now())
    try:
        since, _ = clock.month_bounds(asked)
    except (ValueError, OverflowError):
        since = None
    if since is None or since.strftime("%Y-%m") != asked or not 1970 <= since.year <= 9000:
        raise Invalid({"month": [text("月は 2026-11 の形で指定してください。")]})
    return asked


def _months() -> list[str]:
    """The running month and those before it, the newest first."""
    found: list[str] = []
    at = clock.now()
    while len(found) < MONTHS_OFFERED:
        found.append(clock.month_of(at))
        at = clock.month_bounds(found[-1])[0] - datetime.resolution
    return found


# ── limits ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@blueprint.get("/desk/contracts/<contract_id>/limits")
@signed_in()
def edit_limits(contract_id: str) -> str:
    """The form for the buyer's limits."""
    contract = contract_seen_by(me(), contract_id)
    return render_template("delivery/limits.html", contract=contract, form=LimitsForm(obj=queries.limits(contract.id)))


@blueprint.post("/desk/contracts/<contract_id>/limits")
@signed_in()
def save_limits(contract_id: str) -> Any:
    """Set the buyer's limits."""
    contract, form = contract_seen_by(me(), contract_id), LimitsForm()
    if form.validate_on_submit():
        with attempt(form) as tried:
            limits = rules.Limits(form.bytes.data, form.downloads.data, form.amount_jpy.data)
            actions.set_limits(contract, limits, by=me(), at=clock.now())
        if tried.ok:
            return redirect(url_for("delivery.contract_usage", contract_id=contract.id), 303)
    return render_template("delivery/limits.html", contract=contract, form=form), 422


def _may_read_records() -> bool:
    return not me().is_operator and rules.may_read_records(me())


def _may_set_limits(contract: Contract) -> bool:
    return contract.buyer_id == me().organization_id and rules.may_set_limits(me())


# ── who may draw links under level L3 ────────────────────────────────────────────────────────────────────────────────


class NamedUsersForm(Form):
    """Members of the buyer."""

    emails = MultiCheckboxField(text("データを受け取る人"))


@blueprint.route("/desk/contracts/<contract_id>/named-users", methods=["GET", "POST"])
@signed_in("owner")
def named_users(contract_id: str) -> Any:
    """Name who may draw links."""
    contract = contract_seen_by(me(), contract_id)
    if contract.buyer_id != me().organization_id or not rules.is_strict(contract.variables):
        raise NotFound()
    able = [member for member in members_of(contract.buyer_id) if rules.may_receive(member)]
    form = NamedUsersForm(emails=[named.member.email for named in queries.named_users(contract.id)])
    form.emails.choices = [(member.email, _as_candidate(member)) for member in able]
    if form.validate_on_submit():
        with attempt(form) as tried:
            actions.name_users(contract, form.emails.data or [], by=me(), at=clock.now())
        if tried.ok:
            flash(str(text("データを受け取る人を保存しました。")), "success")
            return redirect(f"/desk/contracts/{contract.id}", 303)
    page = render_template("delivery/named_users.html", contract=contract, form=form)
    return (page, 422) if request.method == "POST" else page


def _as_candidate(member: Member) -> str:
    shown = f"{member.name} {member.email}"
    return shown if second_factor.is_on(member) else str(text("%(member)s（二段階認証が未設定）", member=shown))


# ── downloads ────────────────────────────────────────────────────────────────────────────────────────────────────────


@blueprint.post("/desk/contracts/<contract_id>/files/<file_id>/download")
@signed_in()
def download(contract_id: str, file_id: str) -> AnyResponse:
    """One click: a link is drawn, and the browser follows it."""
    return _followed(_link(contract_id, file_id), contract_id)


@blueprint.post("/desk/contracts/<contract_id>/files/<file_id>/link")
@signed_in()
def link_for_browser(contract_id: str, file_id: str) -> Any:
    """The same as JSON, for the page's own script that receives several files and tells how far each is."""
    return api.answered(lambda: schemas.link_answer(_link(contract_id, file_id)))


def _link(contract_id: str, file_id: str) -> actions.Link:
    return actions.issue_link(
        contract_id,
        file_id,
        variant=_variant(request.form.get("variant")),
        expires_in=rules.LIFETIME_SECONDS,
        token_id=None,
        remote=request.remote_addr,
        by=me(),
        at=clock.now(),
    )


def _followed(link: actions.Link, contract_id: str) -> AnyResponse:
    """The browser goes on to where the file lies.

    Browsers let a form lead to no store but the one that our policy names (form-action); to another, such as a holder's
    own bucket, a page of ours leads on.
    """
    if link.url.startswith((request.host_url, f"{config().s3_public_url or request.host_url.rstrip('/')}/")):
        return redirect(link.url, 303)
    page = make_response(render_template("delivery/ready.html", link=link, contract_id=contract_id))
    page.headers |= {"Refresh": f"0; url={link.url}", "Cache-Control": "no-store"}
    return page


@blueprint.get("/listings/<listing_id>/files/<file_id>/download")
@public
def download_open(listing_id: str, file_id: str) -> AnyResponse:
    """A file of open data, for anyone."""
    variant = _variant(request.args.get("variant"))
    link = actions.issue_open_link(
        listing_id, file_id, variant=variant, remote=request.remote_addr, by=me_or_none(), at=clock.now()
    )
    return redirect(link.url, 307)


# ── Delta Sharing ────────────────────────────────────────────────────────────────────────────────────────────────────


@blueprint.post("/desk/contracts/<contract_id>/profile")
@signed_in()
def issue_profile(contract_id: str) -> Response:
    """The profile file as a download: its token is shown nowhere else, and never again."""
    contract = contract_seen_by(me(), contract_id)
    profile, secret = profiles.issue_profile(contract, by=me(), at=clock.now())
    body = json.dumps(schemas.profile_answer(profile, secret, origin=request.host_url), indent=2)
    headers = {"Content-Disposition": f'attachment; filename="{contract.number}.share"', "Cache-Control": "no-store"}
    return Response(body, mimetype="application/json", headers=headers)


@blueprint.post("/desk/contracts/<contract_id>/profile/revoke")
@signed_in()
def revoke_profile(contract_id: str) -> AnyResponse:
    """End the profile."""
    profiles.revoke_profile(contract_seen_by(me(), contract_id), by=me(), at=clock.now())
    flash(str(text("共有プロファイルを取り消しました。")), "success")
    return redirect(f"/desk/contracts/{contract_id}", 303)


def _variant(asked: str | None) -> str:
    if asked in (None, ""):
        return "original"
    if asked not in rules.VARIANTS:
        raise Invalid({"variant": [text("original または parquet を指定してください。")]})
    return asked


# ── on the pages of others ───────────────────────────────────────────────────────────────────────────────────────────


def show_elsewhere() -> None:
    """Fill the slots, the menu and the figures that lower pages leave open."""
    slots.fill("file.download", _open_file)
    slots.fill("contract.files", _contract_files)
    slots.fill("contract.usage", _contract_month)
    slots.fill("operations", _meter)
    watch.source(watching.readings)
    desk.menu_item(text("利用状況"), "/desk/usage", roles=("*",), operator_roles=("*",), order=40)
    desk.figure_source(_figures)


def _open_file(*, listing: Listing, file: File, **_: Any) -> Markup | None:
    if not listing.is_open or listing.state != "published" or not file.is_deliverable:
        return None
    return Markup(render_template("delivery/parts/open_file.html", listing=listing, file=file))


def _contract_files(*, contract: Contract, **_: Any) -> Markup | None:
    member = me_or_none()
    if member is None or contract.activated_at is None:
        return None
    is_buyer = member.organization_id == contract.buyer_id
    files = queries.contract_files(contract)
    return Markup(
        render_template(
            "delivery/parts/contract_files.html",
            contract=contract,
            files=files,
            recipes={file.id: _recipe(contract, file) for file in files},
            store=config().s3_public_url or "",
            price_details=_price_details(contract),
            who_receives=text("責任者またはデータ担当が受け取れます"),
            is_buyer=is_buyer,
            may_receive=is_buyer and rules.may_receive(member),
            refusal=_refusal(contract, member) if is_buyer else None,
            level=rules.level(contract.variables),
            named=queries.named_users(contract.id) if rules.is_strict(contract.variables) else [],
            may_name=is_buyer and rules.may_name(member) and contract.state not in contracts.rules.FINAL,
            is_gated=actions.is_gated() and not any(file.place_id for file in files),
            is_denied=config().revoke_sessions and not any(file.place_id for file in files),
            tables=queries.shared_tables(contract) if is_buyer else [],
            profile=queries.profile_of(contract.id) if is_buyer else None,
        )
    )


def _refusal(contract: Contract, member: Member) -> Words | None:
    """Why this member cannot receive files now: the contract is not in force, or its level of security."""
    why = contracts.rules.delivery_refusal(contract, at=clock.now())
    if why or not rules.may_receive(member):
        return why
    return actions.security_refusal(contract.id, contract.variables, by=member)


def _recipe(contract: Contract, file: File) -> recipes.Recipe:
    return recipes.recipe(config().url, contract_id=contract.id, file_id=file.id, name=file.name)


def _contract_month(*, contract: Contract, **_: Any) -> Markup | None:
    if contract.activated_at is None:
        return None
    month = clock.month_of(clock.now())
    return Markup(
        render_template(
            "delivery/parts/contract_month.html",
            contract=contract,
            totals=queries.totals_of(contract, queries.Period(*clock.month_bounds(month))),
            **_limits(contract, month),
        )
    )


def _limits(contract: Contract, month: str) -> dict[str, Any]:
    """What stops delivery in a month, and the warnings there were."""
    in_force = queries.limits_in_force(contract.id, contract.pricing)
    return {
        "in_force": in_force,
        "warnings": warning.of_month(contract.id, month, in_force),
        "limit_titles": rules.LIMIT_TITLES,
    }


def _price_details(contract: Contract) -> list[str]:
    """What is counted, and whose bytes are billed, in the words of the offer."""
    price = pricing.parse(contract.pricing)
    return pricing.details(price, locale()) if isinstance(price, pricing.Metered) else []


def _meter(**_: Any) -> Markup:
    lag, aside = queries.log_lag(at=clock.now()), queries.set_aside(limit=20)
    return Markup(render_template("delivery/parts/meter.html", lag=lag, aside=aside))


def _figures(member: Member) -> list[desk.Figure]:
    if member.is_operator:
        return []
    month = clock.month_of(clock.now())
    delivered = queries.delivered_bytes(member, month)
    return [desk.Figure(text("今月引き渡されたデータ"), bytes_(delivered), "/desk/usage")]
