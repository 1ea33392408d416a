"""The pages, without scripts: a provider lists, an administrator decides, anyone looks, a buyer asks for data."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from exchange import clock
from exchange.web import forms as web_forms
from tests.listings.conftest import offered, publish
from tests.world import csrf, put

DESCRIPTION = {
    "title": "指定緊急避難場所一覧",
    "summary": "市内の指定緊急避難場所の位置と種別です。",
    "description": "災害対策基本法に基づく一覧です。",
    "theme": "disaster",
    "update_frequency": "annual",
    "source": "危機管理課",
    "keywords": "避難、防災",
    "area_codes": "13、131032",
    "department": "情報政策課",
    "visibility": "public",
    "licence": "",
}


def drafted(person: Any, **fields: Any) -> str:
    answer = person.fill("/desk/listings/new", **{**DESCRIPTION, **fields})
    assert answer.status_code == 303, answer.get_data(as_text=True)
    return str(answer.location)


def uploaded(
    world: Any, person: Any, path: str, name: str = "避難所.csv", data: bytes = b"id,value\n1,2\n3,4\n"
) -> str:
    """As static/upload.js does: announce, PUT, complete."""
    token = csrf(person.browser.get(path + "/files"))
    post = lambda where, body: person.browser.post(path + where, json=body, headers={"X-CSRFToken": token})  # noqa: E731
    made = post("/files/announce", {"name": name, "size": len(data), "media_type": "text/csv"})
    assert made.status_code == 200, made.get_data(as_text=True)
    put(made.json["upload"]["url"], data, made.json["upload"]["headers"])
    assert post(f"/files/{made.json['id']}/complete", {}).status_code == 200
    world.work()
    return str(made.json["id"])


def test_a_provider_lists_step_by_step_and_an_administrator_publishes(world: Any, city: Any) -> None:
    path = drafted(city)
    listing_id = path.rsplit("/", 1)[1]
    assert "掲載までの手順" in city.see(path)
    file_id = uploaded(world, city, path)
    assert "避難所.csv" in city.see(path + "/files")
    page = city.see(f"{path}/files/{file_id}")
    assert "2行、2列の表として読み取りました" in page

    saved = city.fill(f"{path}/files/{file_id}", released_rows="1", note_0="番号", note_1="値の説明", show_1="1")
    assert saved.status_code == 303, saved.get_data(as_text=True)
    assert city.fill(path + "/class", data_class="non_personal").status_code == 303
    offered({"id": listing_id})
    assert "審査に提出する" in city.see(path + "/submit")
    assert city.fill(path + "/submit", declaration="y").status_code == 303
    assert "審査を待っています" in city.see(path)

    assert "指定緊急避難場所一覧" in world.admin.see("/desk/reviews")
    review = world.admin.see(f"/desk/reviews/listings/{listing_id}")
    assert review.index("確認した項目") < review.index("決定")
    done = world.admin.fill(f"/desk/reviews/listings/{listing_id}", decision="publish")
    assert done.status_code == 303, done.get_data(as_text=True)

    stranger = world.app.test_client()
    page = stranger.get(f"/listings/{listing_id}").get_data(as_text=True)
    assert "値の説明" in page and "見本(提供者が公開した行)" in page
    assert "指定緊急避難場所一覧" in stranger.get("/listings?q=避難").get_data(as_text=True)
    assert "指定緊急避難場所一覧" in stranger.get("/").get_data(as_text=True)
    assert "本人確認済み" in stranger.get(f"/providers/{city.organization_id}").get_data(as_text=True)


def test_the_same_form_sent_twice_makes_one_listing(world: Any, city: Any) -> None:
    page = city.browser.get("/desk/listings/new")
    found = re.search(r'name="form_id"[^>]*value="([^"]+)"', page.get_data(as_text=True))
    assert found
    data = {**DESCRIPTION, "csrf_token": csrf(page), "form_id": found[1]}
    first, again = (city.browser.post("/desk/listings/new", data=data) for _ in range(2))
    assert (first.status_code, first.location) == (303, again.location)
    assert len(city.see("/desk/listings").split("<tr>")) == 3  # head and one row


def test_what_was_typed_stays_and_every_error_is_named(world: Any, city: Any) -> None:
    bad = {**DESCRIPTION, "title": "", "area_codes": "131033", "period_start": "昨日", "email": "だれか"}
    answer = city.fill("/desk/listings/new", **bad)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "入力内容をご確認ください" in page and "エラー:" in page.split("</title>")[0]
    for words in (
        "日付を 2026-04-01 のように入力してください",
        "形式を確かめてください",
        "市内の指定緊急避難場所の位置と種別です。",
    ):
        assert words in page
    again = city.fill("/desk/listings/new", **{**DESCRIPTION, "area_codes": "131033"})
    assert "131033" in again.get_data(as_text=True) and again.status_code == 422


def test_an_unlawful_class_is_refused_with_the_article(world: Any, city: Any) -> None:
    path = drafted(city)
    answer = city.fill(path + "/class", data_class="personal")
    assert answer.status_code == 422
    assert "第27条" in answer.get_data(as_text=True)


def test_a_refused_description_of_columns_keeps_what_was_typed(world: Any, city: Any) -> None:
    path = drafted(city)
    file_id = uploaded(world, city, path)
    answer = city.fill(f"{path}/files/{file_id}", released_rows="99", note_0="打ち込んだ説明")
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "打ち込んだ説明" in page and "0行から2行" in page


def test_findings_are_answered_on_the_last_page(world: Any, city: Any) -> None:
    path = drafted(city)
    rows = "".join(f"{n},03-1234-{n}\n" for n in range(1000, 1040))
    uploaded(world, city, path, "連絡先.csv", ("id,電話番号\n" + rows).encode())
    city.fill(path + "/class", data_class="non_personal")
    offered({"id": path.rsplit("/", 1)[1]})
    page = city.see(path + "/submit")
    names = set(re.findall(r'name="(answer_[^"]+)"', page))
    assert names
    refused = city.fill(path + "/submit", declaration="y")
    assert refused.status_code == 422 and "提供してよい理由" in refused.get_data(as_text=True)
    done = city.fill(path + "/submit", declaration="y", **dict.fromkeys(names, "施設の代表番号です。"))
    assert done.status_code == 303
    review = world.admin.see("/desk/reviews/listings/" + path.rsplit("/", 1)[1])
    assert "施設の代表番号です。" in review


def test_markup_in_every_field_is_shown_as_text(world: Any, city: Any) -> None:
    words = "<script>alert(1)</script>"
    texts = dict.fromkeys(("title", "summary", "description", "source", "keywords", "department"), words)
    path = drafted(city, **texts)
    for page in (path, path + "/description", path + "/submit", "/desk/listings"):
        assert words not in city.see(page)
        assert "&lt;script&gt;" in city.see(page)


def test_an_administrator_returns_with_a_reason(world: Any, city: Any, ready: Any) -> None:
    city.post(f"/listings/{ready['id']}/submit")
    path = f"/desk/reviews/listings/{ready['id']}"
    without = world.admin.fill(path, decision="return")
    assert without.status_code == 422
    assert world.admin.fill(path, decision="return", reason="出典を書いてください。").status_code == 303
    assert "出典を書いてください。" in city.see(f"/desk/listings/{ready['id']}")
    assert "審査を待っている版はありません" in world.admin.see(path)


def test_releases_recalls_and_endings(world: Any, city: Any, ready: Any) -> None:
    file = publish(world, city, ready)["files"][0]
    path = f"/desk/listings/{ready['id']}"
    assert "このファイルを回収する" in city.see(f"{path}/files/{file['id']}")
    assert city.fill(f"{path}/files/{file['id']}/recall", reason="誤って公開した").status_code == 303
    assert "回収済み" in world.app.test_client().get(f"/listings/{ready['id']}").get_data(as_text=True)
    assert "誤って公開した" in city.see(f"{path}/files/{file['id']}")
    assert city.fill(path + "/release", note="差し替え").status_code == 303
    assert city.browser.get(path + "/release").status_code == 303
    assert city.fill(path + "/withdraw", reason="終了").status_code == 303
    assert world.app.test_client().get(f"/listings/{ready['id']}").status_code == 404


def test_the_script_gets_refusals_it_can_show(world: Any, city: Any) -> None:
    path = drafted(city)
    token = csrf(city.browser.get(path))
    refused = city.browser.post(
        path + "/files/announce", json={"name": "../x", "size": 1}, headers={"X-CSRFToken": token}
    )
    assert (refused.status_code, refused.mimetype) == (422, "application/problem+json")
    assert city.browser.post(path + "/files/announce", json={"name": "x", "size": 1}).status_code == 400
    broken = city.browser.post(path + "/files/announce", data=b"{", headers={"X-CSRFToken": token})
    assert broken.status_code == 400


def test_who_may_not_come_in(world: Any, city: Any, ready: Any) -> None:
    stranger, other = world.app.test_client(), world.organization("よその会社")
    assert stranger.get("/desk/listings").location.startswith("/sign-in")
    assert other.browser.get(f"/desk/listings/{ready['id']}").status_code == 404
    assert city.browser.get("/desk/reviews").status_code == 403
    viewer = world.colleague(city, "viewer")
    assert viewer.browser.get(f"/desk/listings/{ready['id']}").status_code == 200
    assert viewer.browser.get("/desk/listings/new").status_code == 403
    assert stranger.get("/providers/nobody").status_code == 404
    publish(world, city, ready)
    assert other.browser.get(f"/desk/listings/{ready['id']}").status_code == 404


def test_a_listing_for_invited_organizations_by_corporate_number(world: Any, city: Any) -> None:
    guest = world.organization("招待された会社")
    number = guest.member.organization.corporate_number
    unknown = city.fill("/desk/listings/new", **{**DESCRIPTION, "visibility": "invited", "invited": "1234567890123"})
    assert unknown.status_code == 422 and "登録されていない法人番号" in unknown.get_data(as_text=True)
    path = drafted(city, visibility="invited", invited=number)
    assert number in city.see(path + "/description")


def test_filters_show_counts_and_removable_chips(world: Any, city: Any, ready: Any) -> None:
    publish(world, city, ready)
    page = world.app.test_client().get("/listings?theme=population&sort=title").get_data(as_text=True)
    assert "人口・世帯 (1)" in page
    assert 'href="/listings?sort=title"' in page
    assert world.app.test_client().get("/listings?theme=weather&cursor=x&limit=z").status_code == 200
    nothing = world.app.test_client().get("/listings?q=存在しない言葉").get_data(as_text=True)
    assert "条件に合うデータはありません" in nothing


def test_wants_are_posted_joined_and_answered(world: Any, city: Any, ready: Any) -> None:
    publish(world, city, ready)
    buyer, friend = world.organization("地図の会社"), world.organization("友の会社")
    until = (clock.today() + timedelta(days=30)).isoformat()
    made = buyer.fill(
        "/needs/new", title="歩行者数", purpose="出店計画", theme="population", until=until, area_codes="13"
    )
    assert made.status_code == 303, made.get_data(as_text=True)
    assert "あなたの組織が答えられそうなもの" in city.see("/needs")
    assert friend.fill(made.location, made.location + "/join", note="うちも").status_code == 303
    bad = city.fill(made.location, made.location + "/answers", kind="no")
    assert bad.status_code == 422 and "理由を入力してください" in bad.get_data(as_text=True)
    answered = city.fill(made.location, made.location + "/answers", kind="listing", listing_id=ready["id"])
    assert answered.status_code == 303, answered.get_data(as_text=True)
    page = world.app.test_client().get(made.location).get_data(as_text=True)
    assert "友の会社" in page and "地区別人口" in page
    assert buyer.fill(made.location, made.location + "/close").status_code == 303
    assert "終了" in buyer.see(made.location)
    assert buyer.fill("/needs/new", title="", purpose="", until="いつか").status_code == 422


@pytest.mark.parametrize("path", ["/", "/listings", "/needs"])
def test_empty_pages_say_what_to_do_first(world: Any, path: str) -> None:
    for query in ("", "?lang=en"):
        assert world.app.test_client().get(path + query).status_code == 200


def test_forms_protect_against_other_sites(city: Any) -> None:
    assert web_forms.csrf is not None
    assert city.browser.post("/desk/listings/new", data=DESCRIPTION).status_code == 400
