"""A card authorized while a contract waits: nothing is taken before it is active, and never more than was held."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as how
from hypothesis import strategies as st
from sqlalchemy import select

from contracts.models import Contract
from exchange import clock, database
from exchange.database import session
from exchange.errors import DomainError, WrongState
from exchange.jobs import Task
from settlement import actions, ledger, rules
from settlement.models import CardAuthorization, Hold, OnlinePayment, Receipt
from settlement.stripe_gateway import StripeAway
from tests.settlement.conftest import MONTHLY, ONE_OFF
from tests.settlement.test_corrected_amounts import becomes
from tests.settlement.test_online_payments import checkout, page_of, payments, press, settle
from tests.settlement.test_online_refunds import check_books
from tests.settlement.test_own_invoices import uploads

TAKEN = {"captured": 11_000, "captured-for": 11_000}
PAID = {"stripe": 11_000, "deposits": 10_000, "fees": 1_000} | TAKEN
BILLED = {"billed": 11_000, "uncollected": 11_000}


class Deal:
    """A contract that waits, made without its negotiation, and the card for it."""

    def __init__(self, market, stripe, pricing=ONE_OFF, **options):
        self.market, self.stripe = market, stripe
        self.id = market.contract(pricing, **options)
        self.path = f"/desk/contracts/{self.id}"
        with database.transaction():
            contract = session.get(Contract, self.id)
            contract.state, contract.turn, contract.activated_at = "requested", "provider", None
            contract.answer_by = clock.now() + timedelta(days=45)

    def becomes_active(self):
        """Everybody agreed, and the clock comes by."""
        with database.transaction():
            contract = session.get(Contract, self.id)
            contract.state, contract.turn, contract.activated_at = "active", None, clock.now()
        self.market.world.tick("issue-invoices")

    def declined(self):
        """The provider would not, and the clock comes by."""
        with database.transaction():
            contract = session.get(Contract, self.id)
            contract.state, contract.turn = "declined", None
        self.market.world.tick("card-authorizations")

    def opens(self):
        """The buyer presses the button; the page at Stripe."""
        session.remove()
        with database.transaction():
            url = actions.begin_authorization(self.id, by=self.market.buyer.member, language="ja", at=clock.now())
        return page_of(self.stripe, url)

    def authorized(self, *, told=True):
        """The buyer has a card authorized; the payment at Stripe."""
        page = self.opens()
        self.stripe.pays_by_card(page)
        if told:
            settle(self.market, self.stripe)
        return self.stripe.things[page]["payment_intent"]

    @property
    def card(self):
        session.remove()
        query = select(CardAuthorization).where(CardAuthorization.contract_id == self.id)
        return session.scalars(query.order_by(CardAuthorization.id.desc())).first()

    @property
    def hold(self):
        return session.get(Hold, self.card.hold_id)

    @property
    def invoice(self):
        (found,) = self.market.invoices(contract_id=self.id)
        return found

    def status(self):
        (intent,) = self.stripe.all_of("payment_intent")
        return intent["status"]

    def told(self):
        return self.market.buyer.see("/desk/notices")


class Negotiated(Deal):
    """A contract that a buyer asked for on a published listing."""

    def __init__(self, market, stripe, pricing=ONE_OFF, provider=None, **options):
        self.market, self.stripe, self.provider = market, stripe, provider or market.provider
        _, _, offer = market.world.published(self.provider, pricing, **options)
        body = {"offer_id": offer["id"], "purpose": "検証のための利用", "variables": {}, "accept_terms": True}
        made = market.buyer.post("/contracts", body)
        assert made.status_code == 201, made.json
        self.id = made.json["id"]
        self.path = f"/desk/contracts/{self.id}"

    def does(self, who, deed, **body):
        answer = who.post(f"/contracts/{self.id}/{deed}", body)
        assert answer.status_code == 200, answer.json

    def becomes_active(self):
        """The provider accepts, the administrator approves, and the clock comes by."""
        self.does(self.provider, "accept")
        self.does(self.market.admin, "approve")
        self.market.world.tick("issue-invoices")


@pytest.fixture
def deal(market, stripe):
    return Deal(market, stripe)


@pytest.fixture
def negotiated(market, stripe):
    return Negotiated(market, stripe)


# ---- the way it goes


def test_a_card_is_authorized_while_the_contract_waits_and_captured_when_it_is_active(negotiated, market, stripe):
    deal = negotiated
    shown = market.buyer.see(deal.path)
    assert "カードで与信枠を確保する" in shown and "11,000円(税込)" in shown and "7日間" in shown
    assert "与信" not in market.provider.see(deal.path)
    answer = market.buyer.fill(deal.path, deal.path + "/card")
    assert answer.status_code == 303
    page = page_of(stripe, answer.location)
    assert stripe.things[page]["amount_total"] == 11_000
    stripe.pays_by_card(page)
    assert "カード会社の確認を待っています" in market.buyer.see(deal.path + "?authorized=1")

    settle(market, stripe)
    assert (deal.card.state, deal.status(), market.balances()) == ("authorized", "requires_capture", {})
    assert (deal.hold.amount_jpy, deal.hold.ended, stripe.balance_jpy) == (11_000, None, 0)
    shown = market.buyer.see(deal.path)
    assert "11,000円 の与信枠を" in shown and "カードで与信枠を確保する" not in shown
    assert "カードの与信枠を確保しました" in deal.told()

    deal.becomes_active()
    invoice = deal.invoice
    assert invoice["paid_jpy"] == 0 and "確保したカードで支払っています" in market.buyer.see(
        f"/desk/invoices/{invoice['id']}"
    )
    assert press(market, invoice).status_code == 409  # nobody pays what is being captured
    market.world.work()
    assert (deal.invoice["state"], market.balances()) == ("paid", PAID)
    assert (deal.card.state, deal.hold.ended, deal.status()) == ("captured", "posted", "succeeded")
    assert market.payouts()[0]["amount_jpy"] == 10_000 and "売上確定済み" in market.buyer.see(deal.path)
    settle(market, stripe)
    assert market.balances() == PAID


def test_the_accountants_of_the_exchange_see_what_is_authorized(deal, market):
    deal.authorized()
    page = market.admin.see("/desk/ledger/online")
    assert "カードの与信枠" in page and "確保済み" in page and "11,000円" in page


def test_a_prepaid_contract_is_opened_by_the_authorized_card(market, stripe):
    deal = Deal(market, stripe, ONE_OFF | {"payment": "prepaid"})
    deal.authorized()
    deal.becomes_active()
    market.world.work()
    assert session.get(Contract, deal.id).paid_at is not None and market.balances() == PAID


def test_the_balance_at_stripe_is_what_the_books_say(deal, market, stripe):
    deal.authorized()
    deal.becomes_active()
    for _ in range(2):
        market.world.tick("stripe-reconciliation")
        market.world.work()
    assert market.balances() == PAID | {"stripe": stripe.balance_jpy, "processing": 396}
    assert "一致しません" not in market.admin.see("/desk/ledger/online")


def test_a_captured_card_is_refunded_as_any_other(deal, market, stripe):
    deal.authorized()
    deal.becomes_active()
    market.world.work()
    answer = market.admin.post(f"/invoices/{deal.invoice['id']}/refund", {"amount_jpy": 1_100, "reason": "不足"})
    assert answer.status_code < 300
    market.world.work()
    assert market.balances() == {"stripe": 9_900, "deposits": 9_000, "fees": 900} | TAKEN
    settle(market, stripe)
    assert market.balances()["stripe"] == 9_900


# ---- the contract comes to nothing


@pytest.mark.parametrize("how", ["declined", "rejected", "expired"])
def test_a_contract_that_comes_to_nothing_gives_the_card_free(deal, market, stripe, how):
    deal.authorized()
    with database.transaction():
        session.get(Contract, deal.id).state = how
    market.world.tick("card-authorizations")
    assert deal.card.state == "releasing" and deal.hold.ended is None
    market.world.work()
    assert (deal.card.state, deal.hold.ended, deal.status()) == ("released", "voided", "canceled")
    assert "成立しなかったため、カードの与信枠 11,000円を解放しました" in deal.told()
    settle(market, stripe)
    market.world.tick("card-authorizations")
    assert (market.balances(), stripe.balance_jpy, deal.card.state) == ({}, 0, "released")


def test_a_buyer_who_withdraws_sees_the_card_free_and_one_who_changes_its_mind_authorizes_again(
    negotiated, market, stripe
):
    deal = negotiated
    deal.authorized()
    assert "与信枠を解放する" in market.buyer.see(deal.path)
    assert market.buyer.fill(deal.path, deal.path + "/card/release").status_code == 303
    assert market.buyer.fill(deal.path + "/decline", deal.path + "/card/release").status_code == 409
    assert "解放の手続き中" in market.buyer.see(deal.path)
    market.world.work()
    assert (deal.card.state, deal.hold.ended) == ("released", "voided")
    assert "お申し出により解放しました" in deal.told() and "カードで与信枠を確保する" in market.buyer.see(deal.path)
    deal.authorized()
    deal.does(market.buyer, "decline", reason="見送ります")
    market.world.tick("card-authorizations")
    market.world.work()
    assert [i["status"] for i in stripe.all_of("payment_intent")] == ["canceled", "canceled"]
    assert "代金のお支払いは必要ありません" in market.buyer.see(deal.path) and market.balances() == {}


def test_a_page_left_open_is_closed_when_the_contract_comes_to_nothing(deal, market, stripe):
    page = deal.opens()
    deal.declined()
    market.world.work()
    assert (stripe.things[page]["status"], deal.card.state) == ("expired", "released")
    assert "与信枠" not in deal.told()


def test_a_card_authorized_as_the_contract_was_declined_is_given_free(deal, market, stripe):
    deal.authorized(told=False)
    deal.declined()
    settle(market, stripe)
    market.world.tick("card-authorizations")
    market.world.work()
    assert (deal.card.state, deal.status(), market.balances()) == ("released", "canceled", {})


# ---- a week passes


def test_a_card_that_lapsed_is_told_and_the_invoice_is_paid_in_any_way(deal, market, stripe):
    intent = deal.authorized()
    stripe.lapses(intent)
    settle(market, stripe)
    assert (deal.card.state, deal.hold.ended, market.balances()) == ("lapsed", "voided", {})
    assert "銀行振込、カード、コンビニのどの方法でもお支払いいただけます" in deal.told()
    deal.becomes_active()
    market.world.work()
    assert market.balances() == BILLED
    stripe.pays_by_card(checkout(market, stripe, deal.invoice))
    settle(market, stripe)
    assert market.balances() == {"stripe": 11_000, "deposits": 10_000, "fees": 1_000}


def test_a_card_that_lapsed_unseen_is_found_when_it_is_to_be_captured(deal, market, stripe):
    intent = deal.authorized()
    stripe.lapses(intent)
    stripe.untold = []
    deal.becomes_active()
    market.world.work()
    assert (deal.card.state, payments()[0].state, market.balances()) == ("lapsed", "expired", BILLED)
    assert "期間が過ぎました" in deal.told() and "で支払う</button>" in market.buyer.see(
        f"/desk/invoices/{deal.invoice['id']}"
    )


def test_a_card_that_lapsed_before_anybody_noticed_it_makes_room_for_another(deal, market, stripe):
    stripe.lapses(deal.authorized(told=False))
    again = deal.opens()
    assert deal.card.session_id == again and deal.card.state == "open"
    settle(market, stripe)
    assert [c.state for c in session.query(CardAuthorization).order_by(CardAuthorization.id)] == ["lapsed", "open"]


def test_a_hold_past_its_time_expires_and_money_captured_late_is_booked_all_the_same(deal, market, stripe):
    deal.authorized()
    later = clock.now() + timedelta(days=9)
    with database.transaction():
        assert ledger.expire_holds(at=later) == 1
    deal.becomes_active()
    market.world.work()
    assert deal.hold.ended == "expired" and deal.card.state == "captured"
    assert market.balances() == {"stripe": 11_000, "deposits": 10_000, "fees": 1_000}


# ---- nobody pays twice


def test_an_invoice_paid_by_bank_meanwhile_is_not_captured(deal, market, stripe):
    deal.authorized()
    deal.becomes_active()
    market.pays(deal.invoice)
    market.world.work()
    assert (deal.card.state, deal.hold.ended, deal.status()) == ("released", "voided", "canceled")
    assert market.balances() == {"bank": 11_000, "deposits": 10_000, "fees": 1_000}
    assert "ほかの方法でのお支払い" in deal.told()


def test_of_an_invoice_paid_in_part_only_the_rest_is_captured(deal, market, stripe):
    deal.authorized()
    deal.becomes_active()
    market.pays(deal.invoice, 4_000)
    market.world.work()
    settle(market, stripe)
    expected = {"bank": 4_000, "stripe": 7_000, "deposits": 10_000, "fees": 1_000}
    assert market.balances() == expected | {"captured": 7_000, "captured-for": 7_000}
    assert (deal.invoice["state"], deal.hold.ended, stripe.things[deal.card.intent_id]["amount_received"]) == (
        "paid",
        "posted",
        7_000,
    )
    assert len(stripe.all_of("refund")) == 1  # Stripe's way to say that the rest is free; it is no refund of ours
    market.world.tick("stripe-reconciliation")
    market.world.work()
    assert market.balances()["stripe"] == stripe.balance_jpy == 7_000 - 252


def test_a_card_authorized_after_the_invoice_was_paid_is_given_free(deal, market, stripe):
    deal.authorized(told=False)
    deal.becomes_active()
    market.pays(deal.invoice)
    settle(market, stripe)
    assert (deal.card.state, deal.status()) == ("released", "canceled")
    assert market.balances() == {"bank": 11_000, "deposits": 10_000, "fees": 1_000}


def test_word_of_a_card_that_comes_after_the_invoice_captures_it_then(deal, market, stripe):
    deal.authorized(told=False)
    deal.becomes_active()
    market.world.work()
    assert market.balances() == BILLED
    settle(market, stripe)
    assert (market.balances(), deal.card.state) == (PAID, "captured")


def test_while_another_payment_is_under_way_the_card_waits_and_is_then_given_free(deal, market, stripe):
    deal.authorized(told=False)
    told, stripe.untold = stripe.untold, []
    deal.becomes_active()
    page = checkout(market, stripe, deal.invoice)
    settle(market, stripe, events=told)
    assert deal.card.state == "authorized" and len(payments()) == 1
    stripe.pays_by_card(page)
    settle(market, stripe)
    market.world.tick("card-authorizations")
    market.world.work()
    assert deal.card.state == "released"
    assert market.balances() == {"stripe": 11_000, "deposits": 10_000, "fees": 1_000}


def test_a_seller_s_own_invoice_is_awaited_before_the_card_is_captured(market, stripe):
    market.provider.call("PUT", "/registration-notice", {"issues_itself": True})
    deal = Deal(market, stripe)
    deal.authorized()
    deal.becomes_active()
    market.world.tick("card-authorizations")
    assert payments() == [] and deal.card.state == "authorized"
    assert uploads(market, deal.invoice).status_code == 200
    market.world.tick("card-authorizations")
    market.world.work()
    assert market.balances() == PAID and deal.card.state == "captured"


@pytest.mark.parametrize(("price", "taken", "due"), [(9_000, 9_900, 0), (12_000, 11_000, 2_200)])
def test_of_corrected_amounts_no_more_is_taken_than_was_held(deal, market, stripe, price, taken, due):
    deal.authorized()
    deal.becomes_active()
    becomes(market, deal.invoice, price)
    market.world.work()
    assert (deal.hold.ended, stripe.things[deal.card.intent_id]["amount_received"]) == ("posted", taken)
    found = market.balances()
    assert (found["stripe"], found["captured"], found.get("billed", 0)) == (taken, taken, due)


# ---- the line


@pytest.mark.parametrize("faults", [("409",), ("500",), ("drop",), ("drop", "409")], ids="-".join)
def test_a_broken_line_captures_once(deal, market, stripe, faults):
    intent = deal.authorized()
    deal.becomes_active()
    stripe.fail_next(f"/v1/payment_intents/{intent}/capture", *faults)
    market.world.work()
    assert market.balances() == PAID and stripe.balance_jpy == 11_000 - 396


def test_a_capture_whose_answer_was_lost_is_found_not_made_again(deal, market, stripe):
    intent = deal.authorized()
    deal.becomes_active()
    stripe.fail_next(f"/v1/payment_intents/{intent}/capture", "drop", "drop", "drop")
    market.world.work()
    assert (deal.status(), payments()[0].state, market.balances()) == ("succeeded", "intended", BILLED)
    market.pays(deal.invoice, 1_000)  # what is due is another amount by now
    stripe.answers.clear()
    with database.transaction():
        actions.look_at_payment(payments()[0].id, at=clock.now())
    expected = PAID | {"bank": 1_000, "unapplied": 1_000}
    assert market.balances() == expected
    assert [p for m, p, _ in stripe.requests if m == "POST" and p.endswith("/capture")] == [
        f"/v1/payment_intents/{intent}/capture"
    ]


def test_stripe_away_leaves_the_capture_for_later(deal, market, stripe):
    intent = deal.authorized()
    deal.becomes_active()
    stripe.fail_next(f"/v1/payment_intents/{intent}/capture", "500", "500", "500")
    market.world.work()
    assert (payments()[0].state, deal.hold.ended, market.balances()) == ("intended", None, BILLED)
    market.world.tick("stripe-reconciliation")
    with database.transaction():
        actions.look_at_payment(payments()[0].id, at=clock.now())
    assert market.balances() == PAID


def test_a_bank_that_refuses_the_capture_leaves_the_invoice_to_pay_otherwise(deal, market, stripe):
    intent = deal.authorized()
    deal.becomes_active()
    stripe.fail_next(f"/v1/payment_intents/{intent}/capture", "402")
    market.world.work()
    assert (deal.card.state, deal.hold.ended, payments()[0].state) == ("released", "voided", "failed")
    assert "別の方法でお支払いください" in deal.told() and market.balances() == BILLED


@pytest.mark.parametrize("faults", [("500",), ("drop",), ("409", "drop")], ids="-".join)
def test_a_broken_line_releases_once(deal, market, stripe, faults):
    intent = deal.authorized()
    deal.declined()
    stripe.fail_next(f"/v1/payment_intents/{intent}/cancel", *faults)
    market.world.work()
    assert (deal.card.state, deal.hold.ended, deal.status()) == ("released", "voided", "canceled")


def test_a_page_whose_answer_was_lost_is_opened_again(deal, market, stripe):
    stripe.fail_next("/v1/checkout/sessions", "drop", "drop", "drop")
    with pytest.raises(StripeAway):
        deal.opens()
    assert deal.card.state == "intended"
    (page,) = stripe.all_of("checkout.session")
    stripe.pays_by_card(page["id"])
    settle(market, stripe)
    assert deal.card.state == "authorized" and len(stripe.all_of("checkout.session")) == 1


def test_a_page_that_nobody_was_shown_is_given_up_after_a_day(deal, market, stripe):
    stripe.fail_next("/v1/checkout/sessions", "429")
    with pytest.raises(StripeAway):
        deal.opens()
    with database.transaction():
        actions.look_at_authorization(deal.card.id, at=clock.now() + timedelta(days=1))
    assert deal.card.state == "abandoned"
    assert deal.authorized() and deal.card.state == "authorized"


# ---- events


@pytest.mark.parametrize("backwards", [False, True])
def test_events_twice_and_in_any_order_hold_and_capture_once(deal, market, stripe, backwards):
    deal.authorized(told=False)
    stripe.tell(market.world.app, times=2, backwards=backwards)
    market.world.work()
    deal.becomes_active()
    market.world.work()
    stripe.tell(market.world.app, events=stripe.events, times=2, backwards=not backwards)
    market.world.work()
    assert (market.balances(), deal.card.state) == (PAID, "captured")
    assert session.query(Hold).count() == 1 and session.query(Receipt).count() == 1


def test_word_of_the_authorization_after_word_of_its_end_changes_nothing(deal, market, stripe):
    deal.authorized(told=False)
    late, stripe.untold = stripe.untold, []
    stripe.lapses(stripe.all_of("payment_intent")[0]["id"])
    settle(market, stripe)
    settle(market, stripe, events=late)
    assert deal.card.state == "lapsed" and session.query(Hold).count() == 0


def test_what_webhooks_missed_is_asked_for(deal, market, stripe):
    intent = deal.authorized(told=False)
    stripe.untold = []
    market.world.tick("stripe-reconciliation")
    market.world.work()
    assert deal.card.state == "authorized"
    stripe.lapses(intent)
    stripe.events.clear()  # even those that Stripe itself has lost
    market.world.tick("stripe-reconciliation")
    market.world.work()
    assert deal.card.state == "lapsed"


def test_a_capture_by_hand_pays_the_invoice_once_there_is_one(deal, market, stripe):
    intent = deal.authorized()
    with stripe.lock:
        stripe.capture(stripe.things[intent], 11_000)
    settle(market, stripe)
    assert deal.card.state == "authorized" and market.balances() == {}
    deal.becomes_active()
    market.world.work()
    assert market.balances() == PAID


def test_a_capture_by_hand_without_a_contract_is_told(deal, market, stripe):
    intent = deal.authorized()
    with stripe.lock:
        stripe.capture(stripe.things[intent], 11_000)
    deal.declined()
    market.world.work()
    assert (deal.card.state, deal.hold.ended) == ("failed", "voided")
    assert "請求のない売上" in market.admin.see("/desk/notices") and "運営者が返金します" in deal.told()


# ---- who may, and when


def refused(market, deal):
    answer = market.buyer.fill("/desk/payment-card", deal.path + "/card")
    return answer.status_code == 409 and "確保できません" in answer.get_data(as_text=True)


def test_without_a_key_there_is_no_button(market):
    deal = Negotiated(market, None)
    assert "与信枠" not in market.buyer.see(deal.path) and refused(market, deal)


@pytest.mark.parametrize("pricing", [MONTHLY, {"model": "free"}, ONE_OFF | {"price_jpy": 40}])
def test_only_a_one_off_price_that_stripe_takes_is_authorized(market, stripe, pricing):
    assert refused(market, Deal(market, stripe, pricing))


def test_what_an_owner_has_not_confirmed_and_what_a_municipality_bills_itself_is_not_authorized(market, stripe, deal):
    assert refused(market, Deal(market, stripe, provider=market.world.city()))
    with database.transaction():
        session.get(Contract, deal.id).awaits_confirmation = True
    assert refused(market, deal) and session.query(CardAuthorization).count() == 0


def test_only_the_buyer_s_accountants_authorize_and_release(deal, market, stripe):
    deal.authorized()
    viewer = market.world.colleague(market.buyer, "viewer")
    stranger = market.world.organization("よその会社")
    for path in (deal.path + "/card", deal.path + "/card/release"):
        assert market.provider.fill("/desk/payment-card", path).status_code == 403
        assert viewer.fill("/desk/notices", path).status_code == 403
        assert stranger.fill("/desk/payment-card", path).status_code == 404
        assert market.buyer.browser.post(path).status_code in (400, 403)
    assert deal.card.state == "authorized"


def test_one_card_at_a_time_and_the_same_page_again(deal, market, stripe):
    assert deal.opens() == deal.opens()
    stripe.runs_out(deal.opens())
    again = deal.opens()
    assert deal.card.state == "open" and deal.card.session_id == again
    stripe.pays_by_card(again)
    answer = market.buyer.fill("/desk/payment-card", deal.path + "/card")
    assert answer.location.endswith(f"?authorized={deal.card.id}")  # nobody had noticed yet
    assert deal.card.state == "authorized" and session.query(Hold).count() == 1
    deal.declined()
    with pytest.raises(WrongState, match="成立を待っている間だけ"):
        deal.opens()
    settle(market, stripe)
    assert deal.card.state == "released" and session.query(CardAuthorization).count() == 2


def test_an_active_contract_is_paid_by_its_invoice(deal, market, stripe):
    deal.becomes_active()
    with pytest.raises(WrongState, match="請求書からお支払いください"):
        deal.opens()


# ---- all of it together

STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                "card",
                "card",
                "activate",
                "decline",
                "free",
                "bank",
                "refund",
                "invoice",
                "lapse",
                "fault",
                "tell",
                "tick",
            ]
        ),
        st.integers(1, 15_000),
        st.booleans(),
    ),
    min_size=4,
    max_size=16,
)


@given(STEPS)
@how(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
def test_whatever_happens_no_yen_is_taken_twice_or_above_its_hold(market, stripe, steps):
    deals = [Deal(market, stripe), Deal(market, stripe, ONE_OFF | {"price_jpy": 7_777})]
    for deed, amount, flag in steps:
        _do(market, stripe, deals[flag], deed, amount)
    stripe.faults.clear()
    settle(market, stripe, backwards=True, times=2)
    for _ in range(2):
        with database.transaction():
            session.query(Task).filter(Task.done_at.is_(None)).update({"due_at": clock.now(), "failed_at": None})
        for job in ("issue-invoices", "card-authorizations", "stripe-reconciliation"):
            market.world.tick(job)
        market.world.work()
    _check(stripe)
    check_books(market, stripe)


def _pays(market, stripe, deal, invoices):
    """A card is authorized for the contract, or an invoice of it is paid on a page of its own."""
    buyer, at = market.buyer.member, clock.now()
    with database.transaction():
        if invoices is None:
            url = actions.begin_authorization(deal.id, by=buyer, language="ja", at=at)
        elif invoices:
            url = actions.begin_checkout(invoices[0]["id"], by=buyer, language="ja", at=at)
        else:
            return
    page = stripe.things.get(url.rsplit("/", 1)[1])
    if page and page["status"] == "open":
        stripe.pays_by_card(page["id"])


def _do(market, stripe, deal, deed, amount):
    session.remove()
    invoices = market.invoices(contract_id=deal.id)
    try:
        if deed in ("card", "invoice"):
            _pays(market, stripe, deal, invoices if deed == "invoice" else None)
        elif deed in ("activate", "decline") and session.get(Contract, deal.id).state == "requested":
            deal.becomes_active() if deed == "activate" else deal.declined()
        elif deed == "bank" and invoices:
            market.pays(invoices[0], amount, payer=f"カ){amount}")
        elif deed == "lapse":
            intents = [i for i in stripe.all_of("payment_intent") if i["status"] == "requires_capture"]
            if intents:
                stripe.lapses(intents[0]["id"])
        elif deed == "fault":
            stripe.fail_next("/v1/payment_intents", *["409", "500", "drop", "429"][amount % 4 :])
        elif deed == "tell":
            settle(market, stripe, backwards=bool(amount % 2))
        elif deed == "tick":
            market.world.tick("card-authorizations")
            market.world.work()
        with database.transaction():
            if deed == "free":
                actions.release_authorization(deal.id, by=market.buyer.member, at=clock.now())
            elif deed == "refund" and invoices:
                actions.refund(invoices[0]["id"], amount_jpy=amount, reason="x", by=market.admin.member, at=clock.now())
    except DomainError:
        session.remove()  # refused: paid already, not waiting any more, above the rest, Stripe away


def _check(stripe):
    session.remove()
    cards = session.query(CardAuthorization).all()
    taken = {p.authorization_id: p.amount_jpy for p in session.query(OnlinePayment) if p.receipt_id}
    ended = {"captured": "posted", "released": "voided", "lapsed": "voided", "authorized": None}
    for card in cards:
        assert taken.get(card.id, 0) <= card.amount_jpy and (card.state == "captured") == (card.id in taken)
        if card.hold_id:
            assert session.get(Hold, card.hold_id).ended == ended[card.state]
        intent = stripe.things.get(card.intent_id, {"status": "canceled"})
        expected = {"captured": "succeeded", "authorized": "requires_capture", "lapsed": "canceled"}
        assert intent["status"] == expected.get(card.state, "canceled"), card.state
    captured = sum(amount for card_id, amount in taken.items() if card_id)
    assert sum(debit for code, (debit, _) in ledger.sums().items() if code.startswith("captured/")) == captured
    session.rollback()


# ---- rules


@pytest.mark.parametrize(
    ("now", "page", "intent", "after"),
    [
        ("open", "open", None, "open"),
        ("open", "open", "requires_payment_method", "open"),
        ("open", "expired", None, "abandoned"),
        ("open", "complete", "requires_capture", "authorized"),
        ("open", "complete", "canceled", "lapsed"),
        ("open", "expired", "canceled", "abandoned"),
        ("authorized", "complete", "canceled", "lapsed"),
        ("authorized", "complete", "succeeded", "authorized"),
        ("releasing", "complete", "requires_capture", "releasing"),
        ("releasing", "complete", "canceled", "released"),
        ("releasing", "expired", None, "released"),
        ("releasing", "complete", "succeeded", "failed"),
        ("released", "complete", "requires_capture", "released"),
        ("captured", "complete", "canceled", "captured"),
    ],
)
def test_the_state_follows_stripe_and_never_goes_back(now, page, intent, after):
    assert rules.authorization_state(now, page=page, intent=intent) == after


def test_a_payment_waits_for_its_capture():
    assert rules.online_state("intended", page=None, intent="requires_capture") == "intended"
    assert OnlinePayment.__table__.c.authorization_id.unique
