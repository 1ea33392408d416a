"""Whom can I not decide about? An administrator's ties to organizations, as declared."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from contracts import actions, queries
from exchange import clock
from exchange.errors import NotFound
from exchange.identity import managing
from exchange.identity import queries as people
from exchange.web.access import me, operator

blueprint = Blueprint("interests", __name__, url_prefix="/desk/reviews/interests")
QUERY_LENGTH_MAX = 200


@blueprint.get("")
@operator("approver")
def index() -> Any:
    """The ties I declared, and a search for an organization to declare one to."""
    declared = queries.interests_of(me().id)
    found = people.organizations_by_id(declared)
    q = request.args.get("q", "").strip()[:QUERY_LENGTH_MAX]
    page = managing.organizations(q=q, cursor=request.args.get("cursor")) if q else None
    return render_template(
        "contracts/interests.html",
        declared=[found[id] for id in declared if id in found],
        q=q,
        results=[o for o in page.items if o.id not in declared] if page else [],
        next_url=url_for("interests.index", q=q, cursor=page.next_cursor) if page and page.next_cursor else None,
    )


@blueprint.post("")
@operator("approver")
def declare() -> Any:
    """Declare a tie, or withdraw it."""
    organization = people.organization(request.form.get("organization_id", ""))
    if organization.kind == "operator":
        raise NotFound()
    declared = request.form.get("declared") == "yes"
    actions.declare_interest(organization.id, declared=declared, by=me(), at=clock.now())
    words = (
        _("%(name)s との利害関係を申告しました。") if declared else _("%(name)s との利害関係の申告を取り消しました。")
    )
    flash(words % {"name": organization.name}, "success")
    return redirect(url_for("interests.index"), 303)
