"""A link drawn again stands on what holds now: whatever changed since the first one is seen by the next."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select, update

from contracts.models import Contract
from delivery import standing
from delivery.models import ContractLimits, Grant
from exchange import clock
from exchange.database import session
from exchange.identity.models import ApiToken, Member
from listings.models import File, Release
from tests.delivery.deals import METERED, deal
from tests.delivery.test_links import ask


def change(entity, key, **values):
    session.execute(update(entity).where(key).values(**values))
    session.commit()


def limit(made):
    session.add(ContractLimits(contract_id=made.contract.id, bytes=1, set_by=made.buyer.id, set_at=clock.now()))
    session.commit()


CHANGES = {
    "its token was revoked": (
        401,
        lambda m: change(ApiToken, ApiToken.member_id == m.buyer.id, revoked_at=clock.now()),
    ),
    "its holder left": (401, lambda m: change(Member, Member.id == m.buyer.id, removed_at=clock.now())),
    "its holder may only look": (403, lambda m: change(Member, Member.id == m.buyer.id, roles=["viewer"])),
    "the contract is suspended": (409, lambda m: change(Contract, Contract.id == m.contract.id, state="suspended")),
    "the contract ended today": (
        409,
        lambda m: change(Contract, Contract.id == m.contract.id, terminates_at=clock.now()),
    ),
    "the file was recalled": (409, lambda m: change(File, File.id == m.file.id, recalled_at=clock.now())),
    "the release is not out": (
        404,
        lambda m: change(Release, Release.id == m.release.id, state="draft", published_at=None),
    ),
    "the buyer set a limit": (429, limit),
}


@pytest.mark.parametrize("what", CHANGES)
def test_no_link_is_drawn_again_once(world, what):
    made = deal(world, pricing=METERED | {"repeat_reads": "charged"})
    status, happens = CHANGES[what]
    assert ask(made).status_code == 201
    assert standing._remembered, "the first link is remembered"
    assert ask(made).status_code == 201
    happens(made)
    assert ask(made).status_code == status
    assert session.scalar(select(func.count()).select_from(Grant)) == 2


def test_a_link_drawn_again_is_a_grant_of_its_own_and_counted_against_the_tokens_minute(world):
    made = deal(world)
    standing._remembered.clear()
    first, second = ask(made).json, ask(made).json
    assert len(standing._remembered) == 1
    assert first["id"] != second["id"] and first["name"] == second["name"]
    rows = session.execute(select(Grant.member_id, Grant.token_id, Grant.pool, Grant.object_key)).all()
    assert len(rows) == 2 and len(set(rows)) == 1


def test_a_limited_contract_and_a_link_for_one_use_are_never_remembered(world):
    standing._remembered.clear()
    made = deal(world)
    assert ask(made, once=True).status_code == 201
    limit(made)
    session.execute(update(ContractLimits).values(bytes=10**9))
    session.commit()
    assert ask(made).status_code == 201
    assert not standing._remembered


def test_the_memory_is_bounded(world, monkeypatch):
    monkeypatch.setattr(standing, "REMEMBERED_MAX", 2)
    standing._remembered.clear()
    made = deal(world, files=3)
    for file in made.files:
        assert ask(made, file_id=file.id).status_code == 201
    assert len(standing._remembered) == 1
