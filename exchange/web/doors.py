"""The ground floor's own doors: health and readiness, the API's documentation, and the pages about people."""

from typing import TYPE_CHECKING, Any

from flask import Blueprint, current_app, jsonify, render_template

from exchange import database, schema, storage
from exchange.errors import N_
from exchange.web import (
    account,
    desk,
    desk_pages,
    hearings,
    inquiries,
    legal,
    metrics,
    operations,
    organization,
    organizations,
    settings,
    sign_in,
    sign_up,
    tokens,
    whoami,
)
from exchange.web.access import public

if TYPE_CHECKING:
    from exchange.app import Exchange

health = Blueprint("health", __name__)
PAGES = (
    sign_in,
    sign_up,
    desk_pages,
    account,
    tokens,
    organization,
    organizations,
    hearings,
    inquiries,
    operations,
    settings,
    legal,
)


@health.get("/healthz")
@public
def alive() -> Any:
    """200 as soon as the process serves."""
    return jsonify(status="ok")


@health.get("/readyz")
@public
def ready() -> Any:
    """200 when database, migrations and storage are ready, else 503 with the reason."""
    reason = _reason_not_ready()
    return (jsonify(status="waiting", reason=reason), 503) if reason else jsonify(status="ready")


def _reason_not_ready() -> str | None:
    return database.reason_not_ready() or schema.reason_not_ready() or storage.reason_not_ready()


@health.get("/api/docs")
@public
def api_docs() -> Any:
    """The API for people to read, made from the same document as programs get."""
    return render_template("api_docs.html", spec=current_app.api.spec.to_dict())  # type: ignore[attr-defined]


def install(app: "Exchange") -> None:
    """Open the ground floor's doors."""
    app.register_blueprint(health)
    for door in PAGES:
        app.register_blueprint(door.blueprint)
    app.register_api(whoami.blueprint)
    metrics.install(app)
    _fill_desk()
    for endpoint in ("static", "api-docs.openapi_json"):
        app.view_functions[endpoint] = public(app.view_functions[endpoint])


def _fill_desk() -> None:
    """The ground floor's own tasks and menu entries."""
    found = (organizations.waiting, organizations.accounts_waiting, inquiries.waiting, hearings.waiting)
    for source in (desk_pages.own_tasks, *found):
        desk.task_source(source)
    everybody: dict[str, Any] = {"roles": ("*",), "operator_roles": ("*",)}
    desk.menu_item(N_("デスク"), "/desk", order=0, **everybody)
    desk.menu_item(N_("お知らせ"), "/desk/notices", order=5, **everybody)
    desk.menu_item(N_("組織の審査"), "/desk/organizations", operator_roles=("*",), order=30)
    desk.menu_item(N_("お問い合わせ"), "/desk/inquiries", operator_roles=("*",), order=35)
    desk.menu_item(N_("運用状況"), "/desk/operations", operator_roles=("*",), order=80)
    desk.menu_item(N_("設定"), "/desk/settings", operator_roles=("finance", "system"), order=82)
    desk.menu_item(N_("監査記録"), "/desk/audit", operator_roles=("*",), order=84)
    desk.menu_item(N_("組織とメンバー"), "/desk/organization", order=90, **everybody)
    desk.menu_item(N_("APIトークン"), "/desk/tokens", order=92, **everybody)
    desk.menu_item(N_("アカウント"), "/desk/account", order=94, **everybody)
