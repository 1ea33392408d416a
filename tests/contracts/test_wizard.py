"""The offer wizard through the web client: one topic a page, saved on the way, left and resumed, opened at the end."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest

from contracts import guideline
from contracts.guideline import topics
from contracts.models import Offer
from exchange import database
from exchange.database import session
from listings.models import Listing
from tests.contracts.conftest import offered, publish
from tests.world import Person, World, csrf

LICENCE = "provision-licence"


class Draft:
    """A draft of an offer, as its provider clicks through it."""

    def __init__(self, person: Person, listing_id: str, template: str = LICENCE, model: str = "one_off") -> None:
        self.person, self.listing_id = person, listing_id
        self.offers = f"/desk/listings/{listing_id}/offers"
        answer = person.fill(f"{self.offers}/new?template={template}", model=model)
        assert answer.status_code == 303, text_of(answer)
        self.first = str(answer.headers["Location"])
        self.id = self.first.split("/")[-3]
        self.base = f"{self.offers}/{self.id}"

    def topic(self, key: str) -> str:
        return f"{self.base}/topics/{key}"

    def save(self, key: str, then: str = "next", by: Person | None = None, **typed: Any) -> Any:
        """Send a topic's form as it came, with these fields typed over it."""
        person = by or self.person
        page = person.browser.get(self.topic(key))
        changed = {name.replace("__", "."): value for name, value in typed.items()}
        return person.browser.post(self.topic(key), data=form_of(text_of(page)) | {"then": then} | changed)

    def kept(self) -> Offer:
        session.remove()
        return session.get_one(Offer, self.id)

    def open(self) -> Any:
        return self.person.fill(f"{self.base}/open")


def text_of(answer: Any) -> str:
    return unescape(answer.get_data(as_text=True))


def form_of(page: str) -> dict[str, str]:
    """What the page's form holds as it came, as a browser would send it."""
    main = page[page.index("<main") :]
    found: dict[str, str] = {}
    for tag in re.findall(r"<input[^>]*>", main):
        name, value = (re.search(rf'{part}="([^"]*)"', tag) for part in ("name", "value"))
        if name and (('type="radio"' not in tag and 'type="checkbox"' not in tag) or " checked" in tag):
            found[name[1]] = value[1] if value else ""
    for name, words in re.findall(r'<textarea[^>]*name="([^"]+)"[^>]*>\s*(.*?)</textarea>', main, re.S):
        found[name] = words
    for name, options in re.findall(r'<select[^>]*name="([^"]+)"[^>]*>(.*?)</select>', main, re.S):
        chosen = re.search(r"<option[^>]*selected[^>]*>", options) or re.search("<option[^>]*>", options)
        value = chosen and re.search(r'value="([^"]*)"', chosen[0])
        found[name] = value[1] if value else ""
    return found


def refusals(answer: Any) -> str:
    """The summary of what was refused."""
    found = re.search(r'class="error-summary".*?</div>', text_of(answer), re.S)
    assert answer.status_code == 422 and found, (answer.status_code, text_of(answer)[:500])
    return found[0]


@pytest.fixture
def draft(company: Person, listing_id: str) -> Draft:
    return Draft(company, listing_id)


def test_choosing_a_template_and_a_price_model_makes_a_draft_and_leads_to_its_first_topic(
    company: Person, listing_id: str
) -> None:
    assert "template=provision-licence" in company.see(f"/desk/listings/{listing_id}/offers/choose")
    draft = Draft(company, listing_id)
    assert draft.first == draft.topic("price")
    kept = draft.kept()
    assert (kept.state, kept.name, kept.pricing, kept.variables) == ("draft", "標準", {"model": "one_off"}, {})


def test_a_draft_is_left_after_any_topic_and_resumed_where_it_stood(draft: Draft, company: Person) -> None:
    assert draft.save("price", **{"name": "研究用", "pricing.price_jpy": "30,000"}).headers["Location"] == draft.topic(
        "use"
    )
    left = draft.save("use", "later", **{"variables.ai_training": "permitted"})
    assert left.headers["Location"] == draft.base

    listed = company.see(draft.offers)
    assert "続きから" in listed and "研究用" in listed and "一括 30,000円" in listed
    tasks = company.see(draft.base)
    assert tasks.count("step-done") == 1 and "標準と異なる項目：1" in tasks
    assert f'href="{draft.topic("use")}">続きから' in tasks
    resumed = company.see(draft.topic("use"))
    assert re.search(r'name="variables.ai_training"[^>]*value="permitted" checked', resumed)


def test_each_step_saves_and_leads_to_the_next_until_the_offer_is_open(draft: Draft, company: Person) -> None:
    steps = [t.key for t in topics.of(guideline.template(LICENCE), "one_off")]
    assert steps == ["price", "use", "warranty", "handling", "secrecy", "term", "general", "reach", "checklist"]
    typed: dict[str, dict[str, str]] = {
        "price": {"pricing.price_jpy": "5000", "pricing.payment": "prepaid"},
        "term": {"variables.cure_days": "30", "leave.nothing": ""},
        "checklist": {"checklist.right": "yes", "checklist.leak": "no", "checklist.leak.note": "作成中"},
    }
    for key, following in zip(steps, [*map(draft.topic, steps[1:]), f"{draft.base}/open"], strict=True):
        assert draft.save(key, **typed.get(key, {})).headers["Location"] == following
    last = company.see(f"{draft.base}/open")
    assert "漏えいしたときの連絡先" in last and "作成中" in last and "まだ見ていないページ" not in last
    assert draft.open().status_code == 303

    offer = company.get(f"/listings/{draft.listing_id}").json["offers"][0]
    assert offer["pricing"] == {"model": "one_off", "price_jpy": 5000, "payment": "prepaid"}
    assert (offer["payment"], offer["variables"], offer["state"]) == ("prepaid", {"cure_days": 30}, "open")
    assert draft.kept().checklist["leak"] == {"answer": "no", "note": "作成中"}
    assert company.browser.get(draft.topic("term")).headers["Location"] == draft.base  # nothing to settle any more


def test_a_draft_can_wait_for_its_price_but_is_not_opened_without(draft: Draft, company: Person) -> None:
    assert draft.save("price", name="あとで").status_code == 303
    assert "対価がまだ決まっていません" in company.see(draft.base)
    last = company.see(f"{draft.base}/open")
    assert "対価を決めてください" in last and "この提供条件を公開する" not in last
    assert "整数" in refusals(draft.open())
    draft.save("price", **{"pricing.price_jpy": "1"})
    assert draft.open().status_code == 303


def test_a_wrong_price_is_refused_and_what_was_typed_stays(draft: Draft) -> None:
    answer = draft.save("price", **{"name": "あ", "pricing.price_jpy": "-1"})
    assert "#pricing.price_jpy" in refusals(answer) and 'value="-1"' in text_of(answer)
    assert draft.kept().name == "標準"


def test_an_unlawful_combination_is_refused_with_every_broken_rule_named_and_nothing_lost(
    company: Person, listing_id: str
) -> None:
    draft = Draft(company, listing_id, model="revenue_share")
    typed = {"variables.report_cycle": "none", "variables.audit": "no", "variables.leak_report_days": "1"}
    answer = draft.save("handling", **typed, **{"variables.leak_notice_hours": "48"})
    summary = refusals(answer)
    for words in ("毎月または四半期ごとの報告が必要", "監査を「あり」にしてください", "第一報の期限より後に"):
        assert words in summary
    page = form_of(text_of(answer))
    assert {name: page[name] for name in typed} == typed and page["variables.leak_notice_hours"] == "48"
    assert draft.kept().variables == {}


def test_a_rule_that_reaches_to_another_page_can_be_mended_where_it_is_met(draft: Draft) -> None:
    refused = draft.save("use", **{"variables.exclusivity": "exclusive"})
    assert "契約期間を「期間を決める」か「更新する」に" in refusals(refused)
    assert "ほかのページの項目" in text_of(refused) and "variables.term" in form_of(text_of(refused))
    saved = draft.save("use", **{"variables.exclusivity": "exclusive", "variables.term": "fixed"})
    assert saved.status_code == 303
    assert draft.kept().variables == {"exclusivity": "exclusive", "term": "fixed"}


def test_changed_clauses_are_marked_beside_the_form(draft: Draft, company: Person) -> None:
    assert "標準と異なる</span>" not in company.see(draft.topic("use"))
    here = draft.save("use", "here", **{"variables.ai_training": "permitted"})
    assert here.headers["Location"] == draft.topic("use") + "#reading"
    page = company.see(draft.topic("use"))
    assert (
        re.search(r"第3条（提供データの利用許諾）\s*<span[^>]*>標準と異なる", page)
        and "学習に用いることができる" in page
    )
    assert "use" not in draft.kept().looked_at


def test_the_text_follows_what_is_chosen_before_it_is_saved(draft: Draft, company: Person) -> None:
    form = form_of(company.see(draft.topic("use"))) | {"variables.exclusivity": "exclusive"}
    read = text_of(company.browser.post(draft.topic("use") + "/reading", data=form))
    assert "自らも提供データを利用しない" in read and "この組み合わせは選べません" in read and "<main" not in read
    assert draft.kept().variables == {}


def test_a_draft_is_invisible_to_others_and_to_the_catalogue(
    draft: Draft, buyer: Person, company: Person, world: World
) -> None:
    for stranger in (buyer, world.admin):
        assert stranger.browser.get(f"/offers/{draft.id}/apply").status_code == 404
        assert stranger.post(f"/offers/{draft.id}/close").status_code == 404
    assert buyer.browser.get(draft.base).status_code == 404
    assert buyer.browser.get(draft.topic("price")).status_code == 404
    body = {"offer_id": draft.id, "purpose": "x", "accept_terms": True}
    assert buyer.post("/contracts", body).status_code == 404
    assert "標準" not in buyer.see(f"/listings/{draft.listing_id}")
    listing = company.get(f"/listings/{draft.listing_id}").json
    assert listing["offers"] == [] and listing["price_text"] == ""
    assert session.get_one(Listing, draft.listing_id).pricing_models == []


def test_colleagues_go_on_with_a_draft_and_viewers_only_look(draft: Draft, company: Person, world: World) -> None:
    officer, viewer = world.colleague(company, "data_officer"), world.colleague(company, "viewer")
    assert draft.save("general", by=officer, **{"variables.court": "札幌地方裁判所"}).status_code == 303
    assert draft.kept().variables == {"court": "札幌地方裁判所"}
    assert "続きから：" not in viewer.see(draft.base)
    assert viewer.browser.get(draft.topic("general")).status_code == 403


def test_a_private_offer_is_seen_by_its_receiver_alone(
    draft: Draft, company: Person, buyer: Person, world: World
) -> None:
    number, stranger = buyer.member.organization.corporate_number, world.organization("無関係株式会社")
    draft.save("price", **{"name": "特別", "pricing.price_jpy": "777"})
    assert draft.save("reach", whom="one", for_organization_id=number).status_code == 303
    assert "地図制作株式会社 だけに示す" in company.see(draft.base)
    draft.open()
    assert "特別" in buyer.see(f"/listings/{draft.listing_id}")
    assert "あなたの組織だけに示された" in buyer.see(f"/offers/{draft.id}/apply")
    assert "特別" not in stranger.see(f"/listings/{draft.listing_id}")
    assert stranger.browser.get(f"/offers/{draft.id}/apply").status_code == 404
    assert session.get_one(Listing, draft.listing_id).pricing_models == []
    assert "地図制作株式会社 だけ" in company.see(draft.offers)


@pytest.mark.parametrize("number", ["", "1234567890123"])
def test_a_receiver_nobody_knows_is_refused(draft: Draft, number: str) -> None:
    assert "法人番号" in refusals(draft.save("reach", whom="one", for_organization_id=number))


def test_accepting_by_itself_is_refused_while_something_is_left_to_the_buyer(draft: Draft, company: Person) -> None:
    draft.save("term", **{"variables.term": "left-to-buyer", "leave.cure_days": "y"})
    assert draft.kept().open_variables == ["cure_days", "term"] and draft.kept().variables == {}
    page = company.see(draft.topic("reach"))
    assert "是正" in page and "あなたの組織が任せました" in page
    refused = draft.save("reach", auto_accept="y")
    assert "利用者に任せる項目があるときは、自動で承諾できません" in refusals(refused)
    draft.save("term", **{"variables.term": "indefinite", "variables.cure_days": "14", "leave.cure_days": ""})
    assert draft.kept().open_variables == []
    assert draft.save("reach", auto_accept="y").status_code == 303
    left = draft.save("term", **{"variables.term": "left-to-buyer"})
    assert "自動で承諾できません" in refusals(left)


def test_only_who_may_bind_the_organization_lets_an_offer_accept_by_itself(
    draft: Draft, company: Person, world: World
) -> None:
    officer = world.colleague(company, "data_officer")
    assert "契約権者" in refusals(draft.save("reach", by=officer, auto_accept="y"))
    draft.save("price", **{"pricing.price_jpy": "1"})
    draft.save("reach", auto_accept="y")
    assert draft.save("term", by=officer).status_code == 303  # settled before: a colleague may go on
    assert "契約権者" in refusals(officer.fill(f"{draft.base}/open"))


def test_what_the_template_leaves_to_the_buyer_can_be_fixed_and_left_again(draft: Draft) -> None:
    draft.save("handling", **{"variables.storage_country": "japan"})
    assert draft.kept().variables == {"storage_country": "japan"}
    draft.save("handling", **{"variables.storage_country": "left-to-buyer"})
    assert draft.kept().variables == {} and draft.kept().open_variables == []


def test_the_table_of_rights_is_a_page_of_its_own(company: Person, listing_id: str, buyer: Person) -> None:
    draft = Draft(company, listing_id, "co-creation", "free")
    page = company.see(draft.topic("matrix"))
    assert page.count("<select") == 32 and "甲：利用" in page
    typed = {
        "variables.category_1": "観測データ",
        "variables.category_2": "設備の記録",
        "variables.category_2_buyer_transfer": "allowed",
    }
    assert draft.save("matrix", **typed).status_code == 303
    assert draft.kept().variables == {"category_2": "設備の記録", "category_2_buyer_transfer": "allowed"}
    refused = draft.save("matrix", **{"variables.category_2": "観測データ"})
    assert "同じ名前" in refusals(refused)
    assert draft.open().status_code == 303
    apply = buyer.see(f"/offers/{draft.id}/apply")
    assert "設備の記録" in apply and "利用権限表" in apply


@pytest.mark.parametrize("template", [t for t in guideline.TEMPLATES.values() if t.is_offered], ids=lambda t: t.key)
@pytest.mark.parametrize("named", [True, False])
def test_every_variable_of_every_template_is_on_one_page(
    template: Any, named: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not named:
        monkeypatch.setattr(topics, "CUTS", {})
    found = topics.of(template, "metered")
    settled = [v.key for topic in found for v in topic.variables]
    assert sorted(settled) == sorted(v.key for v in template.variables)
    assert len({topic.key for topic in found}) == len(found) and all(topic.title.en for topic in found)


def test_every_page_of_every_template_opens_in_both_languages(company: Person, listing_id: str) -> None:
    for template in [t for t in guideline.TEMPLATES.values() if t.is_offered]:
        draft = Draft(company, publish(company), template.key, "free")
        for topic in topics.of(template, "free"):
            for lang in ("ja", "en"):
                assert len(re.findall("<h1", company.see(f"{draft.topic(topic.key)}?lang={lang}"))) == 1
        company.see(f"{draft.base}?lang=ja")
        company.see(f"{draft.base}/open")
        assert draft.open().status_code == 303
        company.see(draft.base)


def test_a_template_that_does_not_fit_is_said_to_and_makes_no_draft(world: World, company: Person) -> None:
    city = world.city()
    listing_id = publish(city)
    choose = city.see(f"/desk/listings/{listing_id}/offers/choose")
    assert "template=provision-assignment" not in choose and "譲渡できません" in choose
    assert "第243条の2" in choose
    listing_id = publish(company)
    offered(company, listing_id)
    path = f"/desk/listings/{listing_id}/offers/new?template=cc-by-4.0"
    assert "契約による提供条件がある" in refusals(company.fill(path, model="free"))


def test_a_draft_is_discarded_after_a_page_that_asks(draft: Draft, company: Person) -> None:
    assert "元に戻せません" in company.see(f"{draft.base}/discard")
    assert company.fill(f"{draft.base}/discard").status_code == 303
    assert company.browser.get(draft.base).status_code == 404
    assert "続きから" not in company.see(draft.offers)


def test_a_draft_is_saved_by_two_colleagues_without_losing_either(draft: Draft, company: Person, world: World) -> None:
    officer = world.colleague(company, "data_officer")
    page = form_of(company.see(draft.topic("general")))
    draft.save("term", by=officer, **{"variables.cure_days": "20"})
    company.browser.post(draft.topic("general"), data=page | {"variables.court": "大阪地方裁判所"})
    assert draft.kept().variables == {"cure_days": 20, "court": "大阪地方裁判所"}


# ── the buyer's side ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_buyer_chooses_what_was_left_open_and_answers_the_checklist(draft: Draft, buyer: Person) -> None:
    draft.save("price", **{"pricing.price_jpy": "1000"})
    draft.save("term", **{"leave.cure_days": "y"})
    draft.open()
    path = f"/offers/{draft.id}/apply"
    page = buyer.see(path)
    assert "確認事項に答える" in page
    form = form_of(page)
    assert form["variables.cure_days"] == "14" and "variables.court" not in form
    typed = {"variables.cure_days": "21", "purpose": "地図に示すため", "checklist.ai": "no"}
    looked = text_of(buyer.browser.post(path, data=form | typed | {"then": "here"}))
    assert re.search(r"第14条（解除）\s*<span[^>]*>標準と異なる", looked) and "地図に示すため" in looked
    noted = form | typed | {"accept_terms": "y", "checklist.staff.note": "部内"}
    assert "補足を書いたときは" in refusals(buyer.browser.post(path, data=noted))
    sent = buyer.browser.post(path, data=form | typed | {"accept_terms": "y"})
    assert sent.status_code == 303, text_of(sent)
    contract = buyer.get("/contracts").json["items"][0]
    assert contract["variables"]["cure_days"] == 21
    assert contract["checklist"] == {"ai": {"answer": "no", "note": ""}}


def test_annexes_that_attach_are_shown_before_the_buyer_agrees(company: Person, world: World) -> None:
    draft = Draft(company, publish(company), model="free")
    draft.save("use", **{"variables.commissioned": "yes"})
    draft.open()
    assert "作成の委託" in company.see(draft.base)
    city = world.city()
    page = city.see(f"/offers/{draft.id}/apply")
    assert "付く別紙" in page and "委託" in page[page.index("付く別紙") :]


def test_a_request_on_an_offer_that_accepts_by_itself_goes_straight_to_approval(draft: Draft, buyer: Person) -> None:
    draft.save("price", **{"pricing.price_jpy": "1000"})
    draft.save("reach", auto_accept="y")
    draft.open()
    path = f"/offers/{draft.id}/apply"
    page = buyer.see(path)
    assert "承諾したものとして" in page
    sent = buyer.browser.post(path, data=form_of(page) | {"purpose": "地図に示すため", "accept_terms": "y"})
    assert sent.status_code == 303
    assert buyer.get("/contracts").json["items"][0]["state"] == "accepted"


def test_the_limit_of_drafts_is_said_before_one_more_is_made(company: Person, listing_id: str) -> None:
    with database.transaction():
        for _ in range(20):
            session.add(_bare_draft(company, listing_id))
    path = f"/desk/listings/{listing_id}/offers/new?template=provision-licence"
    assert "20 件まで" in refusals(company.fill(path, model="free"))


def _bare_draft(company: Person, listing_id: str) -> Offer:
    from exchange import clock

    return Offer(
        listing_id=listing_id, name="標準", template_key=LICENCE, template_version="1.0", pricing={"model": "free"},
        variables={}, state="draft", created_at=clock.now(), created_by=company.id,
    )  # fmt: skip


def test_the_form_of_a_topic_needs_its_token(draft: Draft, company: Person) -> None:
    answer = company.browser.post(draft.topic("general"), data={"variables.court": "x"})
    assert answer.status_code in (400, 422) and csrf(company.browser.get(draft.topic("general")))
    assert draft.kept().variables == {}
