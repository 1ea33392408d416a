"""Every state and every deed, the law's classes, codes, names, and words to search by."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.errors import Invalid, WrongState
from listings import rules

LISTING_DEEDS = ("submit", "publish", "return", "withdraw", "release")
LISTING_AFTER = {
    "draft": {"submit": "submitted", "withdraw": "withdrawn"},
    "submitted": {"publish": "published", "return": "draft", "withdraw": "withdrawn"},
    "published": {
        "submit": "published",
        "publish": "published",
        "return": "published",
        "withdraw": "withdrawn",
        "release": "published",
    },
    "withdrawn": {},
}
RELEASE_AFTER = {
    "draft": {"submit": "submitted"},
    "submitted": {"publish": "published", "return": "draft"},
    "published": {},
}
FILE_AFTER = {
    "uploading": {"complete": "reading"},
    "reading": {"ready": "ready", "refuse": "refused"},
    "ready": {},
    "refused": {},
}


@pytest.mark.parametrize("deed", LISTING_DEEDS)
@pytest.mark.parametrize("state", LISTING_AFTER)
def test_listing_states(state: str, deed: str) -> None:
    check(rules.LISTING, LISTING_AFTER, state, deed)


@pytest.mark.parametrize("deed", ("submit", "publish", "return"))
@pytest.mark.parametrize("state", RELEASE_AFTER)
def test_release_states(state: str, deed: str) -> None:
    check(rules.RELEASE, RELEASE_AFTER, state, deed)


@pytest.mark.parametrize("deed", ("complete", "ready", "refuse"))
@pytest.mark.parametrize("state", FILE_AFTER)
def test_file_states(state: str, deed: str) -> None:
    check(rules.FILE, FILE_AFTER, state, deed)


def check(table: rules.States, expected: dict[str, dict[str, str]], state: str, deed: str) -> None:
    if deed in expected[state]:
        assert rules.after(table, state, deed) == expected[state][deed]
    else:
        with pytest.raises(WrongState) as refused:
            rules.after(table, state, deed)
        assert set(refused.value.extra["allowed"]) == set(expected[state])


@pytest.mark.parametrize(
    ("listing", "release", "deeds"),
    [
        ("draft", "draft", {"submit", "withdraw"}),
        ("submitted", "submitted", {"publish", "return", "withdraw"}),
        ("published", None, {"withdraw", "release"}),
        ("published", "draft", {"submit", "withdraw"}),
        ("published", "submitted", {"publish", "return", "withdraw"}),
        ("withdrawn", "draft", set()),
    ],
)
def test_what_listing_and_release_take_together(listing: str, release: str | None, deeds: set[str]) -> None:
    assert set(rules.deeds(listing, release)) == deeds


@pytest.mark.parametrize("data_class", ["personal", "sensitive", "pseudonymized", "my_number"])
@pytest.mark.parametrize("kind", ["company", "municipality", "npo", "university"])
def test_classes_that_may_not_be_listed_name_the_article(data_class: str, kind: str) -> None:
    with pytest.raises(Invalid) as refused:
        rules.class_may_be_listed(data_class, provider_kind=kind)
    assert "条" in str(refused.value.detail)
    assert set(refused.value.errors) == {"data_class"}


@pytest.mark.parametrize("data_class", ["non_personal", "statistics", "anonymized", "person_related"])
def test_classes_that_a_company_may_list(data_class: str) -> None:
    rules.class_may_be_listed(data_class, provider_kind="company")


def test_a_municipality_cannot_list_anonymized_data() -> None:
    with pytest.raises(Invalid) as refused:
        rules.class_may_be_listed("anonymized", provider_kind="municipality")
    assert "第109条" in str(refused.value.detail)


@pytest.mark.parametrize(
    ("data_class", "waits"), [("anonymized", True), ("person_related", True), ("statistics", False)]
)
def test_classes_whose_gates_are_not_built_stay_drafts(data_class: str, waits: bool) -> None:
    if not waits:
        return rules.class_may_be_submitted(data_class, state="draft")
    with pytest.raises(rules.ClassNotYetAccepted):
        rules.class_may_be_submitted(data_class, state="draft")


@pytest.mark.parametrize(
    ("code", "good"),
    [("13", True), ("131032", True), ("13103", True), ("131033", False), ("48", False), ("00", False), ("1", False),
     ("1310321", False), ("１３", False), ("ab", False), ("", False)],
)  # fmt: skip
def test_area_codes(code: str, good: bool) -> None:
    assert rules.is_area_code(code) is good


@pytest.mark.parametrize(
    ("name", "good"),
    [("人口.csv", True), ("a b (2).xlsx", True), ("../a.csv", False), ("a\\b.csv", False), ("..", False), ("", False),
     (" a.csv", False), ("a\0.csv", False), ("a\n.csv", False), ("a" * 151, False), ("<script>.csv", False)],
)  # fmt: skip
def test_file_names(name: str, good: bool) -> None:
    assert rules.is_file_name(name) is good


@pytest.mark.parametrize(
    ("licence", "key"),
    [
        ("CC-BY-4.0", "cc-by-4.0"),
        ("cc by 4.0", "cc-by-4.0"),
        ("PDL-1.0", "pdl-1.0"),
        ("CC-BY-NC-4.0", None),
        (None, None),
    ],
)
def test_open_licences(licence: str | None, key: str | None) -> None:
    assert rules.open_licence(licence) == key


@given(st.integers(1, rules.FILE_SIZE_MAX))
def test_parts_cover_the_file_and_are_not_too_many(size: int) -> None:
    parts, part = rules.part_count(size), rules.part_size(size)
    assert parts <= rules.PARTS_MAX
    assert (parts - 1) * part < size <= parts * part


@given(st.text())
def test_any_text_makes_a_query_and_a_vector(words: str) -> None:
    rules.search_query(words)
    rules.search_vector([("A", words)])


@pytest.mark.parametrize("state", ["draft", "submitted", "published", "withdrawn"])
@pytest.mark.parametrize("field", ["title", "data_class"])
def test_what_may_change_when(state: str, field: str) -> None:
    expected = state == "draft" or (state == "published" and field == "title")
    assert rules.may_change_fields(state, [field]) is expected
