"""Eight people close, take in payments, give back, correct and pay out at the same moment: the books are as if one had."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor

from exchange import clock, database
from settlement import actions, queries
from tests.settlement.conftest import MONTHLY, ONE_OFF, last_month

CLIENTS = 8


def deeds(market, month, bought, turn):
    """What each of the eight does, in an order of their own."""
    lines = [f"{clock.today()},カ)チズ {n},{i['total_jpy']},{i['payment_reference']}" for n, i in enumerate(bought)]
    random.Random(turn).shuffle(lines)  # each bank's file has the same payments in an order of its own

    def close():
        answer = market.admin.post(f"/periods/{month}/close")
        with database.transaction():
            actions.continue_close(month, after=None, at=clock.now())
        return answer.status_code

    def pay():
        return market.statement(*lines).status_code

    def give_back():
        body = {"amount_jpy": bought[0]["total_jpy"], "reason": "返金"}
        return market.admin.post(f"/invoices/{bought[0]['id']}/refund", body).status_code

    def correct():
        body = {"lines": [{"position": 1, "amount_jpy": 5_000}], "reason": "単価の誤り"}
        return market.admin.post(f"/invoices/{bought[1]['id']}/amounts", body).status_code

    def pay_out():
        answer = market.admin.post("/payouts/batch")
        if answer.status_code == 201:
            market.admin.post(f"/payouts/batch/{answer.json['id']}/sent")
        return answer.status_code

    mine = [close, pay, give_back, correct, pay_out]
    random.Random(turn).shuffle(mine)
    return mine


def test_eight_at_once_do_everything_once(market):
    market.set_accounts()
    month, first, _ = last_month()
    subscribed = [market.contract(MONTHLY, at=first) for _ in range(3)]
    bought = [market.invoice(ONE_OFF) for _ in range(4)]
    assert market.admin.token
    together = threading.Barrier(CLIENTS)

    def client(turn):
        together.wait()
        try:
            return [(deed.__name__, deed()) for deed in deeds(market, month, bought, turn)]
        finally:
            database.session.remove()

    with ThreadPoolExecutor(CLIENTS) as people:
        answers = [answer for mine in people.map(client, range(CLIENTS)) for answer in mine]

    told = {name: sorted(status for n, status in answers if n == name) for name, _ in answers}
    assert told["pay"] == [200] * CLIENTS and told["close"] == [202] * CLIENTS
    assert [s for s in told["give_back"] if s < 300] == [201], told["give_back"]
    assert told["correct"] == [201] + [409] * (CLIENTS - 1)
    assert all(s in (201, 409, 422) for s in (*told["give_back"], *told["pay_out"])), told

    assert market.admin.get(f"/periods/{month}").json["state"] == "closed"
    charged = [line["contract_id"] for i in market.invoices(period=month) for line in i["lines"]]
    assert sorted(each for each in charged if each in subscribed) == sorted(subscribed)
    assert [market.seen(i)["paid_jpy"] for i in bought[2:]] == [11_000] * 2
    corrected = market.seen({"id": market.seen(bought[1])["replaced_by_id"]})
    assert (corrected["state"], corrected["paid_jpy"]) == ("paid", 5_500)
    returned = market.seen(bought[0])
    assert returned["state"] == "credited"
    accounts = market.admin.get("/ledger/accounts").json["items"]
    owed = {a["heading"]: a["balance_jpy"] for a in accounts}
    left = check_payouts(market, net_jpy=2 * 10_000 + 5_000)
    assert owed["bank"] == 44_000 - left  # each line of the statement once, whoever brought it first
    late = 11_000 - returned["paid_jpy"]  # what came after it was given back
    assert owed["unapplied"] == 5_500 + late  # of the corrected one, paid before the correction or after it
    assert owed["billed"] == owed["uncollected"] == 3 * 13_200


def check_payouts(market, *, net_jpy):
    """Every payout left in one file, once, and what left is what was earned, less what is still to be taken back."""
    pay_out = market.admin.post("/payouts/batch")
    assert pay_out.status_code in (201, 409)
    batches = [queries.batch_seen_by(market.admin.member, batch.id) for batch in queries.batches(limit=100)]
    paid = [payout for batch in batches for payout in batch.payouts]
    assert len({payout.id for payout in paid}) == len(paid)
    for batch in batches:
        content = market.admin.get(f"/payouts/batch/{batch.id}.txt").data.decode("cp932")
        trailer = next(line for line in content.split("\r\n") if line.startswith("8"))
        assert int(trailer[1:7]) == batch.payout_count and int(trailer[7:19]) == batch.total_jpy
        assert batch.total_jpy == sum(payout.amount_jpy for payout in batch.payouts)
    sent = sum(batch.total_jpy for batch in batches)
    owed = market.balances()
    assert sent == net_jpy + owed.get("advances", 0) and owed.get("deposits", 0) == 0
    left = owed.get("payout-clearing", 0)
    assert left == sum(batch.total_jpy for batch in batches if not batch.sent_at)
    return sent - left
