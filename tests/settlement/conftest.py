"""Deals that settlement starts from: contracts in force, made without their negotiation."""

import itertools
from dataclasses import replace
from datetime import date, datetime

import pytest

from contracts.models import Contract, Offer
from exchange import clock, database, settings
from exchange.config import config
from exchange.database import new_id, session
from listings.models import Listing
from settlement import actions
from tests.stand_in_stripe import KEY, SECRET, StandIn

ONE_OFF = {"model": "one_off", "price_jpy": 10_000, "payment": "on_activation"}
MONTHLY = {"model": "subscription", "price_jpy": 12_000, "interval": "month"}
ACCOUNT = {
    "bank_code": "0001",
    "bank_name": "みなと銀行",
    "branch_code": "001",
    "branch_name": "本店",
    "account_type": "ordinary",
    "account_number": "1234567",
    "account_holder_kana": "カ)ミナトデータ",
}
TOLD = actions.Instruction(by="地図製作株式会社 経理", on=date(2026, 1, 5), how="電話で確認")
numbers = itertools.count(1)


def jst(year, month, day, hour=12):
    return datetime(year, month, day, hour, tzinfo=clock.JST)


class Market:
    """A provider, a buyer, an administrator, and contracts between them."""

    def __init__(self, world):
        self.world = world
        self.provider = world.organization("株式会社みなとデータ")
        self.buyer = world.organization("地図製作株式会社")
        self.admin = world.admin

    def contract(self, pricing=ONE_OFF, *, at=None, provider=None, buyer=None, ended_at=None, ends_on=None, **fields):
        """A contract in force since a moment; its id."""
        at, provider, buyer = at or clock.now(), provider or self.provider, buyer or self.buyer
        with database.transaction():
            words = {"title": "地区別人口", "summary": "x", "description": "x", "source": "x"}
            listing = Listing(
                id=new_id(),
                provider_id=provider.organization_id,
                theme="population",
                data_class="non_personal",
                update_frequency="annual",
                state="published",
                created_at=at,
                updated_at=at,
                created_by=provider.id,
                **words,
            )
            session.add(listing)
            session.flush()
            terms = {"pricing": pricing, "variables": {}, "template_key": "provision-licence", "template_version": "1"}
            terms["payment"] = pricing.get("payment", "on_activation")
            offer = Offer(
                id=new_id(),
                listing_id=listing.id,
                name="標準",
                created_at=at,
                created_by=provider.id,
                price_basis="手数料条例第3条",
                **terms,
            )
            session.add(offer)
            session.flush()
            contract = Contract(
                id=new_id(),
                number=f"C-2026-{next(numbers):06d}",
                offer_id=offer.id,
                listing_id=listing.id,
                provider_id=provider.organization_id,
                buyer_id=buyer.organization_id,
                state="terminated" if ended_at else "active",
                turn=None,
                purpose="検証",
                requested_by=buyer.id,
                requested_at=at,
                answer_by=at,
                activated_at=at,
                starts_on=at.date(),
                ends_on=ends_on,
                ended_at=ended_at,
                document_sha256="0" * 64,
                **terms,
                **fields,
            )
            session.add(contract)
            return contract.id

    def invoice(self, pricing=ONE_OFF, **fields):
        """The invoice of a new one-off contract, as the API shows it."""
        contract_id = self.contract(pricing, **fields)
        (found,) = self.invoices(contract_id=contract_id)
        return found

    def invoices(self, who=None, **search):
        answer = (who or self.buyer).get("/invoices", query_string={"limit": 100, **search})
        assert answer.status_code == 200, answer.json
        return answer.json["items"]

    def seen(self, invoice):
        return self.admin.get(f"/invoices/{invoice['id']}").json

    def statement(self, *lines, who=None, header="date,payer,amount_jpy,reference"):
        body = "\n".join([header, *lines]).encode()
        return (who or self.admin).post("/bank-statements", data=body, headers={"Content-Type": "text/csv"})

    def pays(self, invoice, amount=None, *, on=None, payer="カ)チズセイサク"):
        on, amount = on or clock.today(), amount or invoice["total_jpy"]
        answer = self.statement(f"{on},{payer},{amount},{invoice['payment_reference']}")
        assert answer.status_code == 200, answer.json
        return answer.json

    def payouts(self, who=None):
        return (who or self.provider).get("/payouts").json["items"]

    def settings(self, **changes):
        """Put settings in force."""
        with database.transaction():
            settings.save(replace(settings.current(), **changes), actor=None, at=clock.now())

    def set_accounts(self, provider=True, operator=True):
        with database.transaction():
            if provider:
                self.provider.member.organization.bank_account = ACCOUNT
            if operator:
                new = settings.Settings(
                    bank_account=ACCOUNT | {"account_holder_kana": "ナカダチ"}, consignor_code="12345"
                )
                settings.save(new, actor=None, at=clock.now())

    def balances(self):
        """Balances by heading, without memorandum accounts that are empty."""
        found = {}
        for account in self.admin.get("/ledger/accounts").json["items"]:
            found[account["heading"]] = found.get(account["heading"], 0) + account["balance_jpy"]
        return {heading: amount for heading, amount in found.items() if amount}


@pytest.fixture
def market(world):
    return Market(world)


def last_month():
    """The month before the running one, its first day and the day after its last."""
    since, _ = clock.month_bounds(clock.month_of(clock.now()))
    first = (since.replace(day=1) - date.resolution).replace(day=1)
    return f"{first:%Y-%m}", first, since


# ---- Stripe, as far as the exchange speaks to it


@pytest.fixture(scope="session")
def stripe_machine():
    """A machine that speaks as Stripe does, for the whole run."""
    machine = StandIn()
    yield machine
    machine.stop()


@pytest.fixture
def stripe(stripe_machine, app, monkeypatch):
    """A fresh Stripe, and an exchange that has a key for it; the library's pauses between two tries are short."""
    from stripe import HTTPClient

    stripe_machine.forget()
    settings = {"STRIPE_API_KEY": KEY, "STRIPE_WEBHOOK_SECRET": SECRET, "STRIPE_API_BASE": stripe_machine.base}
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(HTTPClient, "INITIAL_DELAY", 0.001)
    monkeypatch.setattr(HTTPClient, "MAX_DELAY", 0.002)
    config.cache_clear()
    yield stripe_machine
    monkeypatch.undo()
    config.cache_clear()
