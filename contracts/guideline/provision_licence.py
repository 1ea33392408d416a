"""データ提供型・利用許諾: the provider keeps its data and licenses its use, in 21 articles in the guideline's order.

What the form shares with the other two is in `provision_articles`, with sources and confidence. Confirmed for this form
are the places of articles 1, 3, 5, 8 and 11 (cross-references in the edition for industrial safety); titles and numbers
of the others are not, and are never printed as official. The forms of exclusivity, commissioned work and the rules on
public data are this exchange's reading of law and guideline (medium confidence).
"""

from __future__ import annotations

from datetime import date

from contracts.guideline import provision_articles as shared
from contracts.guideline.parts import Choice, Rule, Said, Template, Variable

CONFIRMED = frozenset({1, 3, 5, 8, 11})

EXCLUSIVITY = Variable(
    key="exclusivity",
    article=3,
    type="choice",
    label=Said("独占", "Exclusivity"),
    help=Said(
        "ほかの利用者にも許諾するかどうかです。独占にすると、契約期間中はほかの利用者と契約できません。自治体が保有するデータでは"
        "選べません。",
        "Whether others are licensed too. While an exclusive contract runs, nobody else can conclude one. Not open to "
        "data that a municipality holds.",
    ),
    default="non_exclusive",
    choices=(
        Choice(
            "non_exclusive",
            Said("独占しない", "Non-exclusive"),
            Said(
                "この許諾は非独占的であり、甲は、提供データを自ら利用し、または第三者に利用を許諾することができる。",
                "The licence is non-exclusive: the Provider may use the Data itself and license others to use them.",
            ),
        ),
        Choice(
            "sole",
            Said(
                "提供者は使えるが、ほかの利用者には許諾しない",
                "Sole: the provider uses the data, nobody else is licensed",
            ),
            Said(
                "この許諾は独占的である。甲は、本契約の成立の時に提供データの利用を第三者に許諾しておらず、本契約の有効期間中も"
                "許諾しないことを保証する。ただし、甲が自ら利用することは妨げない。",
                "The licence is sole: the Provider warrants that at the conclusion of this Agreement no third party "
                "is licensed to use the Data, and none shall be during the term. The Provider may go on using them "
                "itself.",
            ),
        ),
        Choice(
            "exclusive",
            Said("提供者も使わず、ほかの利用者にも許諾しない", "Exclusive: neither the provider nor anybody else"),
            Said(
                "この許諾は独占的である。甲は、本契約の成立の時に提供データの利用を第三者に許諾しておらず、本契約の有効期間中も"
                "許諾せず、かつ、自らも提供データを利用しないことを保証する。ただし、提供データの保管および乙への提供に必要な利用を"
                "除く。",
                "The licence is exclusive: the Provider warrants that at the conclusion of this Agreement no third "
                "party is licensed to use the Data, that none shall be during the term, and that it does not use them "
                "itself either, except as keeping them and providing them to the Buyer requires.",
            ),
        ),
    ),
)
METER_OF_RECORD = Variable(
    key="meter_of_record",
    article=7,
    type="choice",
    label=Said("利用量の証拠", "Evidence of use"),
    help=Said("どちらの記録を利用量の証拠とするかです。", "Whose record is the evidence of how much was used."),
    default="exchange",
    choices=(
        Choice(
            "exchange",
            Said("取引市場の計量記録", "The exchange's meter"),
            Said(
                "提供データの取得量は、本取引市場の計量記録によって確定する。",
                "The quantity of Data obtained is settled by the exchange's meter.",
            ),
        ),
        Choice(
            "buyer_report",
            Said("利用者の報告", "The buyer's reports"),
            Said(
                "提供データの取得量は、本取引市場の計量記録を参考に、乙の報告によって確定する。",
                "The quantity of Data obtained is settled by the Buyer's reports, with the exchange's meter as a "
                "reference.",
            ),
        ),
    ),
)

VARIABLES = (
    shared.COMMISSIONED,
    shared.UPDATES,
    shared.SPEC_CHANGE_NOTICE_DAYS,
    EXCLUSIVITY,
    shared.TERRITORY,
    shared.AI_TRAINING,
    shared.SUBLICENSE,
    shared.PUBLICATION,
    shared.TRANSFER_FEE_BEARER,
    shared.LATE_RATE_PERCENT,
    shared.WARRANTY_LAWFUL,
    shared.WARRANTY_ACCURACY,
    shared.WARRANTY_NON_INFRINGEMENT,
    shared.DEFECT_NOTICE_DAYS,
    shared.REMEDY,
    shared.LIABILITY_CAP,
    shared.THIRD_PARTY_CLAIMS,
    METER_OF_RECORD,
    shared.REPORT_CYCLE,
    shared.AUDIT,
    shared.AUDIT_NOTICE_DAYS,
    shared.SECURITY_LEVEL,
    shared.STORAGE_COUNTRY,
    shared.LEAK_NOTICE_HOURS,
    shared.LEAK_REPORT_DAYS,
    shared.NDA_YEARS,
    shared.DERIVED_DATA,
    shared.DERIVED_SUPPLY,
    shared.DERIVED_PROFIT,
    shared.DERIVED_PROFIT_PERCENT,
    shared.STARTS_ON,
    shared.TERM,
    shared.TERM_MONTHS,
    shared.RENEWAL_NOTICE_DAYS,
    shared.CURE_DAYS,
    shared.DELETE_DAYS,
    shared.DELETION_CERTIFICATE,
    shared.ASSIGNMENT_ON_MERGER,
    shared.COURT,
)

CLAUSES = shared.confirm(
    (
        shared.clause(
            1,
            Said("定義", "Definitions"),
            shared.parties(Said("データの提供に関する契約", "on the provision of data")),
            shared.THE_DATA,
            Said("{commissioned}", "{commissioned}"),
            Said(
                "「本目的」とは、次の利用目的をいう。「{purpose}」",
                '"Purpose" means the following use: "{purpose}"',
            ),
            shared.DERIVED,
        ),
        shared.clause(
            2,
            Said("提供データの提供方法", "How the Data are provided"),
            Said(
                "甲は、本契約の有効期間中、本取引市場が発行する署名付きURLその他の別紙1に定める方法により、提供データを乙に提供する。",
                "During the term the Provider makes the Data available to the Buyer by signed URLs issued by the "
                "exchange and by the other means named in Annex 1.",
            ),
            Said("{updates}", "{updates}"),
            shared.ANNOUNCED_CHANGES,
        ),
        shared.clause(
            3,
            Said("提供データの利用許諾", "Licence"),
            shared.GRANT,
            Said("{exclusivity}", "{exclusivity}"),
            *shared.BOUNDS,
        ),
        shared.payment(
            Said(
                "提供データの利用の対価は、{price}とする。{price_details}",
                "The price for the use of the Data: {price}. {price_details}",
            )
        ),
        shared.warranty(),
        shared.liability(shared.MISUSE),
        shared.reporting(Said("{meter_of_record}", "{meter_of_record}"), *shared.REPORTS),
        shared.keeping(),
        shared.mitigation(),
        shared.secrecy(),
        shared.derived(*shared.DERIVED_RIGHTS),
        shared.duration(),
        shared.force_majeure(),
        shared.termination(),
        shared.after_the_end(*shared.DELETION),
        shared.no_anti_social_forces(),
        shared.survival(shared.SURVIVING),
        shared.no_assignment(),
        shared.entire_agreement(),
        shared.governing_law(),
        shared.disputes(),
    ),
    CONFIRMED,
)

RULES = (
    Rule(
        key="revenue_share_needs_reports",
        fields=("report_cycle",),
        broken=lambda v, deal: deal.pricing_model == "revenue_share" and v["report_cycle"] in ("none", "on_request"),
        message=Said(
            "売上配分では、売上額を知るために毎月または四半期ごとの報告が必要です。",
            "Revenue share needs monthly or quarterly reports of sales.",
        ),
        source=shared.RULEBOOK,
    ),
    Rule(
        key="revenue_share_needs_audit",
        fields=("audit",),
        broken=lambda v, deal: deal.pricing_model == "revenue_share" and v["audit"] != "yes",
        message=Said(
            "売上配分では、報告を確かめられるように監査を「あり」にしてください。",
            "Revenue share needs the right to audit the reports.",
        ),
        source=shared.RULEBOOK,
    ),
    Rule(
        key="metered_without_reports_needs_the_meter",
        fields=("meter_of_record",),
        broken=lambda v, deal: (
            deal.pricing_model == "metered" and v["report_cycle"] == "none" and v["meter_of_record"] != "exchange"
        ),
        message=Said(
            "従量の対価で報告を「なし」にするときは、利用量の証拠を取引市場の計量記録にしてください。",
            "A metered price without reports needs the exchange's meter as evidence.",
        ),
        source=shared.RULEBOOK,
    ),
    Rule(
        key="public_data_are_not_exclusive",
        fields=("exclusivity",),
        broken=lambda v, deal: v["exclusivity"] != "non_exclusive" and deal.provider_kind == "municipality",
        message=Said(
            "自治体が保有するデータは公共の資産であり、利用者を平等に扱うため、独占的な許諾はできません。",
            "A municipality's data are a public asset and its users are treated equally: no exclusive licence.",
        ),
        source=shared.PUBLIC_ASSET,
    ),
    Rule(
        key="exclusive_use_ends",
        fields=("term", "exclusivity"),
        broken=lambda v, deal: v["exclusivity"] == "exclusive" and v["term"] == "indefinite",
        message=Said(
            "提供者も使わない独占では、契約期間を「期間を決める」か「更新する」にしてください。",
            "Where the provider, too, gives up the data, the term is fixed or renewing.",
        ),
        source=Said(
            "本取引市場のひな型規則（独占は契約期間に限るため）",
            "Template rules of this exchange: exclusivity is for a term",
        ),
    ),
    shared.STRICT_SECURITY_STAYS_IN_JAPAN,
    shared.PROFIT_SHARE_HAS_A_PERCENTAGE,
    shared.PROFIT_SHARE_NEEDS_SUPPLY,
    shared.LEAK_REPORT_FOLLOWS_THE_NOTICE,
    shared.RENEWAL_NOTICE_FITS_THE_TERM,
    shared.COMMISSION_IS_PAID_IN_FULL,
)

TEMPLATE = Template(
    key="provision-licence",
    version="1.0",
    dated=date(2026, 11, 1),
    kind="contract",
    name=Said("データ提供型・利用許諾", "Data provision, licence"),
    about=Said(
        "提供者がデータを手元に残したまま、利用者に決めた目的での利用を許すときの標準契約です。",
        "The standard contract where the provider keeps its data and lets the buyer use them for a stated purpose.",
    ),
    source=shared.guideline(Said("データ提供型・利用許諾の構成にならい", "the data provision contract (licence form)")),
    clauses=CLAUSES,
    variables=VARIABLES,
    rules=RULES,
)
