"""Prices: what is refused, what a month costs, and what must hold for every price there can be."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts import pricing
from exchange.errors import Invalid
from exchange.money import JPY_MAX

yen = st.integers(0, JPY_MAX)
unit_price = st.decimals(0, 10**6, places=6, allow_nan=False).map(lambda d: format(d, "f"))


@st.composite
def tiers(draw: st.DrawFn) -> list[dict[str, Any]]:
    bounds = sorted(draw(st.sets(st.integers(1, 10**6), max_size=4)))
    return [{"up_to": b, "unit_price_jpy": draw(unit_price)} for b in [*bounds, None]]


@st.composite
def metered(draw: st.DrawFn) -> dict[str, Any]:
    minimum = draw(st.integers(0, 10**6))
    return {
        "model": "metered",
        "unit": draw(st.sampled_from(["gigabyte", "download"])),
        "tiers": draw(tiers()),
        "included_units": draw(st.integers(0, 1000)),
        "minimum_jpy": minimum,
        "cap_jpy": draw(st.none() | st.integers(minimum, 10**9)),
        "repeat_reads": draw(st.sampled_from(["included", "charged"])),
    }


quotas = st.fixed_dictionaries(
    {},
    optional={
        "quota_gigabytes": st.none() | st.integers(1, 10**9),
        "quota_downloads": st.none() | st.integers(1, 10**9),
    },
)
paid = st.one_of(
    st.builds(lambda p, when: {"model": "one_off", "price_jpy": p, "payment": when}, yen,
              st.sampled_from(["on_activation", "prepaid"])),
    st.builds(lambda p, i: {"model": "subscription", "price_jpy": p, "interval": i}, yen,
              st.sampled_from(["month", "year"])),
    metered(),
    st.builds(lambda s, m: {"model": "revenue_share", "share_percent": s, "minimum_jpy": m},
              st.decimals(0, 100, places=2, allow_nan=False).map(lambda d: format(d, "f")), yen),
)  # fmt: skip
prices = st.just({"model": "free"}) | st.builds(lambda price, quota: price | quota, paid, quotas)


def month(price: dict[str, Any], *, usage_bytes: int = 0, downloads: int = 0, sales: int = 0, days: int = 30) -> int:
    return pricing.monthly_charge_jpy(
        pricing.parse(price),
        usage_bytes=usage_bytes,
        downloads=downloads,
        reported_sales_jpy=sales,
        days_active=days,
        days_in_month=30,
    )


@given(prices)
def test_a_price_survives_being_written_and_read(price: dict[str, Any]) -> None:
    parsed = pricing.parse(price)
    assert pricing.parse(pricing.as_json(parsed)) == parsed


@given(prices)
def test_every_price_has_words_in_both_languages(price: dict[str, Any]) -> None:
    parsed = pricing.parse(price)
    for lang in ("ja", "en"):
        assert pricing.words(parsed, lang) and pricing.example_words(parsed, lang)
        assert all(pricing.details(parsed, lang)) and "E+" not in "".join(pricing.details(parsed, lang))


@given(prices, st.integers(0, 10**13), st.integers(0, 10**5), st.integers(0, 10**11), st.integers(0, 30))
def test_no_month_costs_less_than_nothing_or_more_than_its_cap(
    price: dict[str, Any], usage: int, downloads: int, sales: int, days: int
) -> None:
    charge = month(price, usage_bytes=usage, downloads=downloads, sales=sales, days=days)
    assert charge >= 0
    if price.get("cap_jpy") is not None:
        assert charge <= price["cap_jpy"]
    if days and price["model"] == "metered":
        assert charge >= price["minimum_jpy"]
    if pricing.is_free(pricing.parse(price)):
        assert charge == 0


@given(metered(), st.integers(0, 10**13), st.integers(0, 10**13))
def test_more_use_never_costs_less(price: dict[str, Any], one: int, another: int) -> None:
    less, more = sorted((one, another))
    assert month(price, usage_bytes=less, downloads=less) <= month(price, usage_bytes=more, downloads=more)


@given(metered(), st.integers(0, 1000))
def test_included_units_alone_cost_the_minimum(price: dict[str, Any], units: int) -> None:
    price["included_units"] = units
    used = {"usage_bytes": units * pricing.GIGABYTE, "downloads": units}
    assert month(price, **used) == price["minimum_jpy"]


@given(st.integers(0, JPY_MAX), st.integers(0, 30))
def test_days_of_a_subscription_add_up_to_no_more_than_the_month(price: int, days: int) -> None:
    subscription = {"model": "subscription", "price_jpy": price, "interval": "month"}
    first, rest = month(subscription, days=days), month(subscription, days=30 - days)
    assert 0 <= price - first - rest <= 1
    assert month(subscription, days=30) == price


def one_tier(unit_price_jpy: str, **more: Any) -> dict[str, Any]:
    return {
        "model": "metered",
        "unit": "download",
        "tiers": [{"up_to": None, "unit_price_jpy": unit_price_jpy}],
        **more,
    }


@pytest.mark.parametrize(
    ("price", "used", "charge"),
    [
        (one_tier("120"), {"downloads": 37}, 4_440),
        (one_tier("120", minimum_jpy=10_000), {}, 10_000),
        (one_tier("120", minimum_jpy=10_000), {"downloads": 84}, 10_080),
        (one_tier("120", cap_jpy=5_000), {"downloads": 84}, 5_000),
        (one_tier("120", included_units=10), {"downloads": 12}, 240),
        (one_tier("0.1"), {"downloads": 9}, 0),
        (one_tier("0.1"), {"downloads": 19}, 1),
        ({**one_tier("1000"), "unit": "gigabyte"}, {"usage_bytes": 1_500_000_000}, 1_500),
        ({**one_tier("1000"), "unit": "gigabyte"}, {"usage_bytes": 999_999}, 0),
        (
            {
                "model": "metered",
                "unit": "download",
                "tiers": [{"up_to": 10, "unit_price_jpy": "100"}, {"up_to": None, "unit_price_jpy": "50"}],
            },
            {"downloads": 12},
            1_100,
        ),
        ({"model": "revenue_share", "share_percent": "7.5", "minimum_jpy": 0}, {"sales": 1_234_567}, 92_592),
        ({"model": "revenue_share", "share_percent": "7.5", "minimum_jpy": 10_000}, {}, 10_000),
        ({"model": "subscription", "price_jpy": 12_000, "interval": "month"}, {"days": 7}, 2_800),
        ({"model": "subscription", "price_jpy": 120_000, "interval": "year"}, {}, 10_000),
        ({"model": "one_off", "price_jpy": 10_000}, {"downloads": 3}, 0),
        ({"model": "free"}, {"downloads": 3}, 0),
    ],
)
def test_months(price: dict[str, Any], used: dict[str, int], charge: int) -> None:
    assert month(price, **used) == charge


@pytest.mark.parametrize("amount", [-1, 0.5, 10**18, "1000", None, True, float("nan"), [], {}])
def test_a_price_is_whole_yen_up_to_a_trillion(amount: object) -> None:
    with pytest.raises(Invalid) as refused:
        pricing.parse({"model": "one_off", "price_jpy": amount})
    assert list(refused.value.errors) == ["pricing.price_jpy"]


@pytest.mark.parametrize("amount", ["-1", "1e3", "0.1234567", "NaN", "", " 1", "٣", 1, 1.5, None, "1" * 40, "1.", "+1"])
def test_a_unit_price_is_a_plain_decimal_string(amount: object) -> None:
    with pytest.raises(Invalid) as refused:
        pricing.parse({"model": "metered", "unit": "download", "tiers": [{"up_to": None, "unit_price_jpy": amount}]})
    assert list(refused.value.errors) == ["pricing.tiers.0.unit_price_jpy"]


@pytest.mark.parametrize(
    ("price", "fields"),
    [
        ({}, ["pricing.model"]),
        ({"model": "gift"}, ["pricing.model"]),
        ({"model": ["free"]}, ["pricing.model"]),
        ({"model": "free", "price_jpy": 1}, ["pricing.price_jpy"]),
        ({"model": "subscription", "price_jpy": 1}, ["pricing.interval"]),
        ({"model": "revenue_share", "share_percent": "100.1"}, ["pricing.share_percent"]),
        ({"model": "metered", "unit": "download", "tiers": []}, ["pricing.tiers"]),
        ({"model": "metered", "unit": "byte", "tiers": "x"}, ["pricing.unit", "pricing.tiers"]),
        (one_tier("1", minimum_jpy=2, cap_jpy=1), ["pricing.cap_jpy"]),
        (
            {"model": "metered", "unit": "download", "tiers": [{"up_to": 5, "unit_price_jpy": "1"}]},
            ["pricing.tiers.0.up_to"],
        ),
        (
            {
                "model": "metered",
                "unit": "download",
                "tiers": [
                    {"up_to": 5, "unit_price_jpy": "1"},
                    {"up_to": 5, "unit_price_jpy": "1"},
                    {"up_to": None, "unit_price_jpy": "1", "note": "x"},
                ],
            },
            ["pricing.tiers.1.up_to", "pricing.tiers.2.note"],
        ),
    ],
)
def test_every_wrong_field_is_named(price: dict[str, Any], fields: list[str]) -> None:
    with pytest.raises(Invalid) as refused:
        pricing.parse(price)
    assert list(refused.value.errors) == fields


@pytest.mark.parametrize(
    ("price", "japanese", "english"),
    [
        ({"model": "free"}, "無料", "Free"),
        ({"model": "one_off", "price_jpy": 10_000}, "一括 10,000円", "¥10,000 once"),
        ({"model": "subscription", "price_jpy": 12_000, "interval": "month"}, "月額 12,000円", "¥12,000 a month"),
        ({**one_tier("800"), "unit": "gigabyte"}, "1 GBあたり 800円", "¥800 per GB"),
        (one_tier("0.50"), "1 回あたり 0.5円", "¥0.5 per download"),
        ({"model": "revenue_share", "share_percent": "7.50"}, "売上の 7.5%", "7.5% of sales"),
    ],
)
def test_words(price: dict[str, Any], japanese: str, english: str) -> None:
    parsed = pricing.parse(price)
    assert (pricing.words(parsed), pricing.words(parsed, "en")) == (japanese, english)


def test_the_example_month_is_ten_units() -> None:
    assert pricing.example_month_jpy(pricing.parse({**one_tier("800"), "unit": "gigabyte"})) == 8_000
    assert pricing.lowest_jpy(pricing.parse(one_tier("0.5"))) == 0
    assert pricing.monthly_charge_jpy(
        pricing.OneOff(5), usage_bytes=0, downloads=0, reported_sales_jpy=0, days_active=1, days_in_month=30
    ) == 0  # fmt: skip
    assert Decimal("7.5") == pricing.parse({"model": "revenue_share", "share_percent": "7.5"}).share_percent  # type: ignore[union-attr]


@given(
    st.lists(st.tuples(st.integers(1, 40), unit_price), max_size=4), unit_price, st.integers(0, 20), st.integers(0, 200)
)
def test_each_unit_costs_its_tier_s_price_and_the_sum_is_rounded_down_once(
    widths: list[tuple[int, str]], rest: str, included: int, units: int
) -> None:
    bounds, ladder, reached = [], list[Fraction](), 0
    for width, each in widths:
        reached += width
        ladder += [Fraction(each)] * width
        bounds.append({"up_to": reached, "unit_price_jpy": each})
    ladder += [Fraction(rest)] * 200
    price = {"model": "metered", "unit": "download", "tiers": [*bounds, {"up_to": None, "unit_price_jpy": rest}]}
    charged = sum(ladder[: max(0, units - included)], Fraction(0))
    assert month(price | {"included_units": included}, downloads=units) == charged.numerator // charged.denominator


@given(st.decimals(0, 100, places=4, allow_nan=False), st.integers(0, 10**6), st.integers(0, 10**11), st.booleans())
def test_a_share_is_rounded_down_once_and_never_below_its_minimum(
    percent: Decimal, minimum: int, sales: int, in_force: bool
) -> None:
    price = {"model": "revenue_share", "share_percent": format(percent, "f"), "minimum_jpy": minimum}
    earned = Fraction(percent) * sales / 100
    share = earned.numerator // earned.denominator
    assert month(price, sales=sales, days=30 if in_force else 0) == (max(share, minimum) if in_force else share)


@given(yen, st.integers(0, 31), st.integers(28, 31), st.sampled_from(["month", "year"]))
def test_a_subscription_costs_its_days_of_the_month(price: int, days: int, days_in_month: int, interval: str) -> None:
    subscription = pricing.parse({"model": "subscription", "price_jpy": price, "interval": interval})
    days, months = min(days, days_in_month), 12 if interval == "year" else 1
    used = {"usage_bytes": 0, "downloads": 0, "reported_sales_jpy": 0}
    charge = pricing.monthly_charge_jpy(subscription, **used, days_active=days, days_in_month=days_in_month)
    assert charge == price * days // (months * days_in_month)
