"""The five price models, pure: what may be asked, what a month costs, and how that reads.

    free            nothing, ever
    one_off         one price for the contract, invoiced when it becomes active or, `prepaid`, before anything is delivered
    subscription    so much a month or a year, by the day where a month is not whole
    metered         so much per gigabyte (10**9 bytes) or download, in tiers, between a minimum and a cap
    revenue_share   a percentage of what the buyer reports, at least a minimum

A quota is the most that a month delivers, whatever it costs; a cap is the most that a month costs, whatever is
delivered. Prices are without tax. Every charge is rounded down to whole yen once, here, at the end.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from decimal import Decimal, InvalidOperation
from typing import Any, ClassVar, Literal, TypeVar, cast

from exchange.errors import Invalid, Words, text
from exchange.money import JPY_MAX, floor_yen, share_jpy

GIGABYTE = 10**9
UNITS_MAX = 10**12
QUOTA_MAX = 10**9
TIERS_MAX = 20
DECIMALS_MAX = 6
MODELS = ("free", "one_off", "subscription", "metered", "revenue_share")

QUOTAS = ("quota_gigabytes", "quota_downloads")
EXAMPLE_UNITS = 10
EXAMPLE_SALES_JPY = 1_000_000


@dataclass(frozen=True)
class Free:
    """Nothing to pay."""

    model: ClassVar[str] = "free"


@dataclass(frozen=True, kw_only=True)
class _Quota:
    """The most that is delivered in a calendar month; None is no quota. A gigabyte is 10**9 bytes."""

    quota_gigabytes: int | None = None
    quota_downloads: int | None = None


@dataclass(frozen=True)
class OneOff(_Quota):
    """One price for the whole contract; `prepaid` delivers only once it is paid."""

    price_jpy: int
    payment: Literal["on_activation", "prepaid"] = "on_activation"
    model: ClassVar[str] = "one_off"


@dataclass(frozen=True)
class Subscription(_Quota):
    """A price for every month or year of the term."""

    price_jpy: int
    interval: Literal["month", "year"]
    model: ClassVar[str] = "subscription"


@dataclass(frozen=True)
class Tier:
    """Units up to and including this many charged units cost this much each; None is the rest."""

    up_to: int | None
    unit_price_jpy: Decimal


@dataclass(frozen=True)
class Metered(_Quota):
    """A price per unit. Included units come first and are free; tiers count the units after them."""

    unit: Literal["gigabyte", "download"]
    tiers: tuple[Tier, ...]
    included_units: int = 0
    minimum_jpy: int = 0
    cap_jpy: int | None = None
    repeat_reads: Literal["included", "charged"] = "included"
    model: ClassVar[str] = "metered"


@dataclass(frozen=True)
class RevenueShare(_Quota):
    """A share of the sales the buyer reports for the month."""

    share_percent: Decimal
    minimum_jpy: int = 0
    model: ClassVar[str] = "revenue_share"


Pricing = Free | OneOff | Subscription | Metered | RevenueShare


def parse(given: Mapping[str, Any], *, field: str = "pricing") -> Pricing:
    """The price model that a client's or a row's JSON describes.

    Raises `Invalid` naming every field that cannot be taken, as `pricing.tiers.0.up_to`: prices are whole yen from
    0 to 10**12, unit prices and percentages decimal strings of at most 6 places, tiers rise and the last is open.
    """
    reader = _Reader(given, field)
    model = reader.choice("model", MODELS)
    found = _BUILDERS[model](reader) if model else Free()
    reader.finish()
    return found


def as_json(pricing: Pricing) -> dict[str, Any]:
    """The JSON form, which `parse` reads back to the same price: every field, and the quota where there is one."""
    written: dict[str, Any] = {"model": pricing.model}
    for each in fields(pricing):
        value = getattr(pricing, each.name)
        if value is not None or each.name not in QUOTAS:
            written[each.name] = _plain(value)
    return written


def monthly_charge_jpy(
    pricing: Pricing,
    *,
    usage_bytes: int,
    downloads: int,
    reported_sales_jpy: int,
    days_active: int,
    days_in_month: int,
) -> int:
    """Yen without tax for one calendar month of a contract (a one-off price is no monthly charge: 0).

    A subscription is charged by the day; a yearly one a twelfth each month. Minimum, cap and included units belong
    to a month and are not divided; a month without a single day in force has no minimum.
    """
    match pricing:
        case Free() | OneOff():
            return 0
        case Subscription(price_jpy=price, interval=interval):
            months = 12 if interval == "year" else 1
            return floor_yen(Decimal(price * days_active) / (months * days_in_month))
        case Metered():
            units = Decimal(usage_bytes) / GIGABYTE if pricing.unit == "gigabyte" else Decimal(downloads)
            return metered_charge_jpy(pricing, units, minimum=days_active > 0)
        case RevenueShare():
            earned = share_jpy(reported_sales_jpy, pricing.share_percent)
            return max(earned, pricing.minimum_jpy) if days_active > 0 else earned


def metered_charge_jpy(pricing: Metered, units: Decimal, *, minimum: bool = True) -> int:
    """Yen for so many units in a month: tiers first, then the minimum, then the cap, which always wins."""
    left, below, amount = max(units - pricing.included_units, Decimal(0)), 0, Decimal(0)
    for tier in pricing.tiers:
        width = left if tier.up_to is None else min(left, Decimal(tier.up_to - below))
        amount += width * tier.unit_price_jpy
        left -= width
        below = tier.up_to or below
    charge = max(floor_yen(amount), pricing.minimum_jpy if minimum else 0)
    return charge if pricing.cap_jpy is None else min(charge, pricing.cap_jpy)


def activation_charge_jpy(pricing: Pricing) -> int:
    """Yen without tax invoiced once, when the contract becomes active."""
    return pricing.price_jpy if isinstance(pricing, OneOff) else 0


def example_month_jpy(pricing: Pricing) -> int:
    """Yen of the example month that `example_words` describes, so that offers can be compared."""
    charge = monthly_charge_jpy(
        pricing,
        usage_bytes=EXAMPLE_UNITS * GIGABYTE,
        downloads=EXAMPLE_UNITS,
        reported_sales_jpy=EXAMPLE_SALES_JPY,
        days_active=30,
        days_in_month=30,
    )
    return activation_charge_jpy(pricing) + charge


def year_jpy(pricing: Pricing) -> int:
    """Yen of a first year of example months, or of the most it can cost where a cap is set: what a buyer commits to."""
    once = activation_charge_jpy(pricing)
    if isinstance(pricing, Subscription):
        return once + pricing.price_jpy * (12 if pricing.interval == "month" else 1)
    cap = getattr(pricing, "cap_jpy", None)
    return once + 12 * (cap if cap is not None else example_month_jpy(pricing) - once)


def lowest_jpy(pricing: Pricing) -> int:
    """The yen that price lists sort by: the price, the cheapest unit, or the least a month can cost."""
    match pricing:
        case Free():
            return 0
        case OneOff(price_jpy=price) | Subscription(price_jpy=price):
            return price
        case Metered():
            return max(floor_yen(min(t.unit_price_jpy for t in pricing.tiers)), pricing.minimum_jpy)
        case RevenueShare():
            return pricing.minimum_jpy


def is_free(pricing: Pricing) -> bool:
    """Whether nobody can ever owe anything under this price."""
    match pricing:
        case Free():
            return True
        case OneOff(price_jpy=price) | Subscription(price_jpy=price):
            return price == 0
        case Metered():
            return pricing.minimum_jpy == 0 and all(t.unit_price_jpy == 0 for t in pricing.tiers)
        case RevenueShare():
            return pricing.minimum_jpy == 0 and pricing.share_percent == 0


# ── in words ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def words(pricing: Pricing, lang: str = "ja") -> str:
    """The price in one short phrase: 月額 12,000円, ¥12,000 a month."""
    return _words_en(pricing) if lang == "en" else _words_ja(pricing)


def _words_ja(pricing: Pricing) -> str:
    match pricing:
        case Free():
            return "無料"
        case OneOff(price_jpy=price):
            return f"一括 {price:,}円"
        case Subscription(price_jpy=price, interval=interval):
            return f"{'月額' if interval == 'month' else '年額'} {price:,}円"
        case Metered(unit=unit):
            return f"{'1 GB' if unit == 'gigabyte' else '1 回'}あたり {_span(pricing, '～', '{}円')}"
        case RevenueShare(share_percent=percent):
            return f"売上の {_number(percent)}%"


def _words_en(pricing: Pricing) -> str:
    match pricing:
        case Free():
            return "Free"
        case OneOff(price_jpy=price):
            return f"¥{price:,} once"
        case Subscription(price_jpy=price, interval=interval):
            return f"¥{price:,} a {interval}"
        case Metered(unit=unit):
            return f"{_span(pricing, '–', '¥{}')} per {'GB' if unit == 'gigabyte' else 'download'}"
        case RevenueShare(share_percent=percent):
            return f"{_number(percent)}% of sales"


def details(pricing: Pricing, lang: str = "ja") -> list[str]:
    """Everything else about the price, one sentence each: tiers, included units, minimum, cap, when paid, quota."""
    found = _details_en(pricing) if lang == "en" else _details_ja(pricing)
    return found + _quota_words(pricing, lang)


def _quota_words(pricing: Pricing, lang: str) -> list[str]:
    if isinstance(pricing, Free):
        return []
    units = ("GB", "downloads") if lang == "en" else ("GB", "回")
    quotas = zip((pricing.quota_gigabytes, pricing.quota_downloads), units, strict=True)
    most = [f"{quota:,} {unit}" for quota, unit in quotas if quota is not None]
    if not most:
        return []
    if lang == "en":
        return [f"Delivery stops at {' or '.join(most)} a month."]
    return [f"1か月に引き渡す量は {'、または '.join(most)}までで、それを超える引渡しは翌月まで止まります。"]


def _details_ja(pricing: Pricing) -> list[str]:
    match pricing:
        case Free():
            return []
        case OneOff(payment=payment):
            paid_first = "入金を確認した後にデータを引き渡します。"
            return [paid_first if payment == "prepaid" else "契約が成立したときに請求します。"]
        case Subscription(interval=interval):
            yearly = ["年額の12分の1を毎月請求します。"] if interval == "year" else ["毎月請求します。"]
            return [*yearly, "月の途中で始まり、または終わる月は日割りで計算し、1円未満を切り捨てます。"]
        case Metered():
            return _metered_ja(pricing)
        case RevenueShare(minimum_jpy=minimum):
            least = [f"1か月の最低額は {minimum:,}円です。"] if minimum else []
            return ["利用者が毎月報告する売上額をもとに計算し、1円未満を切り捨てます。", *least]


def _metered_ja(p: Metered) -> list[str]:
    unit = "GB" if p.unit == "gigabyte" else "回"
    found = [f"1か月に {p.included_units:,} {unit}までは無料です。"] if p.included_units else []
    if len(p.tiers) > 1:
        found += [
            (f"{t.up_to:,} {unit}まで" if t.up_to is not None else "それを超える分") + f" {_number(t.unit_price_jpy)}円"
            for t in p.tiers
        ]
    if p.minimum_jpy:
        found.append(f"1か月の最低額は {p.minimum_jpy:,}円です。")
    if p.cap_jpy is not None:
        found.append(f"1か月の上限額は {p.cap_jpy:,}円です。")
    once = "同じファイルの同じ部分は、1か月に何度読み出しても1回分です。"
    found.append(once if p.repeat_reads == "included" else "発行したリンクごとに計算します。")
    return [*found, _VARIANTS_JA[p.unit]]


def _details_en(pricing: Pricing) -> list[str]:
    match pricing:
        case Free():
            return []
        case OneOff(payment=payment):
            return ["Delivered once paid." if payment == "prepaid" else "Invoiced when the contract becomes active."]
        case Subscription(interval=interval):
            yearly = ["A twelfth is invoiced every month."] if interval == "year" else ["Invoiced every month."]
            return [*yearly, "Months that are not whole are charged by the day, rounded down to whole yen."]
        case Metered():
            return _metered_en(pricing)
        case RevenueShare(minimum_jpy=minimum):
            least = [f"At least ¥{minimum:,} a month."] if minimum else []
            return ["Computed from the sales the buyer reports each month, rounded down to whole yen.", *least]


def _metered_en(p: Metered) -> list[str]:
    unit = "GB" if p.unit == "gigabyte" else "downloads"
    found = [f"The first {p.included_units:,} {unit} of a month are free."] if p.included_units else []
    if len(p.tiers) > 1:
        found += [
            (f"Up to {t.up_to:,} {unit}" if t.up_to is not None else "Beyond that") + f" ¥{_number(t.unit_price_jpy)}"
            for t in p.tiers
        ]
    if p.minimum_jpy:
        found.append(f"At least ¥{p.minimum_jpy:,} a month.")
    if p.cap_jpy is not None:
        found.append(f"At most ¥{p.cap_jpy:,} a month.")
    once = "The same bytes of the same file count once a month, however often they are read."
    found.append(once if p.repeat_reads == "included" else "Counted for every link.")
    return [*found, _VARIANTS_EN[p.unit]]


# Whose bytes are billed where a file is there as it was provided and as Parquet.
_VARIANTS_JA = {
    "gigabyte": "提供されたままのファイルと Parquet 形式は、それぞれ実際に届いた形式のバイト数で数えます。内容が同一のときは同じものとして数えます。",
    "download": "提供されたままのファイルと Parquet 形式は、それぞれ別の1回として数えます。内容が同一のときは同じものとして数えます。",
}
_VARIANTS_EN = {
    "gigabyte": "The file as provided and its Parquet form are each counted by the bytes delivered in that form; where "
    "their content is identical, they count as one.",
    "download": "The file as provided and its Parquet form count as separate downloads; where their content is "
    "identical, they count as one.",
}


def example_words(pricing: Pricing, lang: str = "ja") -> str:
    """What the example month assumes."""
    ja, en = lang != "en", lang == "en"
    match pricing:
        case Metered(unit="gigabyte"):
            return f"A month with {EXAMPLE_UNITS} GB" if en else f"{EXAMPLE_UNITS} GB を取得した月"
        case Metered():
            return f"A month with {EXAMPLE_UNITS} downloads" if en else f"{EXAMPLE_UNITS} 回取得した月"
        case RevenueShare():
            return f"A month with sales of ¥{EXAMPLE_SALES_JPY:,}" if en else f"売上が {EXAMPLE_SALES_JPY:,}円の月"
        case OneOff():
            return "最初の月のみ" if ja else "The first month only"
        case _:
            return "どの月も" if ja else "Any month"


def _span(pricing: Metered, dash: str, form: str) -> str:
    prices = sorted({t.unit_price_jpy for t in pricing.tiers})
    return dash.join(form.format(_number(p)) for p in ([prices[0], prices[-1]] if len(prices) > 1 else prices))


def _number(value: Decimal) -> str:
    """A decimal as people write it: 1,234.5, not 1234.500000 and never 1E+3."""
    shown = f"{value:,f}"
    return shown.rstrip("0").rstrip(".") if "." in shown else shown


# ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────────

C = TypeVar("C", bound=str)


class _Reader:
    """Reads one JSON object field by field and collects every complaint, so that the client hears them all at once."""

    def __init__(self, given: Mapping[str, Any], field: str, errors: dict[str, list[Words]] | None = None) -> None:
        self.errors: dict[str, list[Words]] = {} if errors is None else errors
        self.field, self.known = field, set[str]()
        self.given: Mapping[str, Any] = given if isinstance(given, Mapping) else {}
        if not isinstance(given, Mapping):
            self.errors[field] = [text("オブジェクトで指定してください。")]

    def refuse(self, name: str, message: Words) -> None:
        self.errors.setdefault(f"{self.field}.{name}", []).append(message)

    def take(self, name: str) -> Any:
        self.known.add(name)
        return self.given.get(name)

    def choice(self, name: str, choices: tuple[C, ...], default: C | None = None) -> C:
        value = self.take(name)
        if value is None and default is not None and name not in self.given:
            return default
        if not isinstance(value, str) or value not in choices:
            self.refuse(name, text("次のいずれかで指定してください：%(choices)s", choices=", ".join(choices)))
            return cast(C, "") if name == "model" else choices[0]
        return value

    def whole(self, name: str, most: int, *, default: int | None = None, least: int = 0) -> int:
        value = self.take(name)
        if value is None and default is not None and name not in self.given:
            return default
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            bounds = {"least": f"{least:,}", "most": f"{most:,}"}
            self.refuse(name, text("%(least)s から %(most)s までの整数で指定してください。", **bounds))
            return least
        return value

    def decimal(self, name: str, most: int) -> Decimal:
        value = self.take(name)
        number = _decimal(value) if isinstance(value, str) else None
        if number is None or not 0 <= number <= most:
            self.refuse(
                name,
                text(
                    '0 から %(most)s までの数を、小数点以下%(places)s桁までの文字列で指定してください（例："0.5"）。',
                    most=f"{most:,}",
                    places=DECIMALS_MAX,
                ),
            )
            return Decimal(0)
        return number

    def finish(self) -> None:
        """Complain of fields that this model does not have, then raise what was found."""
        for name in self.given.keys() - self.known:
            self.refuse(str(name), text("この料金方式では指定できない項目です。"))
        if self.errors:
            raise Invalid(self.errors)


def _decimal(value: str) -> Decimal | None:
    """A plain decimal: ASCII digits and at most one point. No sign, exponent, blank or NaN, which Decimal would take."""
    whole, point, fraction = value.partition(".")
    if not whole.isascii() or not whole.isdigit() or len(whole) > 13:
        return None
    if point and not (fraction.isascii() and fraction.isdigit() and len(fraction) <= DECIMALS_MAX):
        return None
    try:
        return Decimal(value)
    except InvalidOperation:  # pragma: no cover - the shape above is always a number
        return None


def _one_off(r: _Reader) -> OneOff:
    price, quota = r.whole("price_jpy", JPY_MAX), _quota(r)
    return OneOff(price, r.choice("payment", ("on_activation", "prepaid"), "on_activation"), **quota)


def _subscription(r: _Reader) -> Subscription:
    return Subscription(r.whole("price_jpy", JPY_MAX), r.choice("interval", ("month", "year")), **_quota(r))


def _metered(r: _Reader) -> Metered:
    cap = None if r.take("cap_jpy") is None else r.whole("cap_jpy", JPY_MAX)
    minimum = r.whole("minimum_jpy", JPY_MAX, default=0)
    if cap is not None and cap < minimum:
        r.refuse("cap_jpy", text("上限額は最低額以上にしてください。"))
    return Metered(
        unit=r.choice("unit", ("gigabyte", "download")),
        tiers=_tiers(r),
        included_units=r.whole("included_units", UNITS_MAX, default=0),
        minimum_jpy=minimum,
        cap_jpy=cap,
        repeat_reads=r.choice("repeat_reads", ("included", "charged"), "included"),
        **_quota(r),
    )


def _quota(r: _Reader) -> dict[str, int | None]:
    return {name: None if r.take(name) is None else r.whole(name, QUOTA_MAX, least=1) for name in QUOTAS}


def _tiers(r: _Reader) -> tuple[Tier, ...]:
    given = r.take("tiers")
    if not isinstance(given, list) or not 1 <= len(given) <= TIERS_MAX:
        r.refuse("tiers", text("段階は 1 から %(most)s 個までの配列で指定してください。", most=TIERS_MAX))
        return ()
    found, below = [], 0
    for index, each in enumerate(given):
        row = _Reader(each, f"{r.field}.tiers.{index}", r.errors)
        tier, last = _tier(row), index == len(given) - 1
        if last != (tier.up_to is None):
            row.refuse("up_to", text("最後の段階だけを null にし、ほかの段階には上限を指定してください。"))
        elif tier.up_to is not None and tier.up_to <= below:
            row.refuse("up_to", text("段階の上限は小さい順に指定してください。"))
        below = tier.up_to or below
        found.append(tier)
    return tuple(found)


def _tier(row: _Reader) -> Tier:
    up_to = None if row.take("up_to") is None else row.whole("up_to", UNITS_MAX, least=1)
    tier = Tier(up_to, row.decimal("unit_price_jpy", JPY_MAX))
    for name in row.given.keys() - row.known:
        row.refuse(str(name), text("この料金方式では指定できない項目です。"))
    return tier


def _revenue_share(r: _Reader) -> RevenueShare:
    minimum = r.whole("minimum_jpy", JPY_MAX, default=0)
    return RevenueShare(r.decimal("share_percent", 100), minimum, **_quota(r))


_BUILDERS: dict[str, Any] = {
    "free": lambda r: Free(),
    "one_off": _one_off,
    "subscription": _subscription,
    "metered": _metered,
    "revenue_share": _revenue_share,
}


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [{"up_to": t.up_to, "unit_price_jpy": format(t.unit_price_jpy, "f")} for t in value]
    return format(value, "f") if isinstance(value, Decimal) else value
