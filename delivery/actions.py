"""What people can do here: draw links, use them, set limits; and what the clock does: read the access logs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple

import contracts.rules
from contracts.models import Contract
from delivery import identities, log_places, presigning, queries, reading, revoking, rules, warning
from delivery.models import ContractLimits, NamedUser
from exchange import audit, clock, database
from exchange.config import config
from exchange.database import Quick, as_array, id_at, new_id, new_ids, session
from exchange.errors import N_, Forbidden, Invalid, NotFound, TooMany, Words, WrongState, text
from exchange.identity import second_factor, throttle
from exchange.identity.models import Member
from exchange.identity.queries import members_of
from listings.models import File, StoragePlace
from listings.queries import listing_seen_by

OPEN_LINKS_A_MINUTE = 600  # for one address without an account


class FileRecalled(WrongState):
    """The provider has recalled this file; it is not delivered any more."""

    title_ja = N_("このファイルは回収されました")


class LimitReached(TooMany):
    """The link would pass the limit that the buyer set for the month."""

    title_ja = N_("利用者が定めた月の上限に達します")


class QuotaReached(LimitReached):
    """The link would pass what the contract itself delivers in a month."""

    title_ja = N_("契約で定めた月の引渡量に達します")


class NotOpen(Forbidden):
    """Only open data is delivered without a contract."""

    title_ja = N_("このデータの利用には契約が必要です")


class Link(NamedTuple):
    """A link as its holder gets it. `expires_at` is real time; `size` in bytes."""

    id: str
    url: str
    expires_at: datetime
    size: int
    sha256: str
    name: str
    once: Literal["enforced", "short_lived"] | None = None


class _Object(NamedTuple):
    """What a link delivers."""

    listing_id: str
    file_id: str
    variant: str
    key: str
    size: int
    sha256: str
    name: str
    media_type: str
    counted_as: str = "original"  # see `rules.counted_as`
    place_id: str | None = None  # the holder's own bucket; None: managed storage
    version_id: str | None = None


# ── links ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def issue_link(
    contract_id: str,
    file_id: str,
    *,
    variant: str,
    expires_in: int,
    once: bool = False,
    token_id: str | None,
    remote: str | None = None,
    by: rules.Recipient,
    at: datetime,
) -> Link:
    """A presigned URL for one file under a contract; see `issue_links`."""
    (link,) = issue_links(
        contract_id,
        [file_id],
        variant=variant,
        expires_in=expires_in,
        once=once,
        token_id=token_id,
        remote=remote,
        by=by,
        at=at,
    )
    return link


def issue_links(
    contract_id: str,
    file_ids: Sequence[str],
    *,
    variant: str,
    expires_in: int,
    once: bool = False,
    token_id: str | None,
    remote: str | None = None,
    by: rules.Recipient,
    at: datetime,
) -> list[Link]:
    """Presigned URLs for files under a contract, good for `expires_in` seconds; all of them or none.

    With `once` each is good for one request, where reads pass our gate; elsewhere for a minute. `remote` is the address
    that asks; under a contract of level L3 no other may use the links.

    The grants are written before a URL exists. Refuses strangers and unknown files (`NotFound`), others than the
    buyer's owners and data officers (`Forbidden`), contracts not in force or not paid in advance (`WrongState`),
    recalled files, a variant the file does not have (`Invalid`), and links beyond the buyer's limits (429). Level L2
    refuses members without a second factor (`Forbidden`), L3 those not named besides, and more than five minutes
    (`Invalid`).
    """
    asked = Asked(tuple(file_ids), variant, expires_in, once, remote)
    contract, files = queries.entitlement(contract_id, file_ids)
    return draw(contract, files, asked, token_id=token_id, by=by, at=at)


class Asked(NamedTuple):
    """What somebody asks links for; `remote` is the address that asks."""

    file_ids: tuple[str, ...]
    variant: str
    expires_in: int
    once: bool
    remote: str | None


def draw(
    contract: Any,
    files: Sequence[Any],
    asked: Asked,
    *,
    token_id: str | None,
    by: rules.Recipient,
    at: datetime,
    proof: dict[str, str] | None = None,
) -> list[Link]:
    """The links that were asked for, on what `queries.entitlement` found; refuses as `issue_links` does.

    With a `proof` (versions of the rows that one unlimited link stands on) there is no link, and no grant, where one of
    them has changed.
    """
    if contract is None:
        raise NotFound()
    must_be_due(contract, by=by, at=at)
    objects = _objects(contract, files, asked)
    repeats = rules.repeat_reads(contract.pricing)
    expires_in = asked.expires_in
    must_be_secure(contract.contract_id, contract.variables, by=by)
    bound_to = _strictly(expires_in, asked.remote) if rules.is_strict(contract.variables) else None
    if asked.once and not is_gated(objects):
        expires_in = min(expires_in, rules.ONCE_SECONDS_UNGATED)
    drawn = _Drawn(contract.contract_id, by.id, token_id, expires_in, at, clock.month_of(at), asked.once, bound_to)
    ids = new_ids(len(objects))
    grants = [drawn.grant(grant_id, each, repeats) for grant_id, each in zip(ids, objects, strict=True)]
    if contract.limited or rules.has_quota(contract.pricing):
        _refuse_beyond_limits(contract, grants, at=at)
    return drawn.links(objects, grants, proof)


def must_be_due(contract: Any, *, by: rules.Recipient, at: datetime) -> None:
    """Raise unless data is due to somebody under a contract now; the refusals are those of `issue_links`."""
    if contract.buyer_id != by.organization_id:
        if by.is_operator or contract.provider_id == by.organization_id:
            raise Forbidden(text("データを受け取れるのは、契約の利用者だけです。"))
        raise NotFound()
    if not rules.may_receive(by):
        raise Forbidden(text("データを受け取るには、責任者またはデータ担当の役割が必要です。"))
    why = contracts.rules.delivery_refusal(contract, at=at)
    if why:
        raise WrongState(why, state=contract.state, allowed=contracts.rules.deeds_in(contract.state))


def must_be_secure(contract_id: str, variables: Mapping[str, Any], *, by: rules.Recipient) -> None:
    """Raise `Forbidden` unless somebody fulfills what the contract's level of security asks of who draws links."""
    why = security_refusal(contract_id, variables, by=by)
    if why:
        raise Forbidden(why)


def security_refusal(contract_id: str, variables: Mapping[str, Any], *, by: rules.Recipient) -> Words | None:
    """What the contract's level of security finds wanting in who draws links (see `rules.level`), and what to do.

    The second factor is the clause's 多要素認証; members of the demo market are let off it up to level L2.
    """
    level = rules.level(variables)
    has_factor = second_factor.is_on(by) if level == "L3" else second_factor.satisfies(by)
    if level in ("L2", "L3") and not has_factor:
        return text(
            "この契約（管理の水準 %(level)s）のデータを受け取るには、二段階認証の設定が必要です。「アカウント」の「二段階認証」で設定してください。",
            level=level,
        )
    if level == "L3" and not queries.is_named(contract_id, by.id):
        return text(
            "この契約（管理の水準 L3）のデータを受け取れるのは、指名された人だけです。利用者の責任者に、契約のページの「受け取る人」で指名するよう依頼してください。"
        )
    return None


def _strictly(expires_in: int, remote: str | None) -> str:
    """The address that links under a contract of level L3 are bound to."""
    if expires_in > rules.LIFETIME_SECONDS_MAX_STRICT:
        most = rules.LIFETIME_SECONDS_MAX_STRICT
        why = text("この契約（管理の水準 L3）では、リンクの有効期間は %(most)s 秒までです。", most=most)
        raise Invalid({"expires_in": [why]})
    if not remote:
        raise Forbidden(text("この契約（管理の水準 L3）では、接続元の分からない相手にデータを渡せません。"))
    return remote


def is_gated(objects: Iterable[identities.Located] = ()) -> bool:
    """Whether every read of the bucket asks us first (`let_read`): the store is embedded, behind our own gateway.

    Reads of a holder's own bucket never do.
    """
    return config().gate_secret is not None and all(of.place_id is None for of in objects)


@dataclass(slots=True)
class _Release:
    id: str
    state: str
    published_at: datetime | None


def _objects(contract: Any, files: Sequence[Any], asked: Asked) -> list[_Object]:
    covered = {row.file_id: row for row in files if _is_covered(contract, row)}
    if any(file_id not in covered for file_id in asked.file_ids):
        raise NotFound(text("この契約で受け取れるファイルの中に、指定されたファイルがありません。"))
    return [_object(contract.listing_id, covered[file_id], asked.variant) for file_id in asked.file_ids]


def _is_covered(contract: Any, row: Any) -> bool:
    release = _Release(row.file_release_id, row.release_state, row.published_at)
    is_kept = row.file_state == "ready" and row.removed_at is None
    return is_kept and contracts.rules.covers(
        release,
        contract_release_id=contract.release_id,
        variables=contract.variables,
        activated_at=contract.activated_at,
        ended_at=contract.ended_at,
    )


def _object(listing_id: str, row: Any, variant: str) -> _Object:
    if row.recalled_at:
        raise FileRecalled(text("このファイルは提供者により回収されました。"), state="recalled")
    name = rules.file_name(row.name, variant)
    if variant == "original":
        told = (row.object_key, row.size, row.sha256, name, row.media_type)
    elif row.parquet_key:
        told = (row.parquet_key, row.parquet_size, row.parquet_sha256, name, rules.PARQUET_MEDIA_TYPE)
    else:
        raise Invalid({"variant": [text("このファイルに Parquet 形式はありません。original を指定してください。")]})
    counted_as = rules.counted_as(variant, sha256=row.sha256, parquet_sha256=row.parquet_sha256)
    return _Object(listing_id, row.file_id, variant, *told, counted_as, row.place_id, row.version_id)


class _Drawn(NamedTuple):
    """One request for links: for whom, under what, until when. `at` is business time."""

    contract_id: str | None
    member_id: str | None
    token_id: str | None
    expires_in: int
    at: datetime
    month: str
    once: bool = False
    remote: str | None = None  # the only address that may use them

    @property
    def signed_at(self) -> datetime:
        """Real time in whole seconds, as signatures have it."""
        return (self.at - clock_ahead()).replace(microsecond=0)

    def grant(self, grant_id: str, of: _Object, repeats: rules.RepeatReads) -> dict[str, Any]:
        """The row of one link."""
        pool = rules.pool(
            grant_id=grant_id,
            contract_id=self.contract_id,
            file_id=of.file_id,
            variant=of.counted_as,
            month=self.month,
            repeats=repeats,
        )
        return {
            "id": grant_id,
            "file_id": of.file_id,
            "key": of.key,
            "size": of.size,
            "sha256": of.sha256,
            "pool": pool,
        }

    def links(
        self, objects: Sequence[_Object], grants: Sequence[dict[str, Any]], proof: dict[str, str] | None = None
    ) -> list[Link]:
        """Write the grants and sign their URLs; none where a proof was asked for and failed."""
        if self.once:
            database.begin()
        signed_at, one = self.signed_at, objects[0]
        signing = identities.signing(objects, contract_id=self.contract_id, expires_in=self.expires_in, at=signed_at)
        expires_at = signed_at + timedelta(seconds=signing.seconds)
        shared = {
            "contract_id": self.contract_id,
            "listing_id": one.listing_id,
            "variant": one.variant,
            "member_id": self.member_id,
            "token_id": self.token_id,
            "issued_at": self.at,
            "expires_at": expires_at,
            "month": self.month,
            "remote": self.remote,
        }

        once = self._once(objects)

        def signed() -> list[Link]:
            sign = signing.by_place
            return [
                Link(
                    grant["id"],
                    sign[of.place_id](of.key, _query(grant["id"], of)),
                    expires_at,
                    of.size,
                    of.sha256,
                    of.name,
                    once,
                )
                for of, grant in zip(objects, grants, strict=True)
            ]

        if len(grants) > 1:
            arrays = {f"{name}s": as_array([str(grant[name]) for grant in grants]) for name in grants[0]}
            with _WRITE_MANY.meanwhile(**arrays, **shared):
                links = signed()
        elif proof:
            return signed() if _WRITE_PROVEN(**grants[0], **shared, **proof) else []
        else:
            _WRITE_ONE(**grants[0], **shared)
            links = signed()
        if once == "enforced":
            _WRITE_ONCE(ids=[grant["id"] for grant in grants])
        return links

    def _once(self, objects: Sequence[_Object]) -> Literal["enforced", "short_lived"] | None:
        if not self.once:
            return None
        return "enforced" if is_gated(objects) else "short_lived"


_COLUMNS = "id, file_id, object_key, size, sha256, pool, contract_id, listing_id, variant, member_id, token_id, issued_at, expires_at, month, remote"
_SHARED = "%(contract_id)s, %(listing_id)s, %(variant)s, %(member_id)s, %(token_id)s, %(issued_at)s, %(expires_at)s, %(month)s, %(remote)s"
_WRITE_ONE = Quick(
    f"INSERT INTO delivery_grant ({_COLUMNS}) VALUES"
    f" (%(id)s, %(file_id)s, %(key)s, %(size)s, %(sha256)s, %(pool)s, {_SHARED})"
)
_WRITE_PROVEN = Quick(
    f"INSERT INTO delivery_grant ({_COLUMNS}) SELECT"
    f" %(id)s, %(file_id)s, %(key)s, %(size)s, %(sha256)s, %(pool)s, {_SHARED} WHERE {queries.UNCHANGED} RETURNING id"
)
# Ten thousand rows in one statement, as arrays.
_WRITE_MANY = Quick(
    f"INSERT INTO delivery_grant ({_COLUMNS}) SELECT g.*, {_SHARED} FROM unnest(%(ids)s::text[], %(file_ids)s::text[],"
    " %(keys)s::text[], %(sizes)s::bigint[], %(sha256s)s::text[], %(pools)s::text[]) AS g"
)
_WRITE_ONCE = Quick("INSERT INTO delivery_once (grant_id) SELECT unnest(%(ids)s::text[])")


def _query(grant_id: str, of: _Object) -> dict[str, str]:
    query = {
        "x-grant": grant_id,
        "response-content-disposition": rules.content_disposition(of.name),
        "response-content-type": of.media_type,
    }
    # Of a bucket that keeps versions, the one that was looked at, whatever took its place.
    return query | {"versionId": of.version_id} if of.version_id else query


def clock_ahead() -> timedelta:
    """How far business time runs ahead of real time."""
    return timedelta(days=config().clock_offset_days)


def issue_open_link(
    listing_id: str, file_id: str, *, variant: str, remote: str | None, by: Member | None, at: datetime
) -> Link:
    """A presigned URL for a file of open data, for anyone; `remote` is the address a stranger asks from.

    Refuses a stranger's address past 600 links a minute (`TooMany`), listings that one may not see and files that are not published (`NotFound`), listings that are not open
    (`NotOpen`), recalled files, and a variant the file does not have (`Invalid`).
    """
    if by is None:
        throttle.take(f"open/{remote}", limit=OPEN_LINKS_A_MINUTE)
    listing = listing_seen_by(by, listing_id)
    file = next((f for r in listing.releases if r.state == "published" for f in r.files if f.id == file_id), None)
    if file is None or file.state != "ready" or file.removed_at or listing.state != "published":
        raise NotFound()
    if not listing.is_open:
        raise NotOpen(text("このデータは、契約のうえでご利用いただけます。"))
    of = _object(listing.id, _AsRow(file), variant)
    drawn = _Drawn(None, by.id if by else None, None, rules.LIFETIME_SECONDS, at, clock.month_of(at))
    return drawn.links([of], [drawn.grant(new_id(), of, "charged")])[0]


class _AsRow:
    """A file, told as the entitlement query tells it."""

    def __init__(self, file: File) -> None:
        self.file_id = file.id
        self._file = file

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


# ── the gate ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def let_read(method: str, uri: str, *, host: str, remote: str | None, at: datetime) -> None:
    """Decide on one read of the bucket as it arrives, now: returns, or refuses with the reason (`Forbidden`).

    signature → expiry → grant → what the grant stands on → one use

    The signature comes first: strangers learn nothing, cost no query, and use up no link. A grant stands on a contract
    in force, or on a listing still open to all, on a file not recalled, on a holder still a member, and on a token not
    revoked; what ends any of them ends its links at once. A link for one use is used up by a GET that gets this far,
    whatever the store makes of it.
    """
    c = config()
    signed = presigning.signed(method, uri, host=host, credential=presigning.credential(), region=c.s3_region)
    if signed is None:
        raise Forbidden(text("リンクの署名が正しくありません。"))
    if signed.expires_at <= at - clock_ahead():
        raise Forbidden(text("リンクの有効期限が切れています。新しいリンクを発行してください。"))
    grant = queries.at_the_gate(signed.query.get("x-grant", ""))
    if grant is None or signed.path != f"/{c.s3_bucket}/{grant.object_key}":
        raise Forbidden(text("このリンクを発行した記録がありません。"))
    why = _revoked(grant, at=at)
    if why:
        raise Forbidden(why)
    if grant.remote is not None and grant.remote != remote:
        raise Forbidden(text("このリンクは、発行を求めた接続元からだけ使えます。"))
    if grant.once and (grant.used_at or (method == "GET" and not _USE_UP(grant_id=grant.id, at=at))):
        raise Forbidden(text("一度だけ使えるリンクで、すでに使われています。"))


_USE_UP = Quick(
    "UPDATE delivery_once SET used_at = %(at)s WHERE grant_id = %(grant_id)s AND used_at IS NULL RETURNING grant_id"
)


def _revoked(grant: Any, *, at: datetime) -> Words | None:
    if grant.recalled_at:
        return text("このファイルは提供者により回収されました。")
    if grant.holder_gone:
        return text("リンクを受け取ったメンバーまたは API トークンが無効になりました。")
    if grant.contract_id is not None:
        return contracts.rules.delivery_refusal(grant, at=at)
    if not grant.is_open or grant.listing_state != "published":
        return text("このデータの公開は終了しました。")
    return None


# ── who may draw links under level L3 ────────────────────────────────────────────────────────────────────────────────


def name_users(contract: Contract, emails: Sequence[str], *, by: Member, at: datetime) -> None:
    """Say who of the buyer may draw links under a contract of level L3; who was named before and is not now, may not.

    Links of theirs end at once where reads pass our gate. Refuses others than the buyer's owners (`Forbidden`),
    contracts of other levels (`WrongState`), and whoever is no member of the buyer with a role that receives data
    (`Invalid`).
    """
    if by.organization_id != contract.buyer_id or not rules.may_name(by):
        raise Forbidden(text("データを受け取る人を指名できるのは、契約の利用者の責任者だけです。"))
    if not rules.is_strict(contract.variables):
        why = text("受け取る人を指名するのは、管理の水準が L3 の契約だけです。")
        raise WrongState(why, state=contract.state, allowed=contracts.rules.deeds_in(contract.state))
    wanted = _receivers(contract, emails)
    database.lock(f"named/{contract.id}")
    kept = {named.member_id: named for named in queries.named_users(contract.id)}
    for member_id in kept.keys() - wanted.keys():
        kept[member_id].removed_at = at
    session.add_all(
        NamedUser(contract_id=contract.id, member_id=member_id, named_by=by.id, named_at=at)
        for member_id in wanted.keys() - kept.keys()
    )
    session.flush()
    audit.record(
        "contract.named_users",
        actor=by.id,
        subject=f"contract/{contract.id}",
        at=at,
        organization=by.organization_id,
        detail={"members": sorted(wanted)},
    )


def _receivers(contract: Contract, emails: Sequence[str]) -> dict[str, Member]:
    able = {member.email.lower(): member for member in members_of(contract.buyer_id) if rules.may_receive(member)}
    unknown = sorted({email for email in emails if email.strip().lower() not in able})
    if unknown:
        why = text("次の人は、利用者の責任者またはデータ担当ではありません：%(emails)s", emails="、".join(unknown[:10]))
        raise Invalid({"emails": [why]})
    return {able[email.strip().lower()].id: able[email.strip().lower()] for email in emails}


# ── limits ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _refuse_beyond_limits(contract: Any, grants: Sequence[dict[str, Any]], *, at: datetime) -> None:
    """Holds the contract's limits until the grants are written, so that no two requests pass a limit together."""
    database.lock(f"limits/{contract.contract_id}")
    month = clock.month_of(at)
    asked = {grant["pool"]: grant["size"] for grant in grants}
    held = queries.held(contract.contract_id, month=month, real_at=at - clock_ahead(), asked=asked)
    before, after = (
        rules.Figures(size, downloads, queries.charge_jpy(contract, month, usage_bytes=size, downloads=downloads))
        for size, downloads in (
            (held.bytes, held.downloads),
            (held.bytes + held.asked_bytes, held.downloads + held.asked_downloads),
        )
    )
    for kind, limits in queries.limits_in_force(contract.contract_id, contract.pricing).items():
        passed = rules.passed_limit(limits, held=before, wanted=after)
        if passed:
            warning.note_refusal(contract.contract_id, month, kind, passed, limits=limits, held=before, at=at)
            raise _limit_reached(kind, passed, limits, before, after, month=month, at=at)


def _limit_reached(
    kind: str,
    passed: str,
    limits: rules.Limits,
    before: rules.Figures,
    after: rules.Figures,
    *,
    month: str,
    at: datetime,
) -> LimitReached:
    _, month_ends = clock.month_bounds(month)
    refusal, words = _REFUSALS[kind]
    return refusal(
        text(
            words,
            what=text(rules.LIMIT_TITLES[passed]),
            limit=f"{getattr(limits, passed):,}",
            held=f"{getattr(before, passed):,}",
            wanted=f"{getattr(after, passed):,}",
        ),
        retry_after=max(1, int((month_ends - at).total_seconds())),
        limit=passed,
        limits={name: getattr(limits, name) for name in rules.LIMITS},
        held={name: getattr(before, name) for name in rules.LIMITS},
        wanted={name: getattr(after, name) for name in rules.LIMITS},
    )


_REFUSALS: dict[str, tuple[type[LimitReached], str]] = {
    "own": (
        LimitReached,
        N_(
            "この受け取りで、月の上限（%(what)s %(limit)s）を超えます。使用済みと受け取り中の合計は %(held)s、今回を加えると %(wanted)s です。"
        ),
    ),
    "quota": (
        QuotaReached,
        N_(
            "この受け取りで、契約で定めた月の引渡量（%(what)s %(limit)s）を超えます。使用済みと受け取り中の合計は %(held)s、今回を加えると %(wanted)s です。翌月に受け取るか、提供者と契約を見直してください。"
        ),
    ),
}


def set_limits(contract: Contract, limits: rules.Limits, *, by: Member, at: datetime) -> ContractLimits:
    """Set the buyer's limits for a month under a contract; None takes a limit away.

    Refuses others than the buyer's owners, data officers and accountants (`Forbidden`). Running links stay good.
    """
    if by.organization_id != contract.buyer_id or not rules.may_set_limits(by):
        raise Forbidden(text("上限を決められるのは、契約の利用者の責任者、データ担当、経理担当です。"))
    values = {"bytes": limits.bytes, "downloads": limits.downloads, "amount_jpy": limits.amount_jpy}
    database.lock(f"limits/{contract.id}")
    kept = session.get(ContractLimits, contract.id)
    if kept is None:
        kept = ContractLimits(contract_id=contract.id, set_by=by.id, set_at=at)
        session.add(kept)
    for name, value in values.items():
        setattr(kept, name, value)
    kept.set_by, kept.set_at = by.id, at
    session.flush()
    audit.record(
        "contract.limits",
        actor=by.id,
        subject=f"contract/{contract.id}",
        at=at,
        organization=by.organization_id,
        detail=values,
    )
    return kept


# ── the meter ────────────────────────────────────────────────────────────────────────────────────────────────────────


def read_access_logs(*, at: datetime) -> reading.Reading:
    """Count what the access logs hold and was not counted yet.

    Safe to run twice and at any point of a crash: lines, usage and offsets are one transaction. Reads at most 128 MB a
    run, so that a long backlog is worked off in steps that are kept.
    """
    database.lock("metering")
    return reading.read(log_places.managed(), at=at, ahead=clock_ahead())


def read_place_log(place_id: str, *, at: datetime) -> None:
    """Count what the access log of a holder's own bucket holds and was not counted yet. Safe to run twice.

    Its lines count for links to files there alone (see `metering`). A month's close waits with the contracts of links
    to it (`queries.logs_awaited`) and with nobody else's; what comes later still is an adjustment.
    """
    place = session.get(StoragePlace, place_id)
    if place is None or place.state == "closed" or place.log_location is None:
        return
    database.lock(f"metering/{place.id}")
    if reading.read(log_places.of_place(place), at=at, ahead=clock_ahead()).is_complete:
        place.log_read_at = at


# ── identities ───────────────────────────────────────────────────────────────────────────────────────────────────────


def revoke_identities(*, at: datetime) -> list[str]:
    """Deny the role sessions of contracts that ended while links of theirs still run (see `revoking`); their ids."""
    real_at = at - clock_ahead()
    first_id = id_at(real_at - timedelta(seconds=rules.LIFETIME_SECONDS_MAX + 60))
    return revoking.revoke_ended(at=at, real_at=real_at, first_id=first_id)
