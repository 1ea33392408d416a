"""The form of each topic of a draft, and what it says once it is filled in."""

from __future__ import annotations

from typing import Any

from wtforms import BooleanField, RadioField, StringField, TextAreaField
from wtforms.validators import DataRequired

from contracts import actions, guideline
from contracts.actions.proposals import BASIS_LENGTH_MAX, NAME_LENGTH_MAX
from contracts.guideline import topics
from contracts.guideline.parts import Variable
from contracts.guideline.topics import Topic
from contracts.models import Offer
from contracts.pages import fields, reading
from exchange.errors import Invalid, text
from exchange.web.forms import Form
from listings import queries as listings


class NameForm(Form):
    """What buyers choose by."""

    name = StringField(
        text("提供条件の名前"),
        description=text("利用者が選ぶときに見る名前です。例：標準、研究用、商用"),
        validators=[DataRequired(text("名前を入力してください。")), fields.longest(NAME_LENGTH_MAX)],
    )


class MunicipalNameForm(NameForm):
    """A municipality's price names its ground."""

    price_basis = TextAreaField(
        text("対価の根拠"),
        description=text("条例、財産の貸付け、契約など、対価を受け取る根拠です。"),
        validators=[fields.longest(BASIS_LENGTH_MAX)],
    )


class ReachForm(Form):
    """To whom, and accepted how."""

    whom = RadioField(
        text("だれに示すか"),
        choices=[
            ("everybody", text("このデータを見られるすべての組織")),
            ("one", text("一つの組織だけ（ほかの組織には見えません）")),
        ],
        validators=[DataRequired(text("だれに示すかを選んでください。"))],
        validate_choice=False,
    )
    for_organization_id = StringField(
        text("示す相手の法人番号"),
        description=text(
            "「一つの組織だけ」を選んだときに、13桁で入力します。この取引市場に登録された組織に限ります。"
        ),
        validators=[fields.longest(40)],
    )
    auto_accept = BooleanField(
        text("この条件のままの申込みを、自動で承諾する"),
        description=text(
            "利用者が条件を変えずに申し込んだときに、あなたの組織が承諾したものとして記録し、運営者の承認に進みます。"
            "利用目的を確かめてから承諾したいときは、選ばないでください。"
        ),
    )


def form_of(draft: Offer, topic: Topic) -> Any:
    """The topic's form, filled in as the draft stands."""
    base, data = _base(draft, topic)
    matrix, terms = _cells(topic), [*_terms(topic), *elsewhere(draft, topic)]
    values, left = reading.values_of(draft), left_to_buyer(draft)
    leavable = {v.key for v in terms if topics.may_be_left(v) or v.key in left}
    kind = fields.with_variables(fields.with_terms(base, terms, leavable), matrix)
    return kind(data=data | fields.standing_data(matrix, values) | fields.terms_data(terms, values, left))


def _base(draft: Offer, topic: Topic) -> tuple[type[Form], dict[str, Any]]:
    if topic.kind == "price":
        model = draft.pricing["model"]
        public = draft.listing.provider.kind == "municipality" and model != "free"
        form = fields.with_price(MunicipalNameForm if public else NameForm, model)
        return form, {"name": draft.name, "price_basis": draft.price_basis} | fields.price_data(draft.pricing)
    if topic.kind == "reach":
        receiver = draft.for_organization
        whom = {"whom": "one" if receiver else "everybody", "auto_accept": draft.auto_accept}
        return ReachForm, whom | {"for_organization_id": (receiver.corporate_number or "") if receiver else ""}
    if topic.kind == "checklist":
        return fields.with_checklist(Form, "provider"), fields.checklist_data("provider", draft.checklist)
    return Form, {}


def _cells(topic: Topic) -> list[Variable]:
    """The variables of a table."""
    return list(topic.variables) if topic.kind == "matrix" else []


def _terms(topic: Topic) -> list[Variable]:
    """The variables that are settled one by one."""
    return [] if topic.kind == "matrix" else [v for v in topic.variables if v.key not in topics.BUYERS_ALONE]


def elsewhere(draft: Offer, topic: Topic) -> list[Variable]:
    """Variables of other pages that a rule may complain of here: shown where it does, so that both can be mended."""
    template, here = guideline.template(draft.template_key), {v.key for v in topic.variables}
    known = {v.key: v for v in template.variables}
    keys = dict.fromkeys(rule.fields[0] for rule in template.rules)
    return [known[key] for key in keys if key in known and key not in here | topics.BUYERS_ALONE]


def left_to_buyer(draft: Offer) -> set[str]:
    """The keys of the variables that the buyer chooses."""
    return actions.open_to_buyer(guideline.template(draft.template_key), draft)


def typed(form: Any, draft: Offer, topic: Topic) -> tuple[dict[str, Any], set[str]]:
    """What was chosen on the page: values, and keys left to the buyer. Fields of other pages count where they were sent."""
    sent = [v for v in elsewhere(draft, topic) if fields.was_sent(v)]
    settled, left = fields.settled(form, [*_terms(topic), *sent])
    return settled | fields.chosen(form, _cells(topic), {}), left


def change_of(form: Any, draft: Offer, topic: Topic) -> actions.Change:
    """What the filled form changes of the draft; raises `Invalid` for an organization that nobody knows."""
    settled, left = typed(form, draft, topic)
    if topic.kind == "price":
        model = draft.pricing["model"]
        price = {"model": model} if fields.is_price_blank(form) else fields.price_of(form, model)
        basis = form["price_basis"].data if "price_basis" in form else draft.price_basis
        return actions.Change(name=form["name"].data, price=price, price_basis=basis, settled=settled, left_open=left)
    if topic.kind == "reach":
        reach = actions.Reach(_receiver(form), bool(form.auto_accept.data))
        return actions.Change(reach=reach, settled=settled, left_open=left)
    if topic.kind == "checklist":
        return actions.Change(checklist=fields.answers(form, "provider"), settled=settled, left_open=left)
    return actions.Change(settled=settled, left_open=left)


def _receiver(form: Any) -> str | None:
    """The organization of the corporate number that was typed."""
    if form.whom.data != "one":
        return None
    number = "".join((form.for_organization_id.data or "").split()).removeprefix("T")
    found = listings.organizations_by_corporate_number([number]).get(number)
    if found is None:
        words = text("登録されていない法人番号です: %(numbers)s", numbers=number[:20]) if number else text("法人番号を入力してください。")  # fmt: skip
        raise Invalid({"for_organization_id": [words]})
    return found.id
