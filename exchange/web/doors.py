"""The ground floor's own doors: health and readiness, the API's documentation, and the pages about people."""

from typing import TYPE_CHECKING, Any

from flask import Blueprint, current_app, jsonify, render_template
from sqlalchemy import exc
from sqlalchemy import text as sql

from exchange import schema, storage
from exchange.database import session
from exchange.web.access import public

if TYPE_CHECKING:
    from exchange.app import Exchange

health = Blueprint("health", __name__)


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
    try:
        session.execute(sql("SELECT 1"))
    except exc.SQLAlchemyError as error:
        return f"database: {type(error).__name__}"
    return schema.reason_not_ready() or storage.reason_not_ready()


@health.get("/api/docs")
@public
def api_docs() -> Any:
    """The API for people to read, made from the same document as programs get."""
    return render_template("api_docs.html", spec=current_app.api.spec.to_dict())  # type: ignore[attr-defined]


def install(app: "Exchange") -> None:
    """Open the ground floor's doors."""
    app.register_blueprint(health)
    for endpoint in ("static", "api-docs.openapi_json"):
        app.view_functions[endpoint] = public(app.view_functions[endpoint])
