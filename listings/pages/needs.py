"""The board of wanted data: what is wanted, can I answer?"""

from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for

from exchange import clock
from exchange.database import new_id
from exchange.errors import Invalid
from exchange.web.access import me, me_or_none, public, signed_in
from exchange.web.forms import attempt
from listings import actions, queries, rules
from listings.models import Want
from listings.pages import forms

blueprint = Blueprint("needs", __name__, url_prefix="/needs")


@blueprint.get("")
@public
def index() -> Any:
    """Wants for my area and theme first, then all, with who else wants it and days left."""
    member = me_or_none()
    theme = request.args.get("theme", "")
    area = request.args.get("area", "")
    theme, area = (theme if theme in rules.THEMES else ""), (area if area in rules.PREFECTURES else "")
    filtered = bool(theme or area or request.args.get("cursor"))
    page = _page(theme, area)
    mine = queries.wants_for(member.organization) if member and not member.is_operator and not filtered else []
    return render_template(
        "wants/index.html",
        page=page,
        mine=mine,
        theme=theme,
        area=area,
        rules=rules,
        today=clock.today(),
        member=member,
    )


def _page(theme: str, area: str) -> Any:
    try:
        return queries.wants(theme=theme, area=area, cursor=request.args.get("cursor"))
    except Invalid:  # an old address leads to the beginning
        return queries.wants(theme=theme, area=area)


@blueprint.route("/new", methods=["GET", "POST"])
@signed_in("owner", "data_officer", "accountant")
def new() -> Any:
    """Say what is wanted."""
    form = forms.WantForm(data={"form_id": new_id()})
    if form.validate_on_submit():
        with attempt(form) as tried:
            want = actions.want(form.fields_of_want(), by=me(), at=clock.now(), form_id=form.form_id.data)  # type: ignore[arg-type]
        if tried.ok:
            return redirect(url_for("needs.show", want_id=want.id), 303)
    return render_template("wants/new.html", form=form, rules=rules), 422 if form.errors else 200


@blueprint.get("/<want_id>")
@public
def show(want_id: str) -> Any:
    """One want: who wants it, what was answered, and what I can do."""
    return _want_page(queries.want(want_id), _answer_form(), forms.JoinForm(formdata=None))


def _answer_form() -> forms.AnswerForm:
    member = me_or_none()
    own = queries.published_of(member.organization_id, member=member) if member else []
    return forms.AnswerForm.choosing_from(own)


def _want_page(want: Want, answer_form: Any, join_form: Any) -> Any:
    member = me_or_none()
    joined = {join.organization_id for join in want.joins}
    mine = member.organization_id if member else None
    is_own = mine == want.organization_id
    takes_part = member is not None and not member.is_operator and member.roles != ["viewer"]
    page = render_template(
        "wants/show.html",
        want=want,
        answer_form=answer_form,
        join_form=join_form,
        is_own=is_own,
        may_join=takes_part and not is_own and want.state == "open" and mine not in joined,
        may_answer=takes_part and not is_own and want.state == "open",
        may_close=takes_part and is_own and want.state == "open",
        member=member,
        rules=rules,
        today=clock.today(),
    )
    return page, 422 if answer_form.errors or join_form.errors else 200


@blueprint.post("/<want_id>/join")
@signed_in("owner", "data_officer", "accountant")
def join(want_id: str) -> Any:
    """Want the same."""
    want, form = queries.want(want_id), forms.JoinForm()
    if form.validate_on_submit():
        with attempt(form) as tried:
            actions.join(want, note=form.note.data or "", by=me(), at=clock.now())
        if tried.ok:
            return redirect(url_for("needs.show", want_id=want.id), 303)
    return _want_page(queries.want(want_id), forms.AnswerForm(formdata=None), form)


@blueprint.post("/<want_id>/answers")
@signed_in("owner", "data_officer", "accountant")
def answer(want_id: str) -> Any:
    """Answer with a listing, a date or a reasoned no."""
    want, form = queries.want(want_id), _answer_form()
    if form.validate_on_submit():
        with attempt(form) as tried:
            names = ("kind", "listing_id", "planned_on", "message")
            fields: Any = {name: form[name].data for name in names} | {"message": form.message.data or ""}
            actions.answer_want(want, fields, by=me(), at=clock.now())
        if tried.ok:
            return redirect(url_for("needs.show", want_id=want.id), 303)
    return _want_page(queries.want(want_id), form, forms.JoinForm(formdata=None))


@blueprint.post("/<want_id>/close")
@signed_in("owner", "data_officer", "accountant")
def close(want_id: str) -> Any:
    """End one's own want; one that has ended stays so."""
    want = queries.want(want_id)
    if want.state == "open":
        actions.close_want(want, by=me(), at=clock.now())
    return redirect(url_for("needs.show", want_id=want_id), 303)
