"""Open terms: licences to everyone, for which nobody signs anything. Each names its text, and its line of attribution.

What is said of them here is a summary in our words; the text at the publisher's address is what counts. Attribution
follows the pattern of the 公共データ利用規約: source, body, address, and, where it was edited, that it was.
"""

from __future__ import annotations

from datetime import date

from contracts.guideline.parts import Clause, Said, Template

_ATTRIBUTION = Said(
    "出典：{title}（{provider}）（{url}）、{terms}（{terms_url}）（{date}に利用）",
    "Source: {title} ({provider}) ({url}), {terms} ({terms_url}) (accessed {date})",
)
_EDITED = Said(
    "「{title}」（{provider}）（{url}）を加工して作成",
    "Based on “{title}” ({provider}) ({url}), modified",
)


def _summary(*points: tuple[Said, Said], name: Said) -> tuple[Clause, ...]:
    source = Said(f"{name.ja}の要約（本取引市場による）", f"Summary of {name.en} by this exchange")
    return tuple(
        Clause(article=n, title=title, paragraphs=(body,), source=source, confirmed=False)
        for n, (title, body) in enumerate(points, start=1)
    )


_MAY = Said("できること", "What you may do")
_MUST = Said("守ること", "What you must do")
_NOT = Said("保証されないこと", "What nobody warrants")
_NO_WARRANTY = Said(
    "データは現状のまま提供され、正確さや目的への適合性は保証されません。",
    "The data come as they are, with no warranty that they are right or fit for a purpose.",
)


def _terms(key: str, version: str, dated: date, name: Said, url: str, may: Said, must: Said) -> Template:
    return Template(
        key=key,
        version=version,
        dated=dated,
        kind="open_terms",
        name=name,
        about=may,
        source=Said(
            f"{name.ja}の正文は {url} にあります。ここに示すのは要約です。",
            f"The text of {name.en} itself is at {url}; this is a summary.",
        ),
        clauses=_summary((_MAY, may), (_MUST, must), (_NOT, _NO_WARRANTY), name=name),
        url=url,
        attribution=None if key == "cc0-1.0" else _ATTRIBUTION,
    )


EDITED = _EDITED

CC_BY = _terms(
    "cc-by-4.0",
    "4.0",
    date(2013, 11, 25),
    Said("クリエイティブ・コモンズ 表示 4.0 国際", "Creative Commons Attribution 4.0 International"),
    "https://creativecommons.org/licenses/by/4.0/legalcode.ja",
    Said(
        "営利・非営利を問わず、誰でも複製、再配布、加工ができます。",
        "Anyone may copy, share and adapt the data, for business too.",
    ),
    Said(
        "提供者の名前とライセンスを示し、加工したときはそのことも示します。",
        "Name the provider and the licence, and say so where you changed something.",
    ),
)
CC0 = _terms(
    "cc0-1.0",
    "1.0",
    date(2009, 3, 11),
    Said("CC0 1.0 全世界（権利の放棄）", "CC0 1.0 Universal (public domain dedication)"),
    "https://creativecommons.org/publicdomain/zero/1.0/legalcode.ja",
    Said(
        "提供者は権利を放棄しており、誰でも自由に複製、再配布、加工ができます。",
        "The provider waives its rights: anyone may copy, share and adapt the data freely.",
    ),
    Said(
        "出典の表示は義務ではありませんが、出典が分かると後の利用者の助けになります。",
        "Attribution is not a duty, but naming the source helps those who come after.",
    ),
)
PDL = _terms(
    "pdl-1.0",
    "1.0",
    date(2024, 7, 5),
    Said("公共データ利用規約（第1.0版）", "Public Data License (version 1.0)"),
    "https://www.digital.go.jp/resources/open_data/public_data_license_v1.0",
    Said(
        "営利・非営利を問わず、誰でも複製、再配布、加工ができます。CC BY 4.0 と互換性があります。",
        "Anyone may copy, share and adapt the data, for business too. Compatible with CC BY 4.0.",
    ),
    Said(
        "出典を記載します。加工したときは、出典とは別に加工したことを記載し、提供者が作成したかのように見せません。"
        "第三者の権利があるときは、利用者が自分で許諾を得ます。",
        "Name the source. Where you edited, say so apart from the source, and do not let it look as if the provider made "
        "it. Where third parties hold rights, obtaining their consent is the user's business.",
    ),
)
GSTU = _terms(
    "gstu-2.0",
    "2.0",
    date(2015, 12, 24),
    Said("政府標準利用規約（第2.0版）", "Government of Japan Standard Terms of Use (version 2.0)"),
    "https://www.kantei.go.jp/jp/singi/it2/densi/kettei/gl2_betten_1.pdf",
    Said(
        "営利・非営利を問わず、誰でも複製、公衆送信、翻訳・変形ができます。CC BY 4.0 と互換性があります。",
        "Anyone may copy, transmit, translate and adapt the data, for business too. Compatible with CC BY 4.0.",
    ),
    Said(
        "出典を記載します。編集・加工したときは、そのことを記載し、提供者が作成したかのように見せません。",
        "Name the source. Where you edited, say so, and do not let it look as if the provider made it.",
    ),
)
TEMPLATES = (CC_BY, CC0, PDL, GSTU)


def attribution_lines(terms: Template, *, title: str, provider: str, url: str, day: date) -> list[Said]:
    """The lines to copy: as published, and after editing. None are owed under terms without attribution."""
    if terms.attribution is None:
        return []
    facts = {
        "title": (title, title),
        "provider": (provider, provider),
        "url": (url, url),
        "terms": (terms.name.ja, terms.name.en),
        "terms_url": (terms.url or "", terms.url or ""),
        "date": (f"{day.year}年{day.month}月{day.day}日", f"{day.day} {day:%B} {day.year}"),
    }
    ja = {key: words[0] for key, words in facts.items()}
    en = {key: words[1] for key, words in facts.items()}
    return [Said(line.ja.format_map(ja), line.en.format_map(en)) for line in (terms.attribution, EDITED)]
