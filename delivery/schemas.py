"""What comes in and goes out of the JSON doors of delivery."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from marshmallow import fields, validate

from delivery import rules
from delivery.actions import Link
from delivery.models import Grant, RequestLine, SharingProfile
from delivery.queries import Totals
from exchange import clock
from exchange.web.api import Answer, PageArgs, Schema

# Ids are opaque; their alphabet keeps a made-up one from meaning anything.
ID_LENGTH_MAX = 40
ID = validate.Length(1, ID_LENGTH_MAX)
LIMIT_MAX = 10**15
NAMED_MAX = 500


# ---- what comes in


class _LinkTerms(Schema):
    variant = fields.String(load_default="original", validate=validate.OneOf(rules.VARIANTS))
    expires_in = fields.Integer(
        load_default=rules.LIFETIME_SECONDS,
        strict=True,
        validate=validate.Range(1, rules.LIFETIME_SECONDS_MAX),
        metadata={"description": "Seconds the link is good for; 300 at most under a contract of security level L3."},
    )
    once = fields.Boolean(
        load_default=False,
        truthy={True},
        falsy={False},
        metadata={"description": "Good for one request alone."},
    )


class NewLink(_LinkTerms):
    """One link."""

    file_id = fields.String(required=True, validate=ID)


class _Ids(fields.List[Any]):
    """A list of ids; ten thousand good ones are looked at together, the bad one is named as ever."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **more: Any) -> list[Any]:
        if type(value) is list and all(type(each) is str and 0 < len(each) <= ID_LENGTH_MAX for each in value):
            return value
        return super()._deserialize(value, attr, data, **more)


class NewLinks(_LinkTerms):
    """Many links at once: all of them or none."""

    file_ids = _Ids(fields.String(validate=ID), required=True, validate=validate.Length(1, rules.BATCH_MAX))


class UsageArgs(PageArgs):
    """A period by Japan's calendar, first and last day included; the running month where left out."""

    first = fields.Date(data_key="from", load_default=None)
    last = fields.Date(data_key="to", load_default=None)


class RecordArgs(PageArgs):
    """Of one contract, or of all."""

    contract_id = fields.String(load_default=None, validate=ID)


class LimitsBody(Schema):
    """The most a month may hold under a contract; null or left out is no limit. Yen without tax."""

    bytes = fields.Integer(load_default=None, allow_none=True, strict=True, validate=validate.Range(0, LIMIT_MAX))
    downloads = fields.Integer(load_default=None, allow_none=True, strict=True, validate=validate.Range(0, LIMIT_MAX))
    amount_jpy = fields.Integer(load_default=None, allow_none=True, strict=True, validate=validate.Range(0, LIMIT_MAX))


class NamedUsersBody(Schema):
    """Who of the buyer may draw links under a contract of level L3: mail addresses of members, all of them."""

    emails = fields.List(
        fields.String(validate=validate.Length(1, 200)), required=True, validate=validate.Length(0, NAMED_MAX)
    )


class ContentArgs(Schema):
    """Which form of a file of open data."""

    variant = fields.String(load_default="original", validate=validate.OneOf(rules.VARIANTS))


# ---- what goes out


class LinkAnswer(Answer):
    """A link: a presigned URL with the signed query parameter `x-grant`."""

    id = fields.String(required=True)
    url = fields.String(required=True)
    method = fields.String(required=True)
    expires_at = fields.AwareDateTime(required=True)
    size = fields.Integer(required=True)
    sha256 = fields.String(required=True)
    name = fields.String(required=True)
    once = fields.String(
        validate=validate.OneOf(("enforced", "short_lived")),
        metadata={
            "description": "Of links for one use: `enforced` where a second request is refused, `short_lived` where the"
            " store is not ours and the link is good for a minute instead."
        },
    )


class LinksAnswer(Answer):
    """Links in the order of the files asked for."""

    items = fields.List(fields.Nested(LinkAnswer), required=True)


class RequestAnswer(Answer):
    """A request line behind a figure."""

    request_id = fields.String(required=True)
    at = fields.AwareDateTime(required=True)
    method = fields.String(required=True)
    status = fields.Integer(required=True)
    bytes_sent = fields.Integer(required=True)
    range = fields.String(required=True, allow_none=True)
    added_bytes = fields.Integer(required=True)
    remote = fields.String(required=True)
    user_agent = fields.String(required=True)


class LinkUsageAnswer(Answer):
    """What was counted of one link."""

    link_id = fields.String(required=True)
    file_id = fields.String(required=True)
    variant = fields.String(required=True)
    issued_at = fields.AwareDateTime(required=True)
    expires_at = fields.AwareDateTime(required=True)
    size = fields.Integer(required=True)
    delivered_bytes = fields.Integer(required=True)
    billable_bytes = fields.Integer(required=True)
    downloads = fields.Integer(required=True)
    requests = fields.List(fields.Nested(RequestAnswer), required=True)


class TotalsAnswer(Answer):
    """The sums of the period, over all its pages. Yen without tax."""

    links = fields.Integer(required=True)
    delivered_bytes = fields.Integer(required=True)
    billable_bytes = fields.Integer(required=True)
    downloads = fields.Integer(required=True)
    amount_jpy = fields.Integer(required=True)


class UsageAnswer(Answer):
    """A page of a contract's usage, with the sums."""

    items = fields.List(fields.Nested(LinkUsageAnswer), required=True)
    next_cursor = fields.String(required=True, allow_none=True)
    totals = fields.Nested(TotalsAnswer, required=True)


class RecordAnswer(Answer):
    """One side's record of one provision of data about persons to a third party."""

    id = fields.String(required=True)
    side = fields.String(required=True, validate=validate.OneOf(("provider", "buyer")))
    contract_id = fields.String(required=True)
    contract_number = fields.String(required=True)
    link_id = fields.String(required=True, attribute="grant_id")
    data_class = fields.String(required=True)
    articles = fields.String(required=True)
    provided_on = fields.Function(lambda record: record.provided_at.date().isoformat())
    partner = fields.Dict(required=True)
    consent = fields.String(required=True)
    acquired = fields.String(required=True)
    subjects = fields.String(required=True)
    items = fields.List(fields.String(), required=True)
    file_name = fields.String(required=True)
    variant = fields.String(required=True)
    sha256 = fields.String(required=True)
    made_at = fields.AwareDateTime(required=True)
    keep_until = fields.Date(required=True)


class RecordsAnswer(Answer):
    """A page of records."""

    items = fields.List(fields.Nested(RecordAnswer), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class ProfileAnswer(Answer):
    """A Delta Sharing profile file, version 1. Its token is not shown again."""

    shareCredentialsVersion = fields.Integer(required=True)
    endpoint = fields.String(required=True)
    bearerToken = fields.String(required=True)
    expirationTime = fields.AwareDateTime(required=True)


class NamedUsersAnswer(Answer):
    """Who may draw links."""

    emails = fields.List(fields.String(), required=True)


class LimitsAnswer(Answer):
    """The limits in force."""

    bytes = fields.Integer(required=True, allow_none=True)
    downloads = fields.Integer(required=True, allow_none=True)
    amount_jpy = fields.Integer(required=True, allow_none=True)


@lru_cache(maxsize=64)  # links of one batch end together
def _told(moment: datetime) -> str:
    return moment.astimezone(clock.JST).isoformat()


def link_answer(link: Link) -> dict[str, Any]:
    """A link as JSON, without marshmallow: this is the busiest answer of the house, and may be ten thousand of them."""
    return {
        "id": link.id,
        "url": link.url,
        "method": "GET",
        "expires_at": _told(link.expires_at),
        "size": link.size,
        "sha256": link.sha256,
        "name": link.name,
        **({"once": link.once} if link.once else {}),
    }


def profile_answer(profile: SharingProfile, secret: str, *, origin: str) -> dict[str, Any]:
    """A profile as the file that clients read (PROTOCOL.md, "Profile File Format")."""
    return {
        "shareCredentialsVersion": 1,
        "endpoint": f"{origin}delta-sharing",
        "bearerToken": secret,
        "expirationTime": f"{profile.expires_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
    }


def usage_answer(grant: Grant, lines: Sequence[RequestLine]) -> dict[str, Any]:
    """A link with what was counted of it and the lines behind."""
    usage = grant.usage
    return {
        "link_id": grant.id,
        "file_id": grant.file_id,
        "variant": grant.variant,
        "issued_at": grant.issued_at,
        "expires_at": grant.expires_at,
        "size": grant.size,
        "delivered_bytes": usage.delivered_bytes if usage else 0,
        "billable_bytes": usage.billable_bytes if usage else 0,
        "downloads": usage.downloads if usage else 0,
        "requests": lines,
    }


def totals_answer(totals: Totals) -> dict[str, int]:
    """The sums as JSON."""
    return {
        "links": totals.links,
        "delivered_bytes": totals.delivered_bytes,
        "billable_bytes": totals.billable_bytes,
        "downloads": totals.downloads,
        "amount_jpy": totals.amount_jpy,
    }
