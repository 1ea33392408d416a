"""Files of a draft release: announced, sent straight to the store, completed, described, taken out."""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import select

from exchange import jobs, storage
from exchange.database import new_id, session
from exchange.errors import N_, Conflict, Invalid, NotFound, Words, WrongState, text
from exchange.identity.models import Member
from listings import places, queries, registries, rules, uploads
from listings.actions.drafting import locked, must_prepare, note
from listings.models import File, Listing, Release, StoragePlace

MEDIA_TYPE = re.compile(
    r"[A-Za-z0-9][\w.+-]{0,99}/[A-Za-z0-9][\w.+-]{0,99}( *; *[\w-]{1,30}=[\w.\"-]{1,60})?", re.ASCII
)


class UploadMissing(Conflict):
    """The bytes have not arrived in the store."""

    title_ja = N_("ファイルがまだ届いていません")


def add_file(
    listing: Listing, *, name: str, size: int, media_type: str, multipart: bool, by: Member, at: datetime
) -> File:
    """Announce a file for the draft release. One of the same name that was refused or never arrived is replaced.

    Refuses: listings without a draft release (`WrongState`), names, sizes and media types that cannot be taken, names
    that are there already, too many files (`Invalid`).
    """
    locked(listing)
    must_prepare(by, listing)
    release = draft_release(listing)
    problems = _problems(name, size, media_type, multipart)
    kept = _files_of(release)
    same = [file for file in kept if file.name == name]
    if any(file.state in ("reading", "ready") for file in same):
        problems["name"] = [text("同じ名前のファイルがあります。先にそのファイルを取り除くか、名前を変えてください。")]
    if len(kept) - len(same) >= rules.FILES_PER_RELEASE_MAX:
        problems["name"] = [text("1つの版に入れられるファイルは%(max)s件までです。", max=rules.FILES_PER_RELEASE_MAX)]
    if problems:
        raise Invalid(problems)
    for replaced in same:
        _take_out(replaced, at)
    return _announce(release, name=name, size=size, media_type=media_type, multipart=multipart, by=by, at=at)


def add_held_files(
    listing: Listing, place: StoragePlace, keys: Sequence[str], *, by: Member, at: datetime
) -> list[File]:
    """file: → reading. Objects that stay in their holder's own bucket become files of the draft release; all or none.

    A job reads each there once. Refuses: places of others (`NotFound`) or not usable (`WrongState`), keys outside the
    place's prefix, names that are there already, too many files, and places whose log is off where the listing is sold
    by use (`Invalid`).
    """
    locked(listing)
    must_prepare(by, listing)
    release = draft_release(listing)
    if place.organization_id != listing.provider_id:
        raise NotFound()
    if place.state != "usable":
        raise WrongState(
            text("この保管場所はまだ使えません。保管場所のページで、確認の結果を見てください。"), state=place.state
        )
    wanted = list(dict.fromkeys(key.strip() for key in keys if key.strip()))
    kept = _files_of(release)
    if problems := _held_problems(listing, place, wanted, kept):
        raise Invalid({"keys": problems})
    for replaced in kept:
        if replaced.name in {_name_of(key) for key in wanted}:
            _take_out(replaced, at)
    made = [_hold_object(release, place, key, by, at) for key in wanted]
    note(listing, "hold_files", by=by, at=at, detail={"place": place.id, "keys": wanted})
    return made


def _held_problems(listing: Listing, place: StoragePlace, keys: Sequence[str], kept: Sequence[File]) -> list[Words]:
    names = [_name_of(key) for key in keys]
    there = {file.name for file in kept if file.state in ("reading", "ready")}
    outside = [key for key in keys if not places.is_under(key, place.prefix) or not rules.is_file_name(_name_of(key))]
    twice = sorted({name for name in names if name in there or names.count(name) > 1})
    others = [file for file in kept if file.name not in names]
    problems: list[Words] = []
    if not 1 <= len(keys) <= places.KEYS_AT_ONCE_MAX:
        problems.append(text("キーを1行に1つ、1件から%(max)s件まで入力してください。", max=places.KEYS_AT_ONCE_MAX))
    if outside:
        shown = "、".join(outside)[:200]
        words = text(
            "登録した場所（%(prefix)s）の中にないか、使えないキーです: %(keys)s", prefix=place.prefix, keys=shown
        )
        problems.append(words)
    if twice:
        problems.append(text("同じ名前のファイルがあります: %(names)s", names="、".join(twice)[:200]))
    if len(others) + len(keys) > rules.FILES_PER_RELEASE_MAX:
        problems.append(text("1つの版に入れられるファイルは%(max)s件までです。", max=rules.FILES_PER_RELEASE_MAX))
    if not place.is_logged and any(sold(listing.id) for sold in registries.SOLD_BY_USE):
        problems.append(
            text(
                "この掲載には使った分だけ払う提供条件があるため、アクセスログが止まっている保管場所「%(name)s」のファイルは加えられません。",
                name=place.name,
            )
        )
    return problems


def _name_of(key: str) -> str:
    return key.rpartition("/")[2]


def _hold_object(release: Release, place: StoragePlace, key: str, by: Member, at: datetime) -> File:
    media_type = mimetypes.guess_type(_name_of(key))[0] or "application/octet-stream"
    file = _announce(release, name=_name_of(key), size=0, media_type=media_type, multipart=False, by=by, at=at)
    file.place_id, file.object_key, file.state = place.id, key, "reading"
    session.flush()
    jobs.enqueue("inspect-file", {"file_id": file.id}, at=at, key=f"inspect-file/{file.id}")
    return file


def _problems(name: str, size: int, media_type: str, multipart: bool) -> dict[str, list[Words]]:
    problems: dict[str, list[Words]] = {}
    if not rules.is_file_name(name):
        maximum = rules.FILE_NAME_LENGTH_MAX
        problems["name"] = [
            text('ファイル名は%(max)s文字以内で、/ \\ : * ? " < > | を含めないでください。', max=maximum)
        ]
    if not 0 <= size <= rules.FILE_SIZE_MAX:
        problems["size"] = [text("1つのファイルは100 GBまでです。")]
    elif size > rules.PUT_SIZE_MAX and not multipart:
        problems["size"] = [text("5 GBを超えるファイルは、分割して送ってください(multipart)。")]
    if not MEDIA_TYPE.fullmatch(media_type):
        problems["media_type"] = [text("形式は text/csv のように入力してください。")]
    return problems


def _announce(
    release: Release, *, name: str, size: int, media_type: str, multipart: bool, by: Member, at: datetime
) -> File:
    file_id = new_id()
    file = File(
        id=file_id,
        listing_id=release.listing_id,
        release_id=release.id,
        name=name,
        media_type=media_type,
        size=size,
        multipart=multipart,
        upload_key=uploads.upload_key(file_id),
        created_at=at,
        created_by=by.id,
        findings=[],
    )
    session.add(file)
    session.flush()
    return file


def draft_release(listing: Listing) -> Release:
    """The release of a locked listing that may still change; raises `WrongState` when there is none."""
    query = select(Release).where(Release.listing_id == listing.id, Release.state != "published")
    release = session.scalars(query.execution_options(populate_existing=True)).one_or_none()
    if listing.state == "withdrawn" or release is None or release.state != "draft":
        raise WrongState(
            text(
                "変更できる版がありません。公開した版は変わりません。新しい版を作成するか、審査の結果をお待ちください。"
            ),
            state=release.state if release and listing.state != "withdrawn" else listing.state,
            allowed=rules.deeds(listing.state, release.state if release else None),
        )
    return release


def _files_of(release: Release) -> list[File]:
    return list(session.scalars(select(File).where(File.release_id == release.id, File.removed_at.is_(None))))


def begin_parts(file: File, *, numbers: Sequence[int], restart: bool, by: Member, at: datetime) -> File:
    """Have the store ready for the parts of a file; with `restart`, from the beginning.

    The row was written before the store is asked, so an upload begun in vain is found by its key and swept up.
    """
    listing = queries.listing_by_id(file.listing_id)
    must_prepare(by, listing)
    _hold(file)
    if not file.multipart:
        raise Invalid({"numbers": [text("このファイルは分割せずに送る予定になっています。")]})
    if file.state != "uploading":
        raise WrongState(
            text("このファイルはすでに届いています。"), state=file.state, allowed=rules.allowed(rules.FILE, file.state)
        )
    count = uploads.part_count(file)
    if not numbers or not all(1 <= number <= count for number in numbers):
        raise Invalid({"numbers": [text("パートの番号は1から%(max)sまでです。", max=count)]})
    if restart and file.upload_id:
        storage.abort_multipart(file.upload_key, upload_id=file.upload_id)
        file.upload_id = None
    if file.upload_id is None:
        file.upload_id = storage.start_multipart(file.upload_key, media_type=file.media_type)
        session.flush()
    return file


def complete(file: File, *, parts: Sequence[tuple[int, str]], by: Member, at: datetime) -> File:
    """file: uploading → reading. The bytes have arrived; what they are is found by a job. Twice changes nothing.

    Refuses: bytes that never arrived (`UploadMissing`), parts that the store does not have.
    """
    listing = queries.listing_by_id(file.listing_id)
    must_prepare(by, listing)
    _hold(file)
    if file.state in ("reading", "ready"):
        return file
    state = rules.after(rules.FILE, file.state, "complete")
    _arrived(file, parts)
    file.state = state
    jobs.enqueue("inspect-file", {"file_id": file.id}, at=at, key=f"inspect-file/{file.id}")
    return file


def _hold(file: File) -> None:
    session.flush()
    session.refresh(file, attribute_names=["state", "upload_id"], with_for_update=True)


def _arrived(file: File, parts: Sequence[tuple[int, str]]) -> None:
    """Join the parts, unless a try before this one did; then the object must be there."""
    there = storage.head(file.upload_key)
    if there is None and file.multipart:
        _join(file, parts)
        there = storage.head(file.upload_key)
    if there is None:
        raise UploadMissing(text("ファイルの中身がまだ保管庫に届いていません。送り終えてから完了してください。"))


def _join(file: File, parts: Sequence[tuple[int, str]]) -> None:
    count = uploads.part_count(file)
    if sorted(number for number, _ in parts) != list(range(1, count + 1)):
        raise Invalid({"parts": [text("パートは1から%(max)sまで、すべてを1回ずつ指定してください。", max=count)]})
    if file.upload_id is None:
        raise UploadMissing(text("アップロードがまだ始まっていません。"))
    storage.complete_multipart(file.upload_key, upload_id=file.upload_id, parts=parts)


def describe_file(
    file: File,
    *,
    notes: Mapping[str, str] | None = None,
    released_rows: int | None = None,
    released_columns: Sequence[str] | None = None,
    by: Member,
    at: datetime,
) -> File:
    """Say what columns mean, and which rows and columns of the sample anyone may see. None leaves as it is.

    Refuses: published releases, columns that are not there, and the sample of columns that look like personal data.
    """
    listing = queries.listing_by_id(file.listing_id)
    locked(listing)
    must_prepare(by, listing)
    if draft_release(listing).id != file.release_id:
        raise WrongState(text("公開した版のファイルは変更できません。"), state="published", allowed=["release"])
    names = [str(column["name"]) for column in file.columns]
    if notes is not None:
        file.column_notes = _notes(notes, names)
    if released_columns is not None:
        _may_be_shown(file, released_columns, names)
        file.released_columns = [name for name in names if name in set(released_columns)]
    if released_rows is not None:
        if not 0 <= released_rows <= min(rules.PREVIEW_ROWS_MAX, len(file.sample)):
            maximum = min(rules.PREVIEW_ROWS_MAX, len(file.sample))
            raise Invalid({"released_rows": [text("見本として公開できるのは0行から%(max)s行です。", max=maximum)]})
        file.released_rows = released_rows
    session.flush()
    note(listing, "describe", by=by, at=at, file_id=file.id)
    return file


def _notes(notes: Mapping[str, str], names: Sequence[str]) -> dict[str, str]:
    unknown = [name for name in notes if name not in names]
    if unknown:
        raise Invalid({"columns": [text("このファイルにない列です: %(names)s", names="、".join(unknown)[:100])]})
    maximum = rules.COLUMN_DESCRIPTION_LENGTH_MAX
    if any(len(words) > maximum or not rules.printable(words) for words in notes.values()):
        raise Invalid({"columns": [text("列の説明は%(max)s文字以内で入力してください。", max=maximum)]})
    return {name: words.strip() for name, words in notes.items() if words.strip()}


def _may_be_shown(file: File, wanted: Sequence[str], names: Sequence[str]) -> None:
    unknown = [name for name in wanted if name not in names]
    if unknown:
        raise Invalid(
            {"released_columns": [text("このファイルにない列です: %(names)s", names="、".join(unknown)[:100])]}
        )
    suspicious = {finding.column for finding in queries.findings_of([file.id]).get(file.id, [])}
    if refused := [name for name in wanted if name in suspicious]:
        message = text("個人に関する値の可能性がある列は、見本に出せません: %(names)s", names="、".join(refused)[:100])
        raise Invalid({"released_columns": [message]})


def remove_file(file: File, *, by: Member, at: datetime) -> None:
    """Take a file out of a draft release; its bytes are deleted. Files of a published release are recalled instead."""
    listing = queries.listing_by_id(file.listing_id)
    locked(listing)
    must_prepare(by, listing)
    if draft_release(listing).id != file.release_id:
        raise WrongState(
            text("公開した版のファイルは取り除けません。出すべきでなかったファイルは回収してください。"),
            state="published",
            allowed=["recall"],
        )
    _take_out(file, at)
    note(listing, "remove_file", by=by, at=at, file_id=file.id, detail={"name": file.name})


def _take_out(file: File, at: datetime) -> None:
    file.removed_at = at
    session.flush()
    jobs.enqueue("discard-file", {"file_id": file.id}, at=at, key=f"discard-file/{file.id}")


def discard(file_id: str, *, at: datetime) -> None:
    """Delete the bytes of a file that was taken out of its draft. Safe to repeat."""
    file = session.get(File, file_id)
    if file is None or file.removed_at is None:
        return
    if file.upload_id:
        storage.abort_multipart(file.upload_key, upload_id=file.upload_id)
        file.upload_id = None
    if file.place_id is not None:  # what lies in a holder's own bucket is the holder's
        return
    for key in (file.upload_key, file.object_key, file.parquet_key):
        if key:
            storage.delete(key)


def sweep_uploads(*, at: datetime) -> int:
    """Take out files that were announced and never completed within a day; how many."""
    query = select(File).where(File.state == "uploading", File.removed_at.is_(None))
    stale = session.scalars(
        query.where(File.created_at <= at - uploads.KEPT_UNCOMPLETED).limit(500).with_for_update(skip_locked=True)
    ).all()
    for file in stale:
        _take_out(file, at)
    return len(stale)
