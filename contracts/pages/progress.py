"""How far a draft is: its topics one by one, what is still missing, and the way to each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import url_for
from flask_babel import gettext as _

from contracts import actions, guideline
from contracts.guideline import checklist, parts, topics
from contracts.guideline.topics import Topic
from contracts.models import Offer
from contracts.pages import fields, reading, shown
from exchange.identity.models import Member

OF_TOPIC = {"name": "price", "price_basis": "price", "auto_accept": "reach", "for_organization_id": "reach"}


def topics_of(offer: Offer) -> tuple[Topic, ...]:
    """The topics of an offer, in their order."""
    return topics.of(guideline.template(offer.template_key), offer.pricing["model"])


def address(offer: Offer, key: str) -> str:
    """Where a topic is settled."""
    return url_for("offer_topics.topic", listing_id=offer.listing_id, offer_id=offer.id, key=key)


def is_done(offer: Offer, topic: Topic) -> bool:
    """Whether a topic was gone through; that of the price, only once there is one."""
    return topic.key in offer.looked_at and (topic.kind != "price" or offer.has_price)


def steps(offer: Offer) -> list[dict[str, Any]]:
    """The way to an open offer: every topic with its state, then the last look."""
    found: list[dict[str, Any]] = [
        {
            "key": topic.key,
            "label": shown.said(topic.title),
            "url": address(offer, topic.key),
            "state": "done" if is_done(offer, topic) else "todo",
            "note": _note(offer, topic),
        }
        for topic in topics_of(offer)
    ]
    last = url_for("offers.open_", listing_id=offer.listing_id, offer_id=offer.id)
    found.append({"key": "open", "label": _("内容を確かめて公開する"), "url": last, "state": "todo", "note": ""})
    following = next(step for step in found if step["state"] == "todo")
    following["state"] = "now"
    return found


def _note(offer: Offer, topic: Topic) -> str:
    """What of a topic stands, in a few words."""
    if topic.kind == "price":
        return shown.price(offer.pricing).words if offer.has_price else _("対価がまだ決まっていません。")
    if topic.kind == "reach":
        return _whom(offer)
    if topic.kind == "checklist":
        return _("%(all)s 点のうち %(n)s 点に回答", all=len(checklist.PROVIDER), n=len(offer.checklist))
    values, standard = reading.values_of(offer), _standard(offer)
    n = sum(values[v.key] != standard[v.key] for v in topic.variables)
    return _("標準と異なる項目：%(n)s", n=n) if n else _("すべて標準のまま")


def _whom(offer: Offer) -> str:
    receiver = offer.for_organization
    whom = _("%(name)s だけに示す", name=receiver.name) if receiver else _("データを見られるすべての組織に示す")
    return whom + (_("・自動で承諾する") if offer.auto_accept else _("・申込みのたびに承諾する"))


def _standard(offer: Offer) -> Mapping[str, Any]:
    return parts.defaults(guideline.template(offer.template_key), reading.deal_of(offer))


def left(offer: Offer) -> list[dict[str, Any]]:
    """What the buyer chooses: label, whether the provider left it so, and where that is settled."""
    keys = actions.open_to_buyer(guideline.template(offer.template_key), offer)
    return [
        {
            "label": shown.said(v.label),
            "by_provider": v.key in offer.open_variables,
            "topic": None if v.key in topics.BUYERS_ALONE else shown.said(topic.title),
            "url": address(offer, topic.key),
        }
        for topic in topics_of(offer)
        for v in topic.variables
        if v.key in keys
    ]


def points(offer: Offer) -> list[tuple[str, str, str]]:
    """The answers to the checklist that are worth a second look: question, answer, note."""
    return [
        (shown.said(question.words), str(fields.ANSWER_WORDS[answer]), note)
        for question, answer, note in checklist.to_look_at("provider", offer.checklist)
        if answer
    ]


def unanswered(offer: Offer) -> int:
    """How many points of the checklist have no answer yet."""
    return len(checklist.PROVIDER) - len(offer.checklist)


def missing(draft: Offer, *, by: Member) -> list[dict[str, Any]]:
    """Why a draft cannot be opened yet, each with the topic where that is mended."""
    return [
        {"words": words, "topic": topic and shown.said(topic.title), "url": topic and address(draft, topic.key)}
        for name, messages in actions.complaints(draft, by=by).items()
        for topic in [topic_of(draft, name)]
        for words in _words(draft, name, messages)
    ]


def _words(draft: Offer, name: str, messages: Sequence[Any]) -> Sequence[Any]:
    return [_("対価を決めてください。")] if name.startswith("pricing.") and not draft.has_price else messages


def topic_of(draft: Offer, name: str) -> Topic | None:
    """The topic on whose page a field stands; None for what no page of the draft can mend."""
    found = {t.key: t for t in topics_of(draft)}
    key = name.removeprefix(fields.PREFIX)
    by_variable = next((t for t in found.values() if key in {v.key for v in t.variables}), None)
    group = "price" if name.startswith("pricing.") else name.partition(".")[0]
    return by_variable or found.get(OF_TOPIC.get(name, group))
