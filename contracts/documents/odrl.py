"""The contract for machines: an ODRL 2.2 policy in JSON-LD (W3C Recommendations `odrl-model`, `odrl-vocab`, 2018-02-15).

An active contract is an Agreement; what lies on the table before is an Offer, each version under its own address.
Terms of the ODRL namespace are used in their own sense or not at all:

    permission    use, for the purpose, by whom, where, when, in which release; processing, supply and transfer
    its duties    compensate, once for each rate; obtainConsent, attribute, inform where the clause asks for it
    prohibition   what is not allowed; it prevails (`conflict`), since ODRL voids a policy that contradicts itself
    obligation    delete in time, inform of the use, hand the data over, stay exclusive

Training of AI, competing use, security, warranty, liability, audit, secrecy, interest, netting and court have no word
there. So every variable and every figure of the price stands besides in a vocabulary of this exchange, one property
each under the address of the template (the policy's `profile`), and in words in the description.

Every rule names its own parties and assets, as an atomic policy does. What stands above all rules holds for each of
them (2.7.1 of the model), so the parties are assigner and assignee there only where no rule turns them around.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import count
from typing import Any, Literal

from contracts import pricing
from contracts.documents.content import Content
from contracts.documents.sheets import Evidence
from contracts.pricing import Free, Metered, OneOff, RevenueShare, Subscription

CONTEXT = "http://www.w3.org/ns/odrl.jsonld"
JAPAN = {"@id": "https://www.iso.org/obp/ui/#iso:code:3166:JP"}
YEN = {"@id": "http://dbpedia.org/resource/Japanese_yen"}
GIGABYTE = {"@id": "http://qudt.org/vocab/unit/GigaBYTE"}  # 10**9 bytes, as the exchange meters
POLICY_USAGE = {"@id": "odrl:policyUsage"}

Node = dict[str, Any]
Kind = Literal["permission", "prohibition", "obligation"]
Rules = Iterator[tuple[Kind, Node]]
Side = Literal["provider", "buyer"]
SIDES: tuple[Side, Side] = ("buyer", "provider")
OTHER: dict[Side, Side] = {"provider": "buyer", "buyer": "provider"}


def odrl(said: Content, evidence: Evidence, *, base_url: str, contract_id: str) -> Node:
    """The policy of a contract."""
    contract = _Contract(said, evidence, base_url, f"{base_url}/desk/contracts/{contract_id}")
    rules = list(_FORMS.get(said["template"]["key"], _licence)(contract))
    return {
        "@context": CONTEXT,
        "@type": "Offer" if evidence.draft else "Agreement",
        "uid": f"{contract.url}/versions/{said['version']}" if evidence.draft else contract.url,
        "profile": contract.template,
        **_about(contract),
        **_parties(contract, [rule for _, rule in rules]),
        "conflict": "prohibit",
        **_with("permission", [rule for kind, rule in rules if kind == "permission"]),
        **_with("prohibition", [rule for kind, rule in rules if kind == "prohibition"]),
        **_with("obligation", [rule for kind, rule in rules if kind == "obligation"]),
        **_vocabulary(contract),
    }


@dataclass(frozen=True)
class _Contract:
    """What is said, and the addresses by which the policy speaks of it."""

    said: Content
    evidence: Evidence
    base_url: str
    url: str

    @property
    def template(self) -> str:
        return f"{self.base_url}/contract-templates/{self.said['template']['key']}"

    @property
    def values(self) -> dict[str, Any]:
        return {v["key"]: v["value"] for v in self.said["variables"]}

    @property
    def purpose(self) -> str:
        return str(self.said["purpose"])

    def term(self, name: str) -> str:
        """A term of the exchange's own vocabulary."""
        return f"{self.template}#{name}"

    def party(self, side: Side) -> str:
        return f"{self.base_url}/providers/{self.said[side]['id']}"

    @property
    def data(self) -> Node:
        """The data that the exchange delivers."""
        found = self.said["data"]
        return {"@type": "Asset", "uid": f"{self.base_url}/listings/{found['listing_id']}", "dct:title": found["title"]}

    def asset(self, name: str, title: str) -> Node:
        """Something that this contract alone speaks of."""
        return {"@type": "Asset", "uid": f"{self.url}#{name}", "dct:title": title}

    def event(self, name: str) -> Node:
        """Something that happens under this contract."""
        return {"@id": f"{self.url}#{name}"}


@dataclass(frozen=True)
class _Grant:
    """What one side lets the other do with a set of data."""

    contract: _Contract
    to: Side
    data: Node
    purpose: str
    suffix: str = ""

    @property
    def by(self) -> Side:
        return OTHER[self.to]

    @property
    def values(self) -> dict[str, Any]:
        return self.contract.values

    def made(self, name: str, title: str) -> Node:
        """Something that is made from the data."""
        return self.contract.asset(name + self.suffix, title)

    def rule(self, action: str, limits: Sequence[Node] = (), *, on: Node | None = None) -> Node:
        return _rule(self.contract, self.to, action, on or self.data, limits)


# ── around the rules ─────────────────────────────────────────────────────────────────────────────────────────────────


def _about(contract: _Contract) -> Node:
    """Metadata in Dublin Core, as 2.8 of the model asks for."""
    said, evidence = contract.said, contract.evidence
    found: Node = {
        "dct:identifier": said["number"],
        "dct:title": [_in(lang, said["template"]["name"][lang]) for lang in ("ja", "en")],
        "dct:description": [_in(lang, _summary(said, lang)) for lang in ("ja", "en")],
        "dct:coverage": JAPAN,
        "dct:hasFormat": [{"@id": f"{contract.url}/document"}, {"@id": f"{contract.url}/document.pdf"}],
    }
    if evidence.activated_at:
        found["dct:issued"] = _typed(evidence.activated_at.isoformat(), "dateTime")
    return found


def _summary(said: Content, lang: str) -> str:
    """Purpose, price and every variable in words, as they stand on the page."""
    purpose, price = ("利用目的", "対価") if lang == "ja" else ("Purpose", "Price")
    details = "".join(f"\n{detail[lang]}" for detail in said["price_details"])
    lines = [f"{v['label'][lang]}: {v['shown'][lang]}" for v in said["variables"]]
    return "\n".join([f"{purpose}: {said['purpose']}", f"{price}: {said['price'][lang]}{details}", *lines])


def _parties(contract: _Contract, rules: list[Node]) -> Node:
    """Who they are; as assigner and assignee only where that is what they are in every rule."""
    turned = any(rule["assignee"] != contract.party("buyer") for rule in rules)
    names = ("contractingParty", "contractedParty") if turned else ("assigner", "assignee")
    return dict(zip(names, (_party(contract, "provider"), _party(contract, "buyer")), strict=True))


def _party(contract: _Contract, side: Side) -> Node:
    who = contract.said[side]
    known: Node = {"@type": ["Party", "vcard:Organization"], "uid": contract.party(side), "vcard:fn": who["name"]}
    return known | ({"dct:identifier": who["corporate_number"]} if who["corporate_number"] else {})


def _vocabulary(contract: _Contract) -> Node:
    """Every variable and every figure of the price, and which text this is, in the exchange's own words."""
    said = contract.said
    facts = {
        **contract.values,
        **_flat("pricing", said["pricing"]),
        "template.version": said["template"]["version"],
        "contract.version": said["version"],
        "contract.sha256": contract.evidence.sha256,
    }
    return {contract.term(name): value for name, value in facts.items()}


def _flat(name: str, value: Any) -> dict[str, str | int]:
    """Plain values under dotted names, as the API names its fields: `pricing.tiers.0.up_to`. What is null is not said."""
    if isinstance(value, Mapping | list):
        inside = value.items() if isinstance(value, Mapping) else enumerate(value)
        return {k: v for key, each in inside for k, v in _flat(f"{name}.{key}", each).items()}
    return {} if value is None else {name: value}


# ── licences ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _licence(contract: _Contract) -> Rules:
    """The provider keeps its data and lets the buyer use them; the short form does the same with fewer variables."""
    yield from _granted(_Grant(contract, "buyer", contract.data, contract.purpose), _payments(contract))
    yield from _exclusive(contract)


def _joint(contract: _Contract) -> Rules:
    """Both provide data and let each other use them; the buyer alone pays, for those of the provider."""
    values = contract.values
    theirs = contract.asset("data-b", values.get("buyer_data_name") or "乙データ")
    if values.get("buyer_data_description"):
        theirs["dct:description"] = values["buyer_data_description"]
    back = _Grant(contract, "provider", theirs, values.get("buyer_data_purpose") or contract.purpose, "-b")
    yield from _granted(_Grant(contract, "buyer", contract.data, contract.purpose), _payments(contract))
    yield from _granted(back)
    yield from _combined(contract)


def _granted(grant: _Grant, payments: Sequence[Node] = ()) -> Rules:
    """Use for the purpose, and what goes with it."""
    limits = [_purpose(grant), *_users(grant), *_where(grant.contract), *_when(grant.contract), *_release(grant)]
    yield "permission", grant.rule("use", limits) | _with("duty", payments)
    yield "prohibition", grant.rule("transfer")  # the licence moves no right in the data
    yield from _others(grant)
    yield from _kept(grant, [_purpose(grant), *_when(grant.contract)])
    yield from _published(grant)
    yield from _derived(grant)
    yield from _supplied(grant)
    yield from _reported(grant)
    if "delete_days" in grant.values:
        yield "obligation", grant.rule("delete", [_in_time(grant.contract, "end", grant.values["delete_days"])])


def _purpose(grant: _Grant) -> Node:
    return _constraint("purpose", "eq", grant.purpose)


USERS = {"none": (), "contractors": ("contractors",), "affiliates": ("contractors", "affiliates")}


def _users(grant: _Grant) -> list[Node]:
    """Whom use may serve: the party itself, and whom the clause on use by others lets in."""
    more = USERS.get(grant.values.get("sublicense", ""))
    if more is None:
        return []
    contract = grant.contract
    return [_recipient("isAnyOf", contract.party(grant.to), *(contract.term(name) for name in more))]


def _where(contract: _Contract) -> list[Node]:
    return [_constraint("spatial", "eq", JAPAN)] if contract.values.get("territory") == "japan" else []


def _when(contract: _Contract) -> list[Node]:
    """The term by its dates, or, before there are any, by its length."""
    values, evidence = contract.values, contract.evidence
    starts_on = evidence.starts_on.isoformat() if evidence.starts_on else values.get("starts_on")
    found = [_constraint("dateTime", "gteq", _day(starts_on))] if starts_on else []
    if evidence.ends_on:
        found.append(_constraint("dateTime", "lteq", _day(evidence.ends_on.isoformat())))
    elif values.get("term") == "fixed" and "term_months" in values:
        found.append(_constraint("elapsedTime", "lteq", _typed(f"P{values['term_months']}M", "duration")))
    return found


def _release(grant: _Grant) -> list[Node]:
    """The one release that the contract covers. What comes from the buyer has no releases here."""
    number = grant.contract.said["data"]["release_number"]
    fixed = grant.to == "buyer" and grant.values.get("updates") == "release_only" and number
    return [_constraint("version", "eq", str(number))] if fixed else []


def _others(grant: _Grant) -> Rules:
    """Everybody else may use the data with consent."""
    if grant.values.get("sublicense") in USERS:
        limits = [_purpose(grant), *_where(grant.contract), *_when(grant.contract)]
        yield "permission", grant.rule("grantUse", limits) | {"duty": [_consent(grant)]}


def _kept(grant: _Grant, limits: Sequence[Node] = ()) -> Rules:
    """In which country the data are stored; where that is any, within the same limits as use."""
    match grant.values.get("storage_country"):
        case "japan":  # not `neq`, for which W3C's context has the misspelt `odrl:neg`
            yield "prohibition", grant.rule("archive", [_constraint("spatial", "isNoneOf", [JAPAN])])
        case "worldwide":
            yield "permission", grant.rule("archive", limits)


def _published(grant: _Grant) -> Rules:
    """Whether results may go to everyone."""
    results = grant.made("results", "提供データから得た統計その他の結果")
    match grant.values.get("publication"):
        case "results":
            safe = grant.made("results-not-restorable", "提供データを復元できず、個人を識別できない統計その他の結果")
            credit = {
                "action": "attribute",
                "attributedParty": grant.contract.party(grant.by),
                "attributingParty": grant.contract.party(grant.to),
            }
            yield "permission", grant.rule("distribute", on=safe) | {"duty": [credit]}
        case "prior_consent":
            yield "permission", grant.rule("distribute", on=results) | {"duty": [_consent(grant)]}
        case "prohibited":
            yield "prohibition", grant.rule("distribute", on=results)


def _derived(grant: _Grant) -> Rules:
    """Who may use what was made from the data: without limit, the purpose included."""
    derived = grant.made("derived-data", "派生データ")
    match grant.values.get("derived_data"):
        case "recipient":
            yield "permission", grant.rule("use", on=derived)
        case "shared" | "provider_licence":
            yield "permission", grant.rule("use", on=derived)
            yield "permission", _rule(grant.contract, grant.by, "use", derived)


def _supplied(grant: _Grant) -> Rules:
    """Whether third parties may have derived data. To make them is use, and permitted with it."""
    derived = grant.made("derived-data", "派生データ")
    match grant.values.get("derived_supply"):
        case "not_restorable":
            safe = grant.made("derived-data-not-restorable", "元のデータを復元できない派生データ")
            yield "permission", grant.rule("distribute", on=safe) | _with("duty", _profit(grant))
        case "prior_consent":
            yield "permission", grant.rule("distribute", on=derived) | {"duty": [_consent(grant), *_profit(grant)]}
        case "prohibited":
            yield "prohibition", grant.rule("distribute", on=derived)


def _reported(grant: _Grant) -> Rules:
    """Tell the other side how the data are used."""
    contract = grant.contract
    when = {
        "monthly": _every("P1M"),
        "quarterly": _every("P3M"),
        "on_request": _constraint("event", "gt", contract.event("report-request")),
    }.get(grant.values.get("report_cycle", ""))
    if when:
        parties = {"informingParty": contract.party(grant.to), "informedParty": contract.party(grant.by)}
        yield "obligation", grant.rule("inform", [when]) | parties


def _exclusive(contract: _Contract) -> Rules:
    """During the term the provider licenses nobody else; where exclusive, it keeps from using the data itself too."""
    exclusivity = contract.values.get("exclusivity")
    if exclusivity in ("sole", "exclusive"):
        limits = [_recipient("isNoneOf", contract.party("buyer")), *_when(contract)]
        yield "prohibition", _rule(contract, "provider", "grantUse", contract.data, limits)
    if exclusivity == "exclusive":
        yield "obligation", _rule(contract, "provider", "ensureExclusivity", contract.data, _when(contract))


def _combined(contract: _Contract) -> Rules:
    """What comes of the data of both together."""
    values = contract.values
    for side in SIDES:
        grant = _Grant(contract, side, contract.asset("combined-data", "統合データ"), contract.purpose)
        match values.get("combined_data"):
            case "joint":
                yield "permission", grant.rule("use")
                yield "permission", grant.rule("distribute") | {"duty": [_consent(grant)]}
            case "maker":
                own = contract.asset(f"combined-data-of-{side}", "自ら生じさせた統合データ")
                yield "permission", grant.rule("use", on=own)
        restorable = contract.asset("combined-data-restorable", "元のデータを復元できる統合データ")
        lost = {"not_restorable": restorable, "delete": grant.data}.get(values.get("combined_after_end", ""))
        if lost:
            yield "obligation", grant.rule("delete", [_in_time(contract, "end", values["delete_days"])], on=lost)


# ── assignment ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _assignment(contract: _Contract) -> Rules:
    """The data pass to the buyer, whose use is bound to no purpose from then on."""
    grant = _Grant(contract, "buyer", contract.data, contract.purpose)
    after, elsewhere = _after(contract, "transfer"), _recipient("isNoneOf", contract.party("buyer"))
    ready = {"paid": "handover-and-payment", "handed_over": "handover"}.get(contract.values.get("transfer_time", ""))
    handed = [_recipient("eq", contract.party("buyer")), *_when(contract), *_release(grant)]
    yield "permission", grant.rule("use", [after, *_release(grant)]) | _with("duty", _payments(contract))
    yield "permission", grant.rule("transfer", [after, *_release(grant)])
    yield "permission", grant.rule("use", on=grant.made("derived-data", "派生データ"))
    due = [*handed, _after(contract, ready)] if ready else handed
    yield "obligation", _rule(contract, "provider", "transfer", contract.data, due)
    for action in ("transfer", "grantUse"):  # neither twice nor licensed anew
        yield "prohibition", _rule(contract, "provider", action, contract.data, [elsewhere])
    yield from _given_up(contract)


def _given_up(contract: _Contract) -> Rules:
    """What the provider keeps of data that have passed."""
    values, after = contract.values, _after(contract, "transfer")
    kept = values.get("provider_deletion")
    if kept == "residual_use":
        limits = [_constraint("purpose", "eq", values.get("residual_use", "")), after]
        yield "permission", _rule(contract, "provider", "use", contract.data, limits)
    elif kept in ("deletes", "required_by_law"):
        others = contract.asset("data-no-law-keeps", "法令により保存する義務のない提供データ")
        gone = contract.data if kept == "deletes" else others
        itself = _recipient("eq", contract.party("provider"))  # to delete is `use` as well, and is owed
        in_time = _in_time(contract, "transfer", values["provider_deletion_days"])
        yield "prohibition", _rule(contract, "provider", "use", gone, [itself, after])
        yield "obligation", _rule(contract, "provider", "delete", gone, [in_time])


# ── creation ─────────────────────────────────────────────────────────────────────────────────────────────────────────

ACTS = {"use": "use", "process": "derive", "supply": "distribute", "transfer": "transfer"}


def _creation(contract: _Contract) -> Rules:
    """Who may do what with data that both create: one rule for each cell of the table whose category has a name.

    The buyer obtains the data that are listed against the price, during the term.
    """
    bought = _Grant(contract, "buyer", contract.data, contract.purpose)
    limits = [_purpose(bought), *_when(contract), *_release(bought)]
    yield "permission", bought.rule("read", limits) | _with("duty", _payments(contract))
    for side in SIDES:
        yield from _table(contract, side)
        grant = _Grant(contract, side, contract.asset("subject-data", "対象データ"), contract.purpose)
        yield from _unlisted(grant)
        yield from _kept(grant)
        yield from _of_maker(grant)
        yield from _supplied(grant)
        yield from _dropped(grant)
        if side == "buyer":
            yield from _reported(grant)


def _table(contract: _Contract, side: Side) -> Rules:
    values = contract.values
    for n in count(1):
        name = values.get(f"category_{n}")
        if name is None:
            return
        if name:
            grant = _Grant(contract, side, contract.asset(f"category-{n}", name), contract.purpose)
            for act in ACTS:
                yield _cell(grant, act, values[f"category_{n}_{side}_{act}"])


def _cell(grant: _Grant, act: str, answer: str) -> tuple[Kind, Node]:
    """Allowed, with consent, or not.

    Use that is not allowed is forbidden for the party's own benefit alone: ODRL counts supply as use, the table does
    not. It counts processing as use, too, and there the table can allow what ODRL then forbids.
    """
    own_use = [*_serving(grant), *_where(grant.contract)] if act in ("use", "process") else []
    if answer == "prohibited":
        return "prohibition", grant.rule(ACTS[act], _users(grant) if act == "use" else ())
    duties = [*_asked(grant, act, answer), *(_profit(grant) if act == "supply" else [])]
    return "permission", grant.rule(ACTS[act], own_use) | _with("duty", duties)


def _serving(grant: _Grant) -> list[Node]:
    """What use is for, and whom it may serve."""
    if grant.values.get("use_scope") == "own_business":
        return [_constraint("purpose", "isAnyOf", [grant.purpose, "自己の事業"]), *_users(grant)]
    return [_purpose(grant), *_users(grant)]


def _asked(grant: _Grant, act: str, answer: str) -> list[Node]:
    """Consent, or the notice that some supply needs in its stead."""
    rule = grant.values.get("supply_consent") if act == "supply" else None
    if answer == "consent" or rule == "each_time":
        return [_consent(grant)]
    if rule == "notice":
        parties = {"informingParty": grant.contract.party(grant.to), "informedParty": grant.contract.party(grant.by)}
        return [{"action": "inform", "constraint": [_beforehand()], **parties}]
    return []


def _unlisted(grant: _Grant) -> Rules:
    """Data of a category that the table does not name."""
    unlisted = grant.contract.asset("unlisted-data", "表に区分のない対象データ")
    match grant.values.get("unlisted_data"):
        case "negotiate":
            yield "permission", grant.rule("use", [_purpose(grant)], on=unlisted)
        case "both":
            yield "permission", grant.rule("use", on=unlisted)
        case side if side == grant.to:
            yield "permission", grant.rule("use", on=unlisted)


def _of_maker(grant: _Grant) -> Rules:
    """Derived data belong to their maker or to both; where they follow their source, the table says it."""
    match grant.values.get("derived_data"):
        case "maker":
            own = grant.contract.asset(f"derived-data-of-{grant.to}", "自ら生じさせた派生データ")
            yield "permission", grant.rule("use", on=own)
        case "shared":
            yield "permission", grant.rule("use", on=grant.made("derived-data", "派生データ"))


def _dropped(grant: _Grant) -> Rules:
    """When data received from the other side are deleted."""
    values, contract = grant.values, grant.contract
    received = contract.asset(f"data-received-by-{grant.to}", "相手方から提供を受けた対象データ")
    match values.get("after_end"):
        case "stop":
            yield "obligation", grant.rule("delete", [_in_time(contract, "end", values["delete_days"])], on=received)
        case "limited":
            later = _in_time(contract, "end", values["delete_days"], delay=f"P{values['after_end_months']}M")
            yield "obligation", grant.rule("delete", [later], on=received)


_FORMS: dict[str, Callable[[_Contract], Rules]] = {
    "provision-assignment": _assignment,
    "provision-joint": _joint,
    "co-creation": _creation,
}


# ── the price ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _payments(contract: _Contract) -> list[Node]:
    """The duties to pay. Each is one rate; a month's minimum and cap are one more, on the month as a whole.

    That minimum and cap go before the rates, that fractions of a yen are dropped, and how repeated reads count, ODRL
    cannot say; the description does.
    """
    price = pricing.parse(contract.said["pricing"])
    if pricing.is_free(price):
        return []
    grant = _Grant(contract, "buyer", contract.data, contract.purpose)
    match price:
        case OneOff(price_jpy=amount, payment=payment):
            return [_pays(grant, [_yen("eq", amount)], [_beforehand()] if payment == "prepaid" else [])]
        case Subscription(price_jpy=amount, interval=interval):
            return [_pays(grant, [_yen("eq", amount)], [_every("P1Y" if interval == "year" else "P1M")])]
        case Metered():
            return [*_tiers(grant, price), *_bounds(grant, price.minimum_jpy, price.cap_jpy)]
        case RevenueShare(share_percent=percent, minimum_jpy=minimum):
            sales = contract.asset("reported-sales", "利用者が報告する売上額")
            share = _pays(grant, [_percent(percent)], [_every("P1M")]) | {"target": sales}
            return [share, *_bounds(grant, minimum, None)]
        case Free():
            return []


def _tiers(grant: _Grant, price: Metered) -> list[Node]:
    """So much per unit, for the units of a month from the one count to the other."""
    unit = GIGABYTE if price.unit == "gigabyte" else {"@id": grant.contract.term("download")}
    duties, above = [], price.included_units
    for tier in price.tiers:
        refinement = [_yen("eq", tier.unit_price_jpy), _constraint("unitOfCount", "eq", unit)]
        if above:
            refinement.append(_constraint("count", "gt", _typed(above, "integer")))
        if tier.up_to is not None:
            above = price.included_units + tier.up_to
            refinement.append(_constraint("count", "lteq", _typed(above, "integer")))
        duties.append(_pays(grant, refinement, [_every("P1M")]))
    return duties


def _bounds(grant: _Grant, minimum: int, cap: int | None) -> list[Node]:
    least = [_yen("gteq", minimum)] if minimum else []
    most = [_yen("lteq", cap)] if cap is not None else []
    return [_pays(grant, [*least, *most], [_every("P1M")])] if least or most else []


def _profit(grant: _Grant) -> list[Node]:
    """The other side's share of what third parties pay."""
    values = grant.values
    shares = {"derived_profit": "derived_profit_percent", "profit_sharing": "profit_percent"}
    sales = grant.contract.asset(f"sales-by-{grant.to}", "第三者への提供により得た対価")
    found = [values[share] for choice, share in shares.items() if values.get(choice) == "percent"]
    return [_pays(grant, [_percent(share)], []) | {"target": sales} for share in found]


def _pays(grant: _Grant, refinement: list[Node], constraint: list[Node]) -> Node:
    """Compensation, narrowed down to what is paid: `rdf:value` names the action (2.5.4 of the model)."""
    return {
        "action": [{"rdf:value": {"@id": "odrl:compensate"}, "refinement": refinement}],
        **_with("constraint", constraint),
        "compensatingParty": grant.contract.party(grant.to),
        "compensatedParty": grant.contract.party(grant.by),
    }


def _yen(operator: str, amount: Any) -> Node:
    return _constraint("payAmount", operator, _typed(amount, "decimal")) | {"unit": YEN}


def _percent(share: Any) -> Node:
    return _constraint("percentage", "eq", _typed(share, "decimal"))


# ── words ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _rule(contract: _Contract, side: Side, action: str, target: Node, limits: Sequence[Node] = ()) -> Node:
    """A rule that binds or entitles one side towards the other."""
    parties = {"assigner": contract.party(OTHER[side]), "assignee": contract.party(side)}
    return {**parties, "target": target, "action": action, **_with("constraint", limits)}


def _consent(grant: _Grant) -> Node:
    parties = {"consentingParty": grant.contract.party(grant.by), "consentedParty": grant.contract.party(grant.to)}
    return {"action": "obtainConsent", **parties}


def _constraint(left: str, operator: str, right: Any) -> Node:
    return {"leftOperand": left, "operator": operator, "rightOperand": right}


def _recipient(operator: str, *who: str) -> Node:
    known = [{"@id": each} for each in who]
    return _constraint("recipient", operator, known[0] if operator == "eq" else known)


def _after(contract: _Contract, event: str) -> Node:
    return _constraint("event", "gt", contract.event(event))


def _beforehand() -> Node:
    """Before what the duty is a condition of."""
    return _constraint("event", "lt", POLICY_USAGE)


def _every(interval: str) -> Node:
    return _constraint("timeInterval", "eq", _typed(interval, "duration"))


def _in_time(contract: _Contract, event: str, days: int, *, delay: str = "") -> Node:
    """Within so many days after an event, however it came about; after a delay, if there is one.

    `elapsedTime` is the time within which an action is taken, `delayPeriod` the time before it may be. What stands in
    a sequence has an address of its own.
    """
    steps = [
        _constraint("event", "gt", contract.event(event)),
        *([_constraint("delayPeriod", "eq", _typed(delay, "duration"))] if delay else []),
        _constraint("elapsedTime", "lteq", _typed(f"P{days}D", "duration")),
    ]
    names = [f"after-{event}", *([f"delayed-{delay}"] if delay else []), f"within-P{days}D"]
    known = [{"uid": f"{contract.url}#{name}"} | step for name, step in zip(names, steps, strict=True)]
    return {"andSequence": {"@list": known}}


def _with(name: str, found: Sequence[Node]) -> Node:
    return {name: list(found)} if found else {}


def _day(value: str) -> Node:
    """A whole day in Japan."""
    return _typed(f"{date.fromisoformat(value)}+09:00", "date")


def _typed(value: Any, xsd: str) -> Node:
    written = format(value, "f") if xsd == "decimal" and not isinstance(value, int) else str(value)
    return {"@value": written, "@type": f"xsd:{xsd}"}


def _in(lang: str, words: str) -> Node:
    return {"@value": words, "@language": lang}
