"""What the demo market holds: invented organizations, and data made by a seeded generator so that none is anybody's."""

from __future__ import annotations

import csv
import io
import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from exchange.identity.rules import corporate_check_digit, is_municipality_code, municipality_corporate_number

PASSWORD = "exchange-demo"
DOMAIN = "demo.exchange.example"
DISTRICTS = ("港町", "丘の上", "川原", "駅前", "田園", "松並木", "湖畔", "旧市街")


def corporate_number(twelve: str) -> str:
    """A number that passes the check and that nobody was given."""
    return f"{corporate_check_digit(twelve)}{twelve}"


CITY_CODE = next(f"13999{digit}" for digit in range(10) if is_municipality_code(f"13999{digit}"))


@dataclass(frozen=True)
class DemoOrganization:
    """An organization of the demo with its owner; `key` is the name before the @."""

    key: str
    name: str
    name_en: str
    kind: str
    person: str
    department: str
    corporate_number: str
    municipality_code: str | None = None
    registered: bool = True
    introduction: str = ""
    bank_account: dict[str, str] = field(default_factory=dict)


ORGANIZATIONS = (
    DemoOrganization(
        "city",
        "みなと台市（架空）",
        "Minatodai City (fictitious)",
        "municipality",
        "港台 あおい",
        "総務部 情報政策課",
        municipality_corporate_number(CITY_CODE),
        CITY_CODE,
        introduction="架空の市です。防災と子育てのデータを中心に、市の統計と施設の情報を公開しています。",
    ),
    DemoOrganization(
        "company",
        "そよかぜ交通データ株式会社（架空）",
        "Soyokaze Mobility Data Inc. (fictitious)",
        "company",
        "風間 みのり",
        "データ事業部",
        corporate_number("999900000012"),
        introduction="架空の会社です。バスと道路のデータを提供し、環境センサーの値を社会貢献として無料で公開しています。",
        bank_account={
            "bank_code": "0001",
            "bank_name": "ミホンギンコウ",
            "branch_code": "001",
            "branch_name": "ホンテン",
            "account_type": "ordinary",
            "account_number": "1234567",
            "account_holder_kana": "ソヨカゼコウツウデ-タ(カ",
        },
    ),
    DemoOrganization(
        "buyer",
        "あさひ地図サービス株式会社（架空）",
        "Asahi Map Services Inc. (fictitious)",
        "company",
        "朝日 はるか",
        "開発部",
        corporate_number("999900000023"),
        introduction="架空の会社です。地図アプリを作っています。",
    ),
    DemoOrganization(
        "buyer2",
        "特定非営利活動法人まちの研究所（架空）",
        "NPO Town Lab (fictitious)",
        "npo",
        "町田 さとる",
        "事務局",
        corporate_number("999900000034"),
        registered=False,
        introduction="架空のNPOです。地域の暮らしを調べています。",
    ),
)
OPERATOR = ("仲立ちデータ取引市場 運営事務局（架空）", corporate_number("999900000045"))
OPERATOR_ACCOUNT = {
    "bank_code": "9999",
    "bank_name": "ミホンギンコウ(カクウ)",
    "branch_code": "999",
    "branch_name": "ミホンシテン(カクウ)",
    "account_type": "ordinary",
    "account_number": "9999999",
    "account_holder_kana": "ナカダチトリヒキシジヨウ(カクウ)",
}
CONSIGNOR_CODE = "9999999999"
ADMINISTRATORS = (("admin", "運営 まもる"), ("admin2", "運営 ひろみ"))


@dataclass(frozen=True)
class DemoListing:
    """A listing of the demo: its words, one file, one offer."""

    key: str
    provider: str
    title: str
    summary: str
    theme: str
    file_name: str
    make: Callable[[random.Random], bytes]
    pricing: dict[str, Any]
    template: str = "provision-licence"
    data_class: str = "non_personal"
    frequency: str = "monthly"
    keywords: tuple[str, ...] = ()
    notes: dict[str, str] = field(default_factory=dict)
    payment: str | None = None
    price_basis: str | None = None  # what a municipality's price stands on


def table(header: list[str], rows: list[list[Any]], encoding: str = "utf-8") -> bytes:
    """A CSV file with CRLF, as municipal systems write it."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows([header, *rows])
    return text.getvalue().encode(encoding)


def shelters(r: random.Random) -> bytes:
    """指定緊急避難場所一覧."""
    rows = [
        [
            f"A{n:03}",
            f"{DISTRICTS[n % 8]}第{n // 8 + 1}避難場所",
            f"みなと台市{DISTRICTS[n % 8]}{n}番地",
            _lat(r),
            _lon(r),
            1,
            r.choice(["", 1]),
            r.choice(["", 1]),
            r.randrange(80, 900, 10),
        ]
        for n in range(1, 121)
    ]
    return table(
        [
            "ID",
            "名称",
            "所在地_連結表記",
            "緯度",
            "経度",
            "災害種別_地震",
            "災害種別_洪水",
            "災害種別_津波",
            "想定収容人数",
        ],
        rows,
        "cp932",
    )


def population(r: random.Random) -> bytes:
    """地域・年齢別人口."""
    rows = []
    for month in range(1, 13):
        for district in DISTRICTS:
            men, women = r.randrange(800, 4000), r.randrange(800, 4000)
            rows.append([f"2025-{month:02}-01", district, men + women, men, women, r.randrange(600, 3000)])
    return table(["調査年月日", "地域名", "総人口", "男性", "女性", "世帯数"], rows)


def wifi(r: random.Random) -> bytes:
    """公衆無線LANアクセスポイント一覧."""
    features = [
        {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [_lon(r), _lat(r)]},
            "properties": {
                "ID": f"W{n:03}",
                "名称": f"{DISTRICTS[n % 8]}ひろば{n}",
                "設置者": "みなと台市",
                "屋内": r.random() < 0.5,
            },
        }
        for n in range(1, 61)
    ]
    return json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False).encode()


def parks(r: random.Random) -> bytes:
    """公園と遊具."""
    rows = [
        [f"P{n:03}", f"{DISTRICTS[n % 8]}公園{n}", r.randrange(300, 30000), r.randrange(0, 12), r.choice(["有", "無"])]
        for n in range(1, 201)
    ]
    return table(["ID", "名称", "面積_平方メートル", "遊具の数", "トイレの有無"], rows, "utf-8-sig")


def bus_stops(r: random.Random) -> bytes:
    """停留所別の乗降者数."""
    rows = [
        [f"2025-{m:02}", f"S{n:03}", f"{DISTRICTS[n % 8]}{n}丁目", r.randrange(20, 9000), r.randrange(20, 9000)]
        for m in range(1, 13)
        for n in range(1, 151)
    ]
    return table(["年月", "停留所ID", "停留所名", "乗車人数", "降車人数"], rows)


def speeds(r: random.Random) -> bytes:
    """道路区間ごとの平均速度."""
    rows = [
        [f"L{n:04}", f"{hour:02}:00", round(r.uniform(8, 58), 1), r.randrange(3, 600)]
        for n in range(1, 1201)
        for hour in range(24)
    ]
    return table(["区間ID", "時刻", "平均速度_kmh", "通過台数"], rows)


def mesh(r: random.Random) -> bytes:
    """500メートル四方ごとの滞在人口."""
    rows = [
        [f"5339{n:05}", f"{hour:02}:00", r.randrange(10, 5000, 10)] for n in range(1, 601) for hour in range(0, 24, 3)
    ]
    return table(["メッシュコード", "時間帯", "推計人口_10人単位"], rows)


def shopping(r: random.Random) -> bytes:
    """商店街の購買統計."""
    rows = [
        [f"2025-{m:02}", d, k, r.randrange(50, 3000, 10), r.randrange(100, 9000) * 1000]
        for m in range(1, 13)
        for d in DISTRICTS
        for k in ("食品", "衣料", "飲食", "日用品")
    ]
    return table(["年月", "商店街", "分類", "取引件数_10件単位", "取引金額_千円未満切捨"], rows)


def chargers(r: random.Random) -> bytes:
    """充電器の稼働."""
    rows = [
        [f"2025-11-{d:02}", f"C{n:02}", r.choice(["急速", "普通"]), r.randrange(0, 40), round(r.uniform(0, 600), 1)]
        for d in range(1, 31)
        for n in range(1, 41)
    ]
    return table(["日付", "充電器ID", "種別", "利用回数", "充電量_kWh"], rows)


def weather(r: random.Random) -> bytes:
    """気温と湿度."""
    rows = [
        [f"2025-11-{d:02}T{h:02}:00:00+09:00", f"E{n:02}", round(r.gauss(13, 4), 1), r.randrange(30, 95)]
        for d in range(1, 31)
        for h in range(24)
        for n in range(1, 6)
    ]
    return table(["日時", "観測点ID", "気温_度", "湿度_パーセント"], rows)


def ramps(r: random.Random) -> bytes:
    """段差のない経路."""
    rows = [
        [f"R{n:03}", DISTRICTS[n % 8], r.randrange(20, 900), round(r.uniform(0, 8), 1), r.choice(["有", "無"])]
        for n in range(1, 301)
    ]
    return table(["経路ID", "地区", "延長_m", "最大勾配_パーセント", "点字ブロックの有無"], rows)


def parking(r: random.Random) -> bytes:
    """駐車場の空き."""
    rows = [
        [f"2025-11-{d:02}", f"{h:02}:00", f"K{n:02}", r.randrange(0, 120)]
        for d in range(1, 15)
        for h in range(24)
        for n in range(1, 21)
    ]
    return table(["日付", "時刻", "駐車場ID", "空き台数"], rows)


def wind(r: random.Random) -> bytes:
    """橋の上の風速."""
    rows = [
        [f"2025-{m:02}-{d:02}", f"B{n}", round(abs(r.gauss(5, 3)), 1), round(abs(r.gauss(11, 4)), 1)]
        for m in range(1, 13)
        for d in range(1, 29)
        for n in range(1, 5)
    ]
    return table(["日付", "橋ID", "平均風速_m毎秒", "最大瞬間風速_m毎秒"], rows)


def visitors(r: random.Random) -> bytes:
    """観光施設の来訪者統計."""
    rows = [
        [f"2025-{m:02}", f"{d}の館", r.randrange(100, 20000, 10), r.choice(["市内", "県内", "県外"])]
        for m in range(1, 13)
        for d in DISTRICTS
    ]
    return table(["年月", "施設名", "来訪者数_10人単位", "居住地区分"], rows)


def _lat(r: random.Random) -> float:
    return round(r.uniform(35.0, 35.1), 6)


def _lon(r: random.Random) -> float:
    return round(r.uniform(138.0, 138.1), 6)


FREE: dict[str, Any] = {"model": "free"}


def metered(unit: str, price: str, **more: Any) -> dict[str, Any]:
    """A metered price with one tier."""
    tiers = [{"up_to": None, "unit_price_jpy": price}]
    return {
        "model": "metered",
        "unit": unit,
        "tiers": tiers,
        "included_units": 0,
        "minimum_jpy": 0,
        "cap_jpy": None,
    } | more


LISTINGS = (
    DemoListing("shelters", "city", "指定緊急避難場所一覧", "市内の指定緊急避難場所の位置、対応する災害、収容人数です。", "disaster", "指定緊急避難場所一覧.csv", shelters, FREE, "pdl-1.0", frequency="annual", keywords=("避難", "防災")),
    DemoListing("population", "city", "地域・年齢別人口", "毎月1日現在の地区別の人口と世帯数です。", "population", "地域別人口.csv", population, FREE, "cc-by-4.0", "statistics", keywords=("人口", "世帯")),
    DemoListing("wifi", "city", "公衆無線LANアクセスポイント一覧", "市が設置した公衆無線LANの位置です。", "facilities", "公衆無線LAN.geojson", wifi, FREE, "cc-by-4.0", frequency="irregular", keywords=("Wi-Fi",)),
    DemoListing("parks", "city", "公園と遊具の一覧", "市内の公園の面積、遊具の数、トイレの有無です。", "childcare_education", "公園一覧.csv", parks, FREE, "pdl-1.0", frequency="annual", keywords=("公園", "子育て")),
    DemoListing("daytime", "city", "地区別の昼間人口（推計）", "通勤と通学の調査から推計した、地区別の昼間の人口です。", "population", "昼間人口.csv", population, {"model": "one_off", "price_jpy": 15_000}, "provision-licence", "statistics", keywords=("人口", "昼間人口"), price_basis="データの提供に関する条例 第5条"),
    DemoListing("bus-stops", "company", "バス停留所別の乗降者数（月次）", "停留所ごとの1か月の乗車・降車の人数です。", "transport", "停留所別乗降者数.csv", bus_stops, {"model": "one_off", "price_jpy": 30_000}, data_class="statistics", keywords=("バス", "乗降")),
    DemoListing("speeds", "company", "道路区間ごとの平均速度", "1,200区間の時間帯別の平均速度と通過台数です。", "mobility", "平均速度.csv", speeds, metered("gigabyte", "800", minimum_jpy=3_000), keywords=("道路", "渋滞")),
    DemoListing("mesh", "company", "500メートル四方の滞在人口", "時間帯ごとの滞在人口の推計です。10人単位に丸めています。", "mobility", "滞在人口.csv", mesh, {"model": "subscription", "price_jpy": 12_000, "interval": "month"}, data_class="statistics", keywords=("人流", "メッシュ")),
    DemoListing("shopping", "company", "商店街の購買統計", "商店街と分類ごとの取引件数と金額です。", "commerce", "購買統計.csv", shopping, {"model": "revenue_share", "share_percent": "5", "minimum_jpy": 10_000}, data_class="statistics", keywords=("購買", "商店街")),
    DemoListing("chargers", "company", "電気自動車の充電器の稼働", "充電器ごとの1日の利用回数と充電量です。", "environment", "充電器の稼働.csv", chargers, metered("download", "1500", included_units=1, minimum_jpy=1_000, cap_jpy=30_000), frequency="daily", keywords=("充電", "EV")),
    DemoListing("weather", "company", "まちなかの気温と湿度", "5地点の1時間ごとの気温と湿度です。社会貢献として公開しています。", "iot", "気温と湿度.csv", weather, FREE, "cc0-1.0", frequency="daily", keywords=("気温", "センサー")),
    DemoListing("ramps", "company", "段差のない経路", "車いすやベビーカーで通れる経路の勾配と点字ブロックの有無です。", "social", "段差のない経路.csv", ramps, FREE, "cc-by-4.0", frequency="quarterly", keywords=("バリアフリー",)),
    DemoListing("parking", "company", "駐車場の空き台数", "20か所の駐車場の1時間ごとの空き台数です。", "transport", "駐車場の空き.csv", parking, {"model": "subscription", "price_jpy": 96_000, "interval": "year"}, frequency="weekly", keywords=("駐車場",)),
    DemoListing("wind", "company", "橋の上の風速", "4つの橋の日ごとの平均風速と最大瞬間風速です。", "disaster", "風速.csv", wind, {"model": "one_off", "price_jpy": 18_000, "payment": "prepaid"}, frequency="annual", keywords=("風速", "橋")),
)  # fmt: skip
WAITING = DemoListing("visitors", "company", "観光施設の来訪者統計", "観光施設ごとの来訪者数です。10人単位に丸めています。", "tourism", "来訪者統計.csv", visitors, {"model": "one_off", "price_jpy": 24_000}, data_class="statistics", keywords=("観光",))  # fmt: skip
