"""The desk: what waits for me, what I was told."""

from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from sqlalchemy import update

from exchange import clock
from exchange.database import session
from exchange.errors import NotFound, text
from exchange.identity import queries, rules, terms
from exchange.identity.models import Member, Notice
from exchange.web import desk
from exchange.web.access import me, signed_in
from exchange.web.forms import Form, attempt
from exchange.web.sign_in import local_path

blueprint = Blueprint("desk", __name__, url_prefix="/desk")
NOTICES_SHOWN = 5


class TermsForm(Form):
    """Nothing but the consent."""


@blueprint.get("")
@signed_in()
def index() -> Any:
    """What waits for me, then this month's figures, then what I was told last."""
    member = me()
    return render_template(
        "desk/index.html",
        member=member,
        tasks=desk.tasks_of(member),
        figures=desk.figures_of(member),
        notices=queries.notices_of(member, limit=NOTICES_SHOWN).items,
        unread=queries.unread_count(member),
        role_titles=[rules.ROLE_TITLES[role] for role in member.roles],
        may_list=rules.may_list(member) and not member.is_operator,
        now=clock.now(),
    )


@blueprint.get("/notices")
@signed_in()
def notices() -> Any:
    """Everything I was told, the newest first."""
    page = queries.notices_of(me(), cursor=request.args.get("cursor"))
    return render_template(
        "desk/notices.html",
        page=page,
        unread=queries.unread_count(me()),
        next_url=url_for("desk.notices", cursor=page.next_cursor) if page.next_cursor else None,
        first_url=url_for("desk.notices") if request.args.get("cursor") else None,
    )


@blueprint.post("/notices/<notice_id>")
@signed_in()
def open_notice(notice_id: str) -> Any:
    """Mark a notice as read and go to what it is about."""
    notice = session.get(Notice, notice_id)
    if notice is None or notice.member_id != me().id:
        raise NotFound()
    notice.read_at = notice.read_at or clock.now()
    return redirect(local_path(notice.path), 303)


@blueprint.post("/notices/read")
@signed_in()
def read_all() -> Any:
    """Mark everything as read."""
    mine = update(Notice).where(Notice.member_id == me().id, Notice.read_at.is_(None))
    session.execute(mine.values(read_at=clock.now()))
    return redirect(url_for("desk.notices"), 303)


@blueprint.route("/terms", methods=["GET", "POST"])
@signed_in()
def accept_terms() -> Any:
    """Accept terms that changed since they were accepted."""
    form = TermsForm()
    if form.validate_on_submit():
        with attempt(form) as tried:
            terms.accept(me(), list(terms.IN_FORCE), address=request.remote_addr or "", at=clock.now())
        if tried.ok:
            return redirect(url_for("desk.index"), 303)
    return render_template("desk/terms.html", form=form, outdated=terms.outdated(me()))


def own_tasks(member: Member) -> list[desk.Task]:
    """Terms to be accepted anew, and an organization's data that an owner should complete."""
    found = []
    if changed := terms.outdated(member):
        found.append(desk.Task(text("改定された規約への同意"), len(changed), None, url_for("desk.accept_terms")))
    return found
