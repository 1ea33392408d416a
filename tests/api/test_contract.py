"""The API does what its OpenAPI document says, whatever a client sends: schemathesis, with every check on.

Half of the calls name things that exist, seen by someone who may see them, so that the examples get past the door.
422 is among the answers to data that the schema allows, since a rule may refuse it (a price on a municipality's data).
"""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import negative_data_rejection

from tests.world import ONE_OFF

# Of each operation. Whatever a stranger sends, the door is what answers.
EXAMPLES = {"provider": 3, "buyer": 3, "administrator": 2, "stranger": 1}
ANSWERS = {"expected-statuses": ["2xx", "3xx", "401", "403", "404", "409", "422"]}
CONFIG = SchemathesisConfig.from_dict({"checks": {"positive_data_acceptance": ANSWERS}})


@schemathesis.serializer("application/pdf")
def as_file(ctx, value):
    """Whatever was thought of is sent as the file."""
    return value if isinstance(value, bytes) else str(value).encode(errors="replace")


MODES = [schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE]


@pytest.fixture
def market(world: Any) -> dict[str, Any]:
    """One of everything: a draft, a published listing, an active contract with a link, an invoice, a want."""
    provider, buyer = world.organization("提供株式会社"), world.organization("利用株式会社")
    draft = world.listing(provider)
    listing, file, offer = world.published(provider, ONE_OFF)
    contract = world.contract(buyer, provider, offer)
    link = buyer.post(f"/contracts/{contract['id']}/links", {"file_id": file["id"]})
    assert link.status_code == 201, link.json
    need = {"title": "避難所", "purpose": "地図に載せるため", "description": "避難所の一覧", "theme": "disaster"}
    want = buyer.post("/needs", need)
    return {
        "people": {"provider": provider, "buyer": buyer, "administrator": world.admin, "stranger": None},
        "ids": {
            "listing_id": [draft["id"], listing["id"]],
            "file_id": [file["id"]],
            "offer_id": [offer["id"]],
            "contract_id": [contract["id"]],
            "invoice_id": [row["id"] for row in buyer.get("/invoices").json["items"]],
            "want_id": [want.json["id"]] if want.status_code == 201 else [],
            "month": ["2026-10"],
            "key": ["provision-licence", "cc-by-4.0"],
        },
    }


@pytest.mark.parametrize("who", EXAMPLES)
def test_nothing_a_client_sends_surprises_the_api(app: Any, market: dict[str, Any], who: str) -> None:
    schema = schemathesis.openapi.from_wsgi("/api/openapi.json", app, config=CONFIG)
    person = market["people"][who]
    headers = {"Authorization": f"Bearer {person.token}"} if person else {}
    operations = [found.ok() for found in schema.get_all_operations()]

    for operation in operations:
        hold(operation, headers, market["ids"], examples=EXAMPLES[who])

    assert len(operations) > 50


def hold(operation: Any, headers: dict[str, str], ids: dict[str, list[str]], *, examples: int) -> None:
    """One operation keeps its word over a handful of examples, lawful and not."""
    cases = st.one_of([operation.as_strategy(generation_mode=mode) for mode in MODES])

    @given(case=cases, data=st.data())
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def keeps_its_word(case: Any, data: Any) -> None:
        for name in case.path_parameters or {}:
            if ids.get(name) and data.draw(st.booleans()):
                case.path_parameters[name] = data.draw(st.sampled_from(ids[name]))
        case.call_and_validate(headers=headers, excluded_checks=excluded(case, headers))

    keeps_its_word()


def excluded(case: Any, headers: dict[str, str]) -> list[Any]:
    """A case that is bad by its headers alone is good again once we sign it."""
    bad = [where for where, part in case.meta.components.items() if part.mode == schemathesis.GenerationMode.NEGATIVE]
    return [negative_data_rejection] if headers and [str(where.value) for where in bad] == ["headers"] else []
