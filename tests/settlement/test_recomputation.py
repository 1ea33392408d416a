"""A closed month computed again, from usage, contracts and reports alone, by one SQL query that shares nothing with the
house's own code; it gives the same invoices to the yen."""

import random

from sqlalchemy import text

from exchange.database import session
from tests.settlement.conftest import last_month
from tests.settlement.test_late_usage import METERED, uses
from tests.settlement.test_months import close

AGAIN = text("""
WITH month AS (SELECT :month AS name, to_date(:month, 'YYYY-MM') AS first,
    (to_date(:month, 'YYYY-MM') + interval '1 month')::date - 1 AS last),
used AS (
  SELECT g.contract_id, sum(u.billable_bytes)::numeric / 1000000000 AS gigabytes, sum(u.downloads)::numeric AS downloads
  FROM delivery_grant g JOIN grant_usage u ON u.grant_id = g.id JOIN month ON g.month = month.name GROUP BY 1),
sold AS (
  SELECT DISTINCT ON (contract_id) contract_id, sales_jpy FROM sales_report JOIN month ON sales_report.month = month.name
  ORDER BY contract_id, id DESC),
deal AS (
  SELECT c.*, month.first, month.last, greatest(0, 1 + least(month.last, coalesce(c.ends_on, month.last),
      coalesce((c.ended_at AT TIME ZONE 'Asia/Tokyo')::date, month.last)) - greatest(month.first, c.starts_on)) AS days,
    extract(day FROM month.last)::int AS days_in_month,
    greatest(0, CASE c.pricing->>'unit' WHEN 'download' THEN coalesce(used.downloads, 0)
      ELSE coalesce(used.gigabytes, 0) END - coalesce((c.pricing->>'included_units')::numeric, 0)) AS units,
    coalesce(sold.sales_jpy, 0) AS sales, coalesce((c.pricing->>'minimum_jpy')::bigint, 0) AS minimum,
    (c.pricing->>'cap_jpy')::bigint AS cap
  FROM contract c CROSS JOIN month LEFT JOIN used ON used.contract_id = c.id LEFT JOIN sold ON sold.contract_id = c.id
  WHERE c.activated_at IS NOT NULL),
charge AS (
  SELECT provider_id, buyer_id, purchase_order, CASE pricing->>'model'
    WHEN 'subscription' THEN floor((pricing->>'price_jpy')::numeric * days
      / (CASE pricing->>'interval' WHEN 'year' THEN 12 ELSE 1 END * days_in_month))
    WHEN 'metered' THEN least(cap, greatest(CASE WHEN days > 0 THEN minimum ELSE 0 END, floor((
      SELECT sum((tier->>'unit_price_jpy')::numeric
        * greatest(0, least(units, coalesce((tier->>'up_to')::numeric, units)) - below))
      FROM (SELECT tier, coalesce(lag((tier->>'up_to')::numeric) OVER (ORDER BY n), 0) AS below
        FROM jsonb_array_elements(pricing->'tiers') WITH ORDINALITY AS t (tier, n)) AS tiers))))
    WHEN 'revenue_share' THEN greatest(CASE WHEN days > 0 THEN minimum ELSE 0 END,
      floor(sales * (pricing->>'share_percent')::numeric / 100))
    ELSE 0 END AS amount
  FROM deal)
SELECT provider_id, buyer_id, purchase_order, sum(amount)::bigint AS taxable, floor(sum(amount) * 10 / 100)::bigint AS tax
FROM charge WHERE amount > 0 GROUP BY 1, 2, 3
""")

INVOICED = text("""
SELECT issuer_id, recipient_id, purchase_order, taxable_jpy, tax_jpy FROM invoice
WHERE period = :month AND kind = 'sale' AND revision = 0
""")

# What people corrected afterwards, added to what was invoiced first, gives what stands; no column of the sums is read.
CORRECTED_AGAIN = text("""
WITH first AS (
  SELECT i.id, sum(l.amount_jpy) AS amount FROM invoice i JOIN invoice_line l ON l.invoice_id = i.id
  WHERE i.period = :month AND i.kind = 'sale' AND i.revision = 0 GROUP BY 1),
told AS (
  SELECT i.first_id AS id, sum(coalesce((line->'after'->>'amount_jpy')::bigint, 0)
    - coalesce((line->'before'->>'amount_jpy')::bigint, 0)) AS amount
  FROM invoice i, jsonb_array_elements(i.changed->'lines') AS line GROUP BY 1),
whole AS (SELECT id, first.amount + coalesce(told.amount, 0) AS amount FROM first LEFT JOIN told USING (id))
SELECT id, amount::bigint, floor(amount * 10 / 100)::bigint FROM whole
""")
STANDING = text("""
SELECT coalesce(first_id, id), taxable_jpy, tax_jpy FROM invoice
WHERE period = :month AND kind = 'sale' AND state <> 'replaced'
""")


def prices(rng):
    """A price of each model, with numbers that make fractions."""
    tiers = [
        {"up_to": 2, "unit_price_jpy": "333.333333"},
        {"up_to": 7, "unit_price_jpy": "120.5"},
        {"up_to": None, "unit_price_jpy": "0.7"},
    ]
    yearly = rng.random() < 0.5
    return [
        {"model": "subscription", "price_jpy": rng.randint(1, 99_999), "interval": "year" if yearly else "month"},
        METERED | {"tiers": tiers, "included_units": rng.randint(0, 3), "minimum_jpy": rng.randint(0, 900)},
        METERED | {"unit": "download", "tiers": tiers, "cap_jpy": rng.randint(300, 1_500)},
        {"model": "revenue_share", "share_percent": "3.14159", "minimum_jpy": rng.randint(0, 5_000)},
    ]


def test_one_query_over_usage_gives_the_same_invoices(market):
    rng, (month, first, _) = random.Random(20261001), last_month()
    sellers = [
        market.provider,
        market.world.organization("第二の提供者"),
        market.world.organization("未登録", registered=False),
    ]
    buyers = [market.buyer, market.world.organization("第二の利用者")]
    for seller in sellers:
        for buyer in buyers:
            for price in prices(rng):
                begun = first.replace(day=rng.randint(1, 28))
                over = begun.replace(day=rng.randint(begun.day, 28), hour=23) if rng.random() < 0.3 else None
                order = rng.choice([None, "PO-1"])
                contract_id = market.contract(
                    price, at=begun, provider=seller, buyer=buyer, ended_at=over, purchase_order=order
                )
                for _ in range(rng.randint(0, 3)):
                    uses(market, contract_id, month, begun, rng.randint(0, 4))
                if price["model"] == "revenue_share" and rng.random() < 0.7:
                    body = {"month": month, "sales_jpy": rng.randint(0, 999_999)}
                    assert buyer.post(f"/contracts/{contract_id}/sales-reports", body).status_code == 201
    close(market)
    market.world.work()
    session.rollback()
    again = {tuple(row) for row in session.execute(AGAIN, {"month": month})}
    invoiced = {tuple(row) for row in session.execute(INVOICED, {"month": month})}
    assert again == invoiced and len(invoiced) > 6
    _correct_some(market, rng, month)
    session.rollback()
    assert {tuple(row) for row in session.execute(AGAIN, {"month": month})} == invoiced  # usage is what it was
    corrected = {tuple(row) for row in session.execute(CORRECTED_AGAIN, {"month": month})}
    assert corrected == {tuple(row) for row in session.execute(STANDING, {"month": month})} != set()


def _correct_some(market, rng, month):
    """Amounts of a third of the invoices are corrected, some twice, some after they were paid."""
    for n, invoice in enumerate(market.invoices(market.admin, period=month)):
        if n % 3 == 0:
            if n % 2:
                market.pays(invoice)
            for _ in range(1 + n % 4 // 3):
                change = {"position": len(invoice["lines"]), "amount_jpy": rng.randint(1, 50_000)}
                body = {"lines": [change], "reason": "x"}
                answer = market.admin.post(f"/invoices/{invoice['id']}/amounts", body)
                assert answer.status_code == 201, answer.json
                invoice = answer.json
