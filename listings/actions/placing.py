"""A holder's own storage places: registered, checked over the wire by a job, changed, closed.

→ checking ──check──> usable | refused ──change, look again──> checking
  any ──close──> closed, its secret gone
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select

from exchange import audit, database, jobs, outside, vault
from exchange.config import config
from exchange.database import new_id, session
from exchange.errors import Conflict, Forbidden, Invalid, Words, WrongState, text
from exchange.identity import actions as identity
from exchange.identity import throttle
from exchange.identity.models import Member
from listings import checking, held, places, queries
from listings.models import File, Release, StoragePlace

FIELDS = ("name", "kind", "endpoint_url", "region", "bucket", "prefix", "probe_key", "role_arn", "access_key")
LOOKS_A_MINUTE = 20  # of one organization: each asks another machine several questions
CHANGED = ("name", "probe_key", "role_arn", "access_key", "accepts_wide", "log_source", "log_location")


def register_place(fields: Mapping[str, Any], *, by: Member, at: datetime) -> StoragePlace:
    """place: → checking. A bucket of the holder's own under one prefix; a job looks at it over the wire.

    Refuses: others than owners, organizations not verified (`Forbidden`), the exchange's own bucket, addresses that
    are not on the internet, and whatever else cannot be taken, all at once (`Invalid`). The secret is sealed here.
    """
    _must_own(by)
    given = _tidied(fields)
    wrong = places.problems_of(given) | _address_problems(given) | _own_bucket_problems(given)
    database.lock(f"places/{by.organization_id}")
    if queries.open_places_count(by.organization_id) >= places.PLACES_MAX:
        wrong["name"] = [text("登録できる保管場所は%(max)s件までです。", max=places.PLACES_MAX)]
    if wrong:
        raise Invalid(wrong)
    place = StoragePlace(id=new_id(), organization_id=by.organization_id, created_at=at, created_by=by.id, checks=[])
    for name in (*FIELDS, "log_source", "log_location"):
        setattr(place, name, given.get(name))
    place.accepts_wide = bool(given.get("accepts_wide"))
    if place.kind == "role":
        place.external_id, place.access_key = f"nkd-{secrets.token_hex(16)}", None
    else:
        place.role_arn, place.secret_sealed = None, vault.seal(given["secret_key"], of=held.owner_of(place))
    session.add(place)
    session.flush()
    throttle.take(f"places/{by.organization_id}", limit=LOOKS_A_MINUTE)
    _look(place, at)
    _record("place.register", place, by, at, {"bucket": place.bucket, "prefix": place.prefix, "kind": place.kind})
    return place


def change_place(place: StoragePlace, fields: Mapping[str, Any], *, by: Member, at: datetime) -> StoragePlace:
    """place: usable or refused → checking. Another key or role, the log, the name; where it is stays as it is.

    A secret that is left out stays; refuses what `register_place` refuses, and closed places (`WrongState`).
    """
    _must_own(by)
    _hold(place)
    given = _tidied({name: getattr(place, name) for name in (*FIELDS, *CHANGED)} | _given(fields))
    kept_secret = place.kind == "key" and not given.get("secret_key") and given["access_key"] == place.access_key
    wrong = places.problems_of(given | ({"secret_key": "-" * 16} if kept_secret else {}))
    if wrong:
        raise Invalid(wrong)
    for name in CHANGED:
        setattr(place, name, given.get(name))
    place.accepts_wide = bool(given.get("accepts_wide"))
    if place.kind == "role":
        place.access_key = None
    else:
        place.role_arn = None
        if not kept_secret:
            place.secret_sealed = vault.seal(given["secret_key"], of=held.owner_of(place))
    place.is_logged = False
    throttle.take(f"places/{by.organization_id}", limit=LOOKS_A_MINUTE)
    _look(place, at)
    _record("place.change", place, by, at, {"secret": "kept" if kept_secret else "renewed"})
    return place


def look_again(place: StoragePlace, *, by: Member, at: datetime) -> StoragePlace:
    """Have a place checked once more, now; nothing of it changes until that is done."""
    _must_own(by)
    throttle.take(f"places/{by.organization_id}", limit=LOOKS_A_MINUTE)
    _hold(place)
    jobs.enqueue("check-place", {"place_id": place.id}, at=at, key=f"check-place/{place.id}")
    _record("place.look_again", place, by, at)
    return place


def close_place(place: StoragePlace, *, by: Member, at: datetime) -> None:
    """place: any → closed; its secret is deleted. Refuses while files are offered from it (`Conflict`)."""
    _must_own(by)
    _hold(place)
    offered = select(func.count()).select_from(File).join(Release, Release.id == File.release_id)
    offered = offered.where(File.place_id == place.id, File.removed_at.is_(None), File.recalled_at.is_(None))
    if count := session.scalar(offered.where(File.state != "refused")) or 0:
        raise Conflict(
            text(
                "この保管場所のファイルが%(n)s件、掲載に使われています。先にそのファイルを取り除くか、回収してください。",
                n=count,
            )
        )
    place.state, place.secret_sealed, place.is_logged = "closed", None, False
    session.flush()
    _record("place.close", place, by, at)


def check_place(place_id: str, *, at: datetime) -> None:
    """Look at a place over the wire and keep what was found. Its holder is told of a change for the worse."""
    place = session.get(StoragePlace, place_id)
    if place is None or place.state == "closed":
        return
    before = (place.state, place.is_logged)
    found = checking.look(place)
    session.refresh(place, with_for_update=True)
    if place.state == "closed":
        return
    place.checks, place.checked_at = found.results, at
    place.state = places.state_after(found.results, accepts_wide=place.accepts_wide)
    place.log_source = place.log_source or found.log_source
    place.log_location = place.log_location or found.log_location
    place.is_logged = place.state == "usable" and places.is_logged(found.results) and place.log_location is not None
    session.flush()
    _record("place.check", place, None, at, {"state": place.state, "logged": place.is_logged})
    if (before[0] == "usable" and place.state != "usable") or (before[1] and not place.is_logged):
        _tell(place, at)


def check_places(*, at: datetime) -> None:
    """Have places in use looked at again a day after the last time."""
    for place_id in queries.open_place_ids(checked_before=at - timedelta(days=1)):
        jobs.enqueue("check-place", {"place_id": place_id}, at=at, key=f"check-place/{place_id}")


def _must_own(by: Member) -> None:
    if by.is_operator or "owner" not in by.roles:
        raise Forbidden(text("保管場所の登録と変更は、組織の責任者が行えます。"))
    if not by.organization.is_verified:
        raise Forbidden(text("組織の確認が済んでいないため、保管場所を登録できません。"))


def _hold(place: StoragePlace) -> None:
    session.flush()
    session.refresh(place, with_for_update=True)
    if place.state == "closed":
        raise WrongState(text("この保管場所の登録は終了しています。"), state="closed", allowed=[])


def _look(place: StoragePlace, at: datetime) -> None:
    place.state = "checking"
    session.flush()
    jobs.enqueue("check-place", {"place_id": place.id}, at=at, key=f"check-place/{place.id}")


def _given(fields: Mapping[str, Any]) -> dict[str, Any]:
    known = (*CHANGED, "secret_key")
    return {name: fields[name] for name in known if name in fields}


def _tidied(fields: Mapping[str, Any]) -> dict[str, Any]:
    tidy = {name: value.strip() if isinstance(value, str) else value for name, value in fields.items()}
    if isinstance(tidy.get("endpoint_url"), str):
        tidy["endpoint_url"] = str(tidy["endpoint_url"]).rstrip("/").lower()
    for name in ("endpoint_url", "log_source", "log_location", "role_arn", "access_key"):
        tidy[name] = tidy.get(name) or None
    return tidy


def _address_problems(given: Mapping[str, Any]) -> dict[str, list[Words]]:
    if not given.get("endpoint_url"):
        return {}
    if given.get("kind") == "role" and not config().private_buckets:  # a store beside the operator's own STS
        return {"endpoint_url": [text("ロールはAWSのバケットにだけ使えます。接続先は空欄にしてください。")]}
    why = outside.complaint(given["endpoint_url"])
    return {"endpoint_url": [why]} if why else {}


def _own_bucket_problems(given: Mapping[str, Any]) -> dict[str, list[Words]]:
    c = config()
    ours = {None, c.s3_endpoint_url, c.s3_public_url} if not c.s3_endpoint_url else {c.s3_endpoint_url, c.s3_public_url}
    if given.get("bucket") == c.s3_bucket and given.get("endpoint_url") in ours:
        return {"bucket": [text("取引市場が預かる保管庫は、自分の保管場所として登録できません。")]}
    return {}


def _tell(place: StoragePlace, at: datetime) -> None:
    bad = [f"・{each['title']}: {each['words']}" for each in places.told(place.checks) if not each["passed"]]
    identity.notify(
        organization_id=place.organization_id,
        roles=["owner", "data_officer"],
        title=text("保管場所の確認で問題が見つかりました: %(name)s", name=place.name),
        body=text("次の項目を直してください。\n%(items)s", items="\n".join(bad)),
        path=f"/desk/places/{place.id}",
        at=at,
    )


def _record(
    deed: str, place: StoragePlace, by: Member | None, at: datetime, detail: dict[str, Any] | None = None
) -> None:
    audit.record(
        deed,
        actor=by.id if by else None,
        subject=f"place/{place.id}",
        at=at,
        organization=place.organization_id,
        detail=detail,
    )
