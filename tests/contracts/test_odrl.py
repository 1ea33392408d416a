"""The policy: JSON-LD that means what it says, in words ODRL has, with every chosen value in it.

Graphs are read with a context of our own, made from the terms that rdflib lists for the namespace, without a network.
Where W3C's own context file lies beside the work tree, both have to give the same graph.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rdflib import RDF, XSD, BNode, Graph, Literal, URIRef
from rdflib.collection import Collection
from rdflib.compare import isomorphic
from rdflib.namespace import DCTERMS, ODRL2

from contracts import guideline, pricing
from contracts.documents import content as documents
from contracts.documents import odrl as policies
from contracts.documents.sheets import Evidence
from contracts.guideline import parts
from contracts.guideline.parts import Deal, Template
from exchange.identity.models import Organization
from listings.models import Listing, Release
from tests.contracts.conftest import at_state
from tests.world import Person

Act = Callable[..., Any]
Ask = Callable[..., Any]
OFFICIAL = Path(__file__).parents[3] / "shared/data/validators/odrl/odrl.jsonld"
BASE = "https://exchange.example"
ODRL = str(ODRL2)
DEPRECATED = frozenset({
    "device", "system", "proximity", "append", "appendTo", "copy", "export", "lease", "license", "lend", "pay", "share",
    "payeeParty", "preview", "secondaryUse", "write", "writeTo", "adHocShare", "extractChar", "extractPage", "Group",
    "extractWord", "timedCount", "inheritRelation", "inheritAllowed", "UndefinedTerm", "undefined", "ignore", "support",
    "AssetScope", "PartyScope", "scope", "Individual", "All", "AllConnections", "All2ndConnections", "AllGroups",
    "attachPolicy", "attachSource", "shareAlike", "commercialize",
})  # fmt: skip
VOCABULARY = {name for name in ODRL2.__annotations__ if not name.startswith("_")} | {"and", "or"}
TERMS = {URIRef(ODRL + name) for name in VOCABULARY - DEPRECATED}
CONTRACTS = [t for t in guideline.TEMPLATES.values() if t.kind == "contract"]


def our_context() -> dict[str, Any]:
    """A context from the vocabulary: a word is the term of that name, and what names a term or a node is an IRI."""
    by_term = ("action", "operator", "leftOperand", "conflict")
    plain = ("rightOperand", "unit", "status", "and", "or", "xone", "andSequence")
    properties = {name for name in VOCABULARY if name[0].islower() and URIRef(ODRL + name) in TERMS}
    nodes = {name for name in properties if name.endswith("Party")} | {
        "profile", "target", "output", "assigner", "assignee", "permission", "prohibition", "obligation", "duty",
        "consequence", "remedy", "constraint", "refinement",
    }  # fmt: skip
    return {
        "odrl": ODRL,
        "rdf": str(RDF),
        "xsd": str(XSD),
        "dct": str(DCTERMS),
        "vcard": "http://www.w3.org/2006/vcard/ns#",
        "uid": "@id",
        **{name: ODRL + name for name in VOCABULARY - {"uid"}},
        **{name: {"@id": ODRL + name, "@type": "@id"} for name in nodes},
        **{name: {"@id": ODRL + name, "@type": "@vocab"} for name in by_term},
        **{name: ODRL + name for name in plain},
    }


CONTEXT = our_context()


def graph(policy: dict[str, Any], context: Any = None) -> Graph:
    """The triples of a policy."""
    assert policy["@context"] == "http://www.w3.org/ns/odrl.jsonld"
    given = {**policy, "@context": context or CONTEXT}
    return Graph().parse(data=json.dumps(given, ensure_ascii=False), format="json-ld")


# ── policies to look at ──────────────────────────────────────────────────────────────────────────────────────────────

FREE = {"model": "free"}
ONE_OFF = {"model": "one_off", "price_jpy": 10000}
DRAFT = Evidence(sha256="ab" * 32, draft=True)
ACTIVE = Evidence(
    sha256="ab" * 32,
    draft=False,
    activated_at=datetime(2026, 11, 30, 3, 0, tzinfo=UTC),
    starts_on=date(2026, 12, 1),
    ends_on=date(2027, 11, 30),
)


def organization(name: str) -> Organization:
    return Organization(
        id=name, name=name, kind="company", corporate_number="8000020130001", address="東京都", representative=""
    )


def content(template: Template, price: dict[str, Any] = ONE_OFF, **chosen: Any) -> documents.Content:
    """What a contract says that differs from the template's defaults in these variables."""
    deal = Deal(price["model"], "company", "non_personal")
    return documents.content(
        documents.Terms(
            number="C-2026-000001",
            version=3,
            template=template,
            values={**parts.defaults(template, deal), **chosen},
            deal=deal,
            price=pricing.parse(price),
            purpose="地図「A&B」<i>",
            provider=organization("provider"),
            buyer=organization("buyer"),
            listing=Listing(id="L1", title="地区別人口", summary="人口", source="検証", data_class="non_personal"),
            release=Release(id="R1", number=2),
            operator_name="取引市場",
        )
    )


def policy(
    template: Template | str = "provision-licence",
    price: dict[str, Any] = ONE_OFF,
    evidence: Evidence = ACTIVE,
    **chosen: Any,
) -> dict[str, Any]:
    found = guideline.TEMPLATES[template] if isinstance(template, str) else template
    said = json.loads(documents.canonical(content(found, price, **chosen)))
    return policies.odrl(said, evidence, base_url=BASE, contract_id="K1")


def rules(of: dict[str, Any], kind: str, action: str, on: str = "") -> list[dict[str, Any]]:
    """The rules of a kind about an action on a target whose address ends so."""
    return [rule for rule in of.get(kind, ()) if rule["action"] == action and rule["target"]["uid"].endswith(on)]


def owed(rule: dict[str, Any]) -> list[str]:
    """The actions that are a condition of a permission, by their names."""
    named = [duty["action"] for duty in rule.get("duty", ())]
    return [word if isinstance(word, str) else word[0]["rdf:value"]["@id"].removeprefix("odrl:") for word in named]


def limits(rule: dict[str, Any]) -> dict[str, tuple[str, Any]]:
    """The constraints of a rule by left operand."""
    return {c["leftOperand"]: (c["operator"], c["rightOperand"]) for c in rule["constraint"]}


def any_value(v: parts.Variable) -> st.SearchStrategy[Any]:
    if v.type == "choice":
        return st.sampled_from([c.key for c in v.choices])
    if v.type == "number":
        return st.integers(v.least, v.most)
    if v.type == "date":
        return st.sampled_from(["", "2027-04-01"] if v.empty.ja else ["2027-04-01"])
    text = st.text('東京大阪"\\{}<&\n', min_size=1, max_size=30).filter(str.strip)
    return st.just("") | text if v.empty.ja else text


TIERED = {
    "model": "metered",
    "unit": "gigabyte",
    "tiers": [{"up_to": 100, "unit_price_jpy": "120"}, {"up_to": None, "unit_price_jpy": "80.5"}],
    "included_units": 10,
    "minimum_jpy": 5000,
    "cap_jpy": 90000,
}
PRICES: list[dict[str, Any]] = [
    FREE,
    ONE_OFF,
    {**ONE_OFF, "payment": "prepaid"},
    {"model": "subscription", "price_jpy": 3000, "interval": "month"},
    {"model": "subscription", "price_jpy": 30000, "interval": "year"},
    TIERED,
    {"model": "metered", "unit": "download", "tiers": [{"up_to": None, "unit_price_jpy": "0.000001"}]},
    {"model": "revenue_share", "share_percent": "7.5", "minimum_jpy": 1000},
]


@st.composite
def any_policy(draw: st.DrawFn) -> tuple[documents.Content, dict[str, Any]]:
    """A contract under any template, at any price, with any values, and its policy."""
    template = draw(st.sampled_from(CONTRACTS))
    values = {v.key: draw(any_value(v)) for v in template.variables}
    said = content(template, draw(st.sampled_from(PRICES)), **values)
    made = policies.odrl(said, draw(st.sampled_from([DRAFT, ACTIVE])), base_url=BASE, contract_id="K1")
    return said, made


def every(**options: Any) -> Any:
    """Hypothesis, quick."""
    return settings(max_examples=15, deadline=None, **options)


# ── lawful ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@every()
@given(any_policy())
def test_every_odrl_word_is_in_the_vocabulary(made: tuple[documents.Content, dict[str, Any]]) -> None:
    triples = graph(made[1])
    assert len(triples) > 50
    used = {node for triple in triples for node in triple if isinstance(node, URIRef) and node.startswith(ODRL)}
    assert used and used <= TERMS, used - TERMS
    for name in ("action", "operator", "leftOperand", "conflict"):
        for named in triples.objects(None, URIRef(ODRL + name)):
            plain = next(triples.objects(named, RDF.value)) if isinstance(named, BNode) else named
            assert plain in TERMS, plain


@every()
@given(any_policy())
def test_nothing_in_the_json_falls_out_of_the_graph(made: tuple[documents.Content, dict[str, Any]]) -> None:
    for key, words in members(made[1]):
        assert key.startswith(("@", f"{BASE}/")) or key.split(":")[0] in CONTEXT, key
        if key == "@type":
            for word in [words] if isinstance(words, str) else words:
                assert word in VOCABULARY or word.split(":")[0] in CONTEXT, word


def members(node: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(node, dict):
        for key, value in node.items():
            yield key, value
            yield from members(value)
    elif isinstance(node, list):
        for each in node:
            yield from members(each)


@pytest.mark.skipif(not OFFICIAL.exists(), reason=f"W3C's context is not at {OFFICIAL}")
@every()
@given(any_policy())
def test_w3c_s_context_gives_the_same_graph(made: tuple[documents.Content, dict[str, Any]]) -> None:
    official = json.loads(OFFICIAL.read_text())["@context"]
    assert isomorphic(graph(made[1]), graph(made[1], official))


@every()
@given(any_policy())
def test_rules_are_atomic_and_constraints_whole(made: tuple[documents.Content, dict[str, Any]]) -> None:
    triples = graph(made[1])
    policy_node = next(triples.subjects(ODRL2.profile))
    kinds = (ODRL2.permission, ODRL2.prohibition, ODRL2.obligation)
    found = [rule for kind in kinds for rule in triples.objects(policy_node, kind)]
    assert any(triples.objects(policy_node, ODRL2.permission))
    for rule in found:
        for name in (ODRL2.action, ODRL2.assigner, ODRL2.assignee, ODRL2.target):
            assert len(list(triples.objects(rule, name))) == 1
        assert (triples.value(rule, ODRL2.target), RDF.type, ODRL2.Asset) in triples
        for name in (ODRL2.assigner, ODRL2.assignee):
            assert (triples.value(rule, name), RDF.type, ODRL2.Party) in triples
        assert triples.value(rule, ODRL2.assigner) != triples.value(rule, ODRL2.assignee)
    for name in (ODRL2.assigner, ODRL2.assignee):  # shared above all rules only where all rules have it
        for shared in triples.objects(policy_node, name):
            assert {triples.value(rule, name) for rule in found} == {shared}
    for constraint in triples.subjects(ODRL2.leftOperand):
        assert_whole(triples, constraint)
    for operands in triples.objects(None, ODRL2.andSequence):
        assert all(isinstance(each, URIRef) for each in Collection(triples, operands))


TYPES = {
    "payAmount": XSD.decimal,
    "percentage": XSD.decimal,
    "count": XSD.integer,
    "dateTime": XSD.date,
    "delayPeriod": XSD.duration,
    "elapsedTime": XSD.duration,
    "timeInterval": XSD.duration,
}
IRIS = {"spatial", "recipient", "event", "unitOfCount"}
OPERATORS = {"elapsedTime": {"eq", "lt", "lteq"}, "delayPeriod": {"eq", "gt", "gteq"}, "timeInterval": {"eq"}}


def assert_whole(triples: Graph, constraint: Any) -> None:
    """One operand on the left, one operator, and on the right what the vocabulary asks for that operand."""
    (left,) = triples.objects(constraint, ODRL2.leftOperand)
    (operator,) = triples.objects(constraint, ODRL2.operator)
    rights = list(triples.objects(constraint, ODRL2.rightOperand))
    name, by = left.removeprefix(ODRL), operator.removeprefix(ODRL)
    assert len(rights) == 1 or (rights and by in ("isAnyOf", "isNoneOf", "isAllOf"))
    assert by in OPERATORS.get(name, {by})
    for right in rights:
        if name in TYPES:
            assert isinstance(right, Literal) and right.datatype == TYPES[name] and not right.ill_typed
        assert isinstance(right, URIRef) == (name in IRIS), (name, right)
    units = list(triples.objects(constraint, ODRL2.unit))
    assert all(isinstance(unit, URIRef) for unit in units) and len(units) == (name == "payAmount")


def test_a_prohibition_prevails_instead_of_voiding_the_policy() -> None:
    # Without a strategy ODRL takes `invalid`: use is permitted, transfer or archiving is not, so all would be void.
    assert policy()["conflict"] == "prohibit"


# ── whole ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@every()
@given(any_policy())
def test_every_chosen_value_comes_back_from_the_graph(made: tuple[documents.Content, dict[str, Any]]) -> None:
    said, triples = made[0], graph(made[1])
    node, profile = next(triples.subject_objects(ODRL2.profile))
    for v in said["variables"]:
        assert [value.toPython() for value in triples.objects(node, URIRef(f"{profile}#{v['key']}"))] == [v["value"]]
    figures = {
        str(name).split("#pricing.")[1]: value.toPython()
        for name, value in triples.predicate_objects(node)
        if "#pricing." in name
    }
    assert figures == dict(flat(said["pricing"]))
    described = {text.language: str(text) for text in triples.objects(node, DCTERMS.description)}
    for lang in ("ja", "en"):
        words = [said["purpose"], said["price"][lang], *(v["shown"][lang] for v in said["variables"])]
        assert all(word in described[lang] for word in words)


def flat(value: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, each in value.items() if isinstance(value, dict) else enumerate(value):
        if isinstance(each, dict | list):
            yield from flat(each, f"{prefix}{key}.")
        elif each is not None:
            yield f"{prefix}{key}", each


def test_the_policy_says_which_document_it_belongs_to() -> None:
    made, terms = policy(), f"{BASE}/contract-templates/provision-licence#"
    assert made["dct:identifier"] == "C-2026-000001" and made[f"{terms}contract.sha256"] == "ab" * 32
    assert made[f"{terms}contract.version"] == 3 and made[f"{terms}template.version"] == "1.0"
    assert made["assigner"]["vcard:fn"] == "provider" and made["assigner"]["dct:identifier"] == "8000020130001"


def addresses(made: dict[str, Any]) -> list[str]:
    """Every address at which the policy says a page is."""
    rules = [*made["permission"], *made["prohibition"], *made["obligation"]]
    parties = {rule[side] for rule in rules for side in ("assigner", "assignee")}
    targets = {rule["target"]["uid"] for rule in rules}
    documents = [document["@id"] for document in made["dct:hasFormat"]]
    return [made["uid"], made["profile"], *documents, *parties, *targets]


def test_every_address_in_the_policy_is_a_page(ask: Ask, act: Act, buyer: Person) -> None:
    contract = ask().json
    path = f"/contracts/{contract['id']}/document"
    offer = json.loads(buyer.get(path, headers={"Accept": "application/ld+json"}).data)
    seen = [offer["uid"]]
    assert offer["@type"] == "Offer" and offer["uid"].endswith(f"/desk/contracts/{contract['id']}/versions/1")
    act(contract, "provider", "accept")
    act(contract, "operator", "approve")
    agreement = json.loads(buyer.get(path, headers={"Accept": "application/ld+json"}).data)
    assert agreement["@type"] == "Agreement" and agreement["uid"].endswith(f"/desk/contracts/{contract['id']}")
    base = agreement["uid"].split("/desk/")[0]
    for address in [*seen, *addresses(agreement)]:
        assert address.startswith(base)
        answer = buyer.browser.get(address.removeprefix(base).split("#")[0])
        assert answer.status_code == 200, address


def test_the_term_of_an_active_contract_is_in_the_policy(ask: Ask, act: Act, buyer: Person) -> None:
    contract = at_state("active", ask, act)
    path = f"/contracts/{contract['id']}/document"
    made = json.loads(buyer.get(path, headers={"Accept": "application/ld+json"}).data)
    assert limits(made["permission"][0])["dateTime"][1]["@value"] == f"{contract['starts_on']}+09:00"
    assert made["dct:issued"]["@type"] == "xsd:dateTime"


# ── the licence ──────────────────────────────────────────────────────────────────────────────────────────────────────

JAPAN = {"@id": "https://www.iso.org/obp/ui/#iso:code:3166:JP"}
LISTING, BUYER, PROVIDER = f"{BASE}/listings/L1", f"{BASE}/providers/buyer", f"{BASE}/providers/provider"
HERE = f"{BASE}/desk/contracts/K1#"


def test_the_buyer_may_use_the_data_for_the_purpose_in_japan_during_the_term() -> None:
    (use,) = rules(policy(), "permission", "use", LISTING)
    found = limits(use)
    assert found["purpose"] == ("eq", "地図「A&B」<i>") and found["spatial"] == ("eq", JAPAN)
    days = [c["rightOperand"]["@value"] for c in use["constraint"] if c["leftOperand"] == "dateTime"]
    assert days == ["2026-12-01+09:00", "2027-11-30+09:00"]
    assert use["assignee"] == BUYER and use["target"]["dct:title"] == "地区別人口"


def test_worldwide_use_has_no_place() -> None:
    assert "spatial" not in limits(policy(territory="worldwide")["permission"][0])


def test_before_there_are_dates_the_term_is_a_length() -> None:
    draft = limits(policy(evidence=DRAFT, term="fixed", term_months=18, starts_on="2027-04-01")["permission"][0])
    assert draft["elapsedTime"] == ("lteq", {"@value": "P18M", "@type": "xsd:duration"})
    assert draft["dateTime"] == ("gteq", {"@value": "2027-04-01+09:00", "@type": "xsd:date"})
    endless = limits(policy(evidence=DRAFT, term="indefinite", starts_on="")["permission"][0])
    assert not {"elapsedTime", "dateTime"} & endless.keys()


def test_a_single_release_is_a_version() -> None:
    assert limits(policy(updates="release_only")["permission"][0])["version"] == ("eq", "2")
    assert "version" not in limits(policy(updates="included")["permission"][0])


@pytest.mark.parametrize(
    ("choice", "others"),
    [("none", []), ("contractors", ["contractors"]), ("affiliates", ["contractors", "affiliates"])],
)
def test_use_serves_those_the_clause_names_and_others_with_consent(choice: str, others: list[str]) -> None:
    made = policy(sublicense=choice)
    named = [{"@id": f"{BASE}/contract-templates/provision-licence#{name}"} for name in others]
    assert limits(made["permission"][0])["recipient"] == ("isAnyOf", [{"@id": BUYER}, *named])
    (grant,) = rules(made, "permission", "grantUse")
    assert grant["duty"][0]["action"] == "obtainConsent"
    assert grant["duty"][0]["consentingParty"] == f"{BASE}/providers/provider"


def test_no_right_in_the_data_passes_to_the_buyer() -> None:
    (transfer,) = rules(policy(), "prohibition", "transfer")
    assert transfer["target"]["uid"] == LISTING and "constraint" not in transfer


def test_data_kept_in_japan_are_not_archived_elsewhere() -> None:
    (abroad,) = rules(policy(storage_country="japan"), "prohibition", "archive")
    assert limits(abroad) == {"spatial": ("isNoneOf", [JAPAN])}
    (anywhere,) = rules(policy(storage_country="worldwide"), "permission", "archive")
    assert "spatial" not in limits(anywhere)


def test_derived_data_may_be_made_even_where_nobody_else_gets_them() -> None:
    made = policy(derived_supply="prohibited")
    assert not rules(made, "prohibition", "derive")
    (supply,) = rules(made, "prohibition", "distribute")
    assert supply["target"]["uid"] == f"{BASE}/desk/contracts/K1#derived-data"


def test_supply_of_derived_data_needs_consent_or_data_that_cannot_be_restored() -> None:
    (asked,) = rules(policy(derived_supply="prior_consent"), "permission", "distribute", "#derived-data")
    assert owed(asked) == ["obtainConsent"]
    (safe,) = rules(policy(derived_supply="not_restorable"), "permission", "distribute", "#derived-data-not-restorable")
    assert owed(safe) == []


def test_results_are_published_with_their_source_or_with_consent_or_not_at_all() -> None:
    (named,) = rules(policy(publication="results"), "permission", "distribute", "#results-not-restorable")
    assert owed(named) == ["attribute"] and named["duty"][0]["attributedParty"] == PROVIDER
    (asked,) = rules(policy(publication="prior_consent"), "permission", "distribute", "#results")
    assert owed(asked) == ["obtainConsent"]
    assert rules(policy(publication="prohibited"), "prohibition", "distribute", "#results")


def test_an_exclusive_provider_licenses_nobody_else_and_stays_exclusive() -> None:
    open_, sole, exclusive = (policy(exclusivity=choice) for choice in ("non_exclusive", "sole", "exclusive"))
    assert not rules(open_, "prohibition", "grantUse")
    for made in (sole, exclusive):
        (grant,) = rules(made, "prohibition", "grantUse", LISTING)
        assert grant["assignee"] == PROVIDER and limits(grant)["recipient"] == ("isNoneOf", [{"@id": BUYER}])
    assert not rules(sole, "obligation", "ensureExclusivity")
    (ensure,) = rules(exclusive, "obligation", "ensureExclusivity", LISTING)
    assert ensure["assignee"] == PROVIDER and "dateTime" in limits(ensure)


def test_where_the_provider_may_use_derived_data_too_the_parties_stand_in_the_rules_alone() -> None:
    assert "assigner" in policy(derived_data="recipient")
    made = policy(derived_data="shared")
    assert "assigner" not in made and made["contractingParty"]["uid"].endswith("/provider")
    uses = [rule for rule in rules(made, "permission", "use") if rule["target"]["uid"].endswith("#derived-data")]
    assert {rule["assignee"] for rule in uses} == {BUYER, f"{BASE}/providers/provider"}


def test_a_share_of_the_profit_is_a_percentage_of_what_others_pay() -> None:
    made = policy(derived_supply="prior_consent", derived_profit="percent", derived_profit_percent=20)
    (supply,) = rules(made, "permission", "distribute", "#derived-data")
    assert owed(supply) == ["obtainConsent", "compensate"]
    share = supply["duty"][1]
    assert share["target"]["uid"].endswith("#sales-by-buyer")
    assert refinements(share) == [{"percentage": ("eq", "20")}]


@pytest.mark.parametrize(
    ("cycle", "when"),
    [
        ("monthly", {"timeInterval": ("eq", {"@value": "P1M", "@type": "xsd:duration"})}),
        ("quarterly", {"timeInterval": ("eq", {"@value": "P3M", "@type": "xsd:duration"})}),
        ("on_request", {"event": ("gt", {"@id": f"{BASE}/desk/contracts/K1#report-request"})}),
    ],
)
def test_reports_are_a_duty_to_inform(cycle: str, when: dict[str, Any]) -> None:
    (inform,) = rules(policy(report_cycle=cycle), "obligation", "inform")
    assert limits(inform) == when and inform["informedParty"].endswith("/provider")
    assert not rules(policy(report_cycle="none"), "obligation", "inform")


def test_the_short_form_is_a_licence() -> None:
    made = policy("short-form", sublicense="none", territory="japan", delete_days=7)
    use = made["permission"][0]
    assert use["action"] == "use" and limits(use)["recipient"] == ("isAnyOf", [{"@id": BUYER}])
    assert limits(use)["spatial"] == ("eq", JAPAN) and rules(made, "obligation", "delete", LISTING)


def test_the_data_are_deleted_within_so_many_days_after_the_end() -> None:
    (delete,) = rules(policy(delete_days=45), "obligation", "delete")
    ended, in_time = delete["constraint"][0]["andSequence"]["@list"]
    assert (ended["operator"], ended["rightOperand"]["@id"]) == ("gt", f"{BASE}/desk/contracts/K1#end")
    assert (in_time["leftOperand"], in_time["operator"]) == ("elapsedTime", "lteq")
    assert in_time["rightOperand"]["@value"] == "P45D"


# ── the other forms ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_assignment_obliges_the_provider_to_transfer_and_frees_the_buyer_s_use() -> None:
    made = policy("provision-assignment", transfer_time="paid")
    (transfer,) = rules(made, "obligation", "transfer", LISTING)
    assert (transfer["assigner"], transfer["assignee"]) == (BUYER, PROVIDER)
    assert limits(transfer)["recipient"] == ("eq", {"@id": BUYER})
    assert limits(transfer)["event"] == ("gt", {"@id": f"{HERE}handover-and-payment"})
    (use,) = rules(made, "permission", "use", LISTING)
    assert limits(use)["event"] == ("gt", {"@id": f"{HERE}transfer"}) and "purpose" not in limits(use)
    assert owed(use) == ["compensate"] and rules(made, "permission", "transfer", LISTING)


def test_what_is_assigned_goes_to_nobody_else() -> None:
    made = policy("provision-assignment")
    for action in ("transfer", "grantUse"):
        (elsewhere,) = rules(made, "prohibition", action, LISTING)
        assert elsewhere["assignee"] == PROVIDER
        assert limits(elsewhere) == {"recipient": ("isNoneOf", [{"@id": BUYER}])}


def test_after_an_assignment_the_provider_deletes_the_data_or_keeps_a_stated_use() -> None:
    made = policy("provision-assignment", provider_deletion="deletes", provider_deletion_days=10)
    (delete,) = rules(made, "obligation", "delete", LISTING)
    passed, in_time = delete["constraint"][0]["andSequence"]["@list"]
    assert passed["rightOperand"] == {"@id": f"{HERE}transfer"} and in_time["rightOperand"]["@value"] == "P10D"
    assert delete["assignee"] == PROVIDER and rules(made, "prohibition", "use", LISTING)
    by_law = policy("provision-assignment", provider_deletion="required_by_law")
    assert not rules(by_law, "obligation", "delete", LISTING) and rules(
        by_law, "obligation", "delete", "#data-no-law-keeps"
    )
    kept = policy("provision-assignment", provider_deletion="residual_use", residual_use="検証")
    (residual,) = [rule for rule in rules(kept, "permission", "use", LISTING) if rule["assignee"] == PROVIDER]
    assert limits(residual)["purpose"] == ("eq", "検証") and not kept["obligation"][1:]


def test_joint_use_is_two_licences_with_the_roles_turned_and_one_payment() -> None:
    made = policy("provision-joint", buyer_data_name="来店者数", buyer_data_purpose="混雑の予測", sublicense="none")
    (theirs,) = rules(made, "permission", "use", LISTING)
    (ours,) = rules(made, "permission", "use", "#data-b")
    assert (theirs["assigner"], theirs["assignee"]) == (ours["assignee"], ours["assigner"]) == (PROVIDER, BUYER)
    assert limits(theirs)["purpose"] == ("eq", "地図「A&B」<i>") and limits(ours)["purpose"] == ("eq", "混雑の予測")
    assert limits(ours)["recipient"] == ("isAnyOf", [{"@id": PROVIDER}]) and ours["target"]["dct:title"] == "来店者数"
    assert owed(theirs) == ["compensate"] and owed(ours) == []
    assert {rule["assignee"] for rule in rules(made, "obligation", "delete")} == {BUYER, PROVIDER}
    assert "assigner" not in made and made["contractedParty"]["uid"] == BUYER


def test_without_a_purpose_of_its_own_the_provider_uses_the_buyer_s_data_for_the_same() -> None:
    (ours,) = rules(policy("provision-joint", buyer_data_purpose=""), "permission", "use", "#data-b")
    assert limits(ours)["purpose"] == ("eq", "地図「A&B」<i>")


def test_combined_data_are_used_by_both_or_by_their_maker() -> None:
    both = rules(policy("provision-joint", combined_data="joint"), "permission", "use", "#combined-data")
    assert {rule["assignee"] for rule in both} == {BUYER, PROVIDER}
    made = policy("provision-joint", combined_data="maker", combined_after_end="keep")
    (own,) = rules(made, "permission", "use", "#combined-data-of-buyer")
    assert own["assignee"] == BUYER and not rules(made, "obligation", "delete", "#combined-data")
    gone = policy("provision-joint", combined_after_end="delete")
    assert len(rules(gone, "obligation", "delete", "#combined-data")) == 2


ANSWERS = {
    "allowed": ("permission", []),
    "consent": ("permission", ["obtainConsent"]),
    "prohibited": ("prohibition", []),
}
WORDS = {"use": "use", "process": "derive", "supply": "distribute", "transfer": "transfer"}
CREATION = guideline.TEMPLATES["co-creation"]
CELLS = st.fixed_dictionaries({
    f"category_{n}_{side}_{act}": st.sampled_from(list(ANSWERS))
    for n in (1, 2, 3, 4) for side in ("provider", "buyer") for act in WORDS
})  # fmt: skip


@every()
@given(CELLS, st.sampled_from(["", "稼働記録"]))
def test_each_cell_of_the_table_is_a_rule(cells: dict[str, str], second: str) -> None:
    made = policy(CREATION, **cells, category_2=second)
    for key, answer in cells.items():
        _, n, side, act = key.split("_")
        kind, duties = ANSWERS[answer]
        kinds = ("permission", "prohibition")
        found = [(k, r) for k in kinds for r in rules(made, k, WORDS[act], f"#category-{n}")]
        (one,) = [(k, r) for k, r in found if r["assignee"].endswith(side)] or [(None, {})]
        named = n == "1" or (n == "2" and second)
        assert one[0] == (kind if named else None) and (not named or owed(one[1]) == duties)
    assert CREATION.matrix and {cell for line in CREATION.matrix.lines for cell in line.cells} == cells.keys()


def test_use_that_the_table_forbids_leaves_supply_alone() -> None:
    made = policy(CREATION, category_1_buyer_use="prohibited", category_1_buyer_supply="allowed", sublicense="none")
    (use,) = [rule for rule in rules(made, "prohibition", "use", "#category-1") if rule["assignee"] == BUYER]
    assert limits(use) == {"recipient": ("isAnyOf", [{"@id": BUYER}])}


@pytest.mark.parametrize(
    ("rule", "duties"), [("as_table", []), ("notice", ["inform"]), ("each_time", ["obtainConsent"])]
)
def test_allowed_supply_can_still_need_notice_or_consent(rule: str, duties: list[str]) -> None:
    made = policy(CREATION, category_1_buyer_supply="allowed", supply_consent=rule, derived_supply="prohibited")
    (supply,) = rules(made, "permission", "distribute", "#category-1")[:1]
    assert supply["assignee"] == BUYER and owed(supply) == duties


def test_use_serves_the_joint_business_or_one_s_own_too() -> None:
    joint, own = (policy(CREATION, use_scope=scope) for scope in ("business", "own_business"))
    assert limits(rules(joint, "permission", "use", "#category-1")[0])["purpose"] == ("eq", "地図「A&B」<i>")
    assert limits(rules(own, "permission", "use", "#category-1")[0])["purpose"][0] == "isAnyOf"


def test_who_creates_data_pays_for_obtaining_those_that_are_listed() -> None:
    made = policy(CREATION)
    obtain = made["permission"][0]
    assert (obtain["action"], obtain["assignee"], obtain["target"]["uid"]) == ("read", BUYER, LISTING)
    assert owed(obtain) == ["compensate"] and "dateTime" in limits(obtain)


@pytest.mark.parametrize(
    ("choice", "sides"),
    [("negotiate", {BUYER, PROVIDER}), ("both", {BUYER, PROVIDER}), ("buyer", {BUYER}), ("provider", {PROVIDER})],
)
def test_data_not_in_the_table_are_for_whom_the_clause_says(choice: str, sides: set[str]) -> None:
    found = rules(policy(CREATION, unlisted_data=choice), "permission", "use", "#unlisted-data")
    assert {rule["assignee"] for rule in found} == sides
    assert all(("constraint" in rule) == (choice == "negotiate") for rule in found)


def test_received_data_are_deleted_at_the_end_or_later_or_kept() -> None:
    def steps(made: dict[str, Any]) -> list[list[tuple[str, Any]]]:
        return [
            [(step["leftOperand"], step["rightOperand"].get("@value")) for step in sequence["andSequence"]["@list"]]
            for rule in rules(made, "obligation", "delete")
            for sequence in rule["constraint"]
        ]

    assert steps(policy(CREATION, after_end="stop", delete_days=5)) == [[("event", None), ("elapsedTime", "P5D")]] * 2
    later = policy(CREATION, after_end="limited", after_end_months=6, delete_days=5)
    assert steps(later) == [[("event", None), ("delayPeriod", "P6M"), ("elapsedTime", "P5D")]] * 2
    assert steps(policy(CREATION, after_end="continue")) == []


# ── the price ────────────────────────────────────────────────────────────────────────────────────────────────────────


def duties(price: dict[str, Any]) -> list[dict[str, Any]]:
    found = policy(price=price)["permission"][0].get("duty", [])
    assert all(duty["action"][0]["rdf:value"] == {"@id": "odrl:compensate"} for duty in found)
    return list(found)


def refinements(*found: dict[str, Any]) -> list[dict[str, Any]]:
    """What each duty asks to be paid, by left operand: plain values and IRIs."""
    plain = [
        [(c["leftOperand"], c["operator"], c["rightOperand"]) for c in duty["action"][0]["refinement"]]
        for duty in found
    ]
    return [{left: (by, right.get("@value") or right.get("@id")) for left, by, right in duty} for duty in plain]


def test_nothing_is_owed_for_free_data() -> None:
    assert duties(FREE) == [] and duties({"model": "one_off", "price_jpy": 0}) == []


def test_one_price_is_one_amount_in_yen() -> None:
    (duty,) = duties(ONE_OFF)
    (amount,) = duty["action"][0]["refinement"]
    assert amount["rightOperand"] == {"@value": "10000", "@type": "xsd:decimal"}
    assert amount["unit"] == {"@id": "http://dbpedia.org/resource/Japanese_yen"}
    assert duty["compensatingParty"] == BUYER and duty["compensatedParty"] == f"{BASE}/providers/provider"
    assert "constraint" not in duty


def test_what_is_prepaid_is_paid_before_the_data_are_used() -> None:
    (duty,) = duties({**ONE_OFF, "payment": "prepaid"})
    assert limits(duty) == {"event": ("lt", {"@id": "odrl:policyUsage"})}


@pytest.mark.parametrize(("interval", "duration"), [("month", "P1M"), ("year", "P1Y")])
def test_a_subscription_recurs(interval: str, duration: str) -> None:
    (duty,) = duties({"model": "subscription", "price_jpy": 3000, "interval": interval})
    assert refinements(duty) == [{"payAmount": ("eq", "3000")}]
    assert limits(duty) == {"timeInterval": ("eq", {"@value": duration, "@type": "xsd:duration"})}


def test_each_tier_is_a_duty_per_unit_between_two_counts_and_the_bounds_are_one_more() -> None:
    first, rest, bounds = duties(TIERED)
    gigabyte = ("eq", "http://qudt.org/vocab/unit/GigaBYTE")
    above, below = first["action"][0]["refinement"][2:]
    assert [(c["operator"], c["rightOperand"]["@value"]) for c in (above, below)] == [("gt", "10"), ("lteq", "110")]
    assert refinements(first)[0] | {"count": None} == {
        "payAmount": ("eq", "120"), "unitOfCount": gigabyte, "count": None,
    }  # fmt: skip
    assert refinements(rest) == [{"payAmount": ("eq", "80.5"), "unitOfCount": gigabyte, "count": ("gt", "110")}]
    amounts = [(c["operator"], c["rightOperand"]["@value"]) for c in bounds["action"][0]["refinement"]]
    assert amounts == [("gteq", "5000"), ("lteq", "90000")]
    for duty in (first, rest, bounds):
        assert limits(duty) == {"timeInterval": ("eq", {"@value": "P1M", "@type": "xsd:duration"})}


def test_a_price_per_download_names_the_download_and_writes_small_prices_out() -> None:
    (duty,) = duties(PRICES[6])
    download = f"{BASE}/contract-templates/provision-licence#download"
    assert refinements(duty) == [{"payAmount": ("eq", "0.000001"), "unitOfCount": ("eq", download)}]


def test_a_share_of_sales_is_a_percentage_of_the_reported_sales() -> None:
    share, bounds = duties(PRICES[7])
    assert refinements(share) == [{"percentage": ("eq", "7.5")}]
    assert share["target"]["uid"] == f"{BASE}/desk/contracts/K1#reported-sales"
    assert refinements(bounds) == [{"payAmount": ("gteq", "1000")}]
