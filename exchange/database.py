"""The one database: session, transaction at the edge, ids, paging, locks."""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Annotated, Any, Generic, TypeVar

import psycopg
from psycopg.rows import namedtuple_row
from sqlalchemy import ClauseElement, DateTime, Engine, MetaData, Select, String, create_engine, inspect, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlalchemy.orm import (
    DeclarativeBase,
    InstrumentedAttribute,
    Session,
    make_transient_to_detached,
    mapped_column,
    scoped_session,
    sessionmaker,
)
from sqlalchemy.types import TypeDecorator

from exchange import clock, errors
from exchange.config import config

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no i, l, o, u
_PAIRS = [first + second for first in ALPHABET for second in ALPHABET]


class Moment(TypeDecorator[datetime]):
    """A timestamp with time zone, given back in Japan's; refuses naive datetimes."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("a moment needs a time zone")
        return value

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        return value.astimezone(clock.JST) if value is not None else None


def new_id() -> str:
    """A fresh opaque id: 26 characters that sort by time of making, 80 of its bits random."""
    return _written(int(clock.real_now().timestamp() * 1000) << 80 | secrets.randbits(80))


def new_ids(count: int) -> list[str]:
    """So many of them, made together and in their order, so that an index takes them at its end."""
    made_at, random = int(clock.real_now().timestamp() * 1000) << 80, secrets.token_bytes(10 * count)
    return sorted(_written(made_at | int.from_bytes(random[n : n + 10], "big")) for n in range(0, 10 * count, 10))


def id_at(moment: datetime) -> str:
    """The least id that is made at a moment (real time): ids sort by it."""
    return _written(int(moment.timestamp() * 1000) << 80)


def _written(number: int) -> str:
    return "".join([_PAIRS[number >> shift & 1023] for shift in range(120, -1, -10)])


Id = Annotated[str, mapped_column(String(26), primary_key=True, default=new_id)]


class Base(DeclarativeBase):
    """Every table of the house."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: Moment(), dict[str, Any]: JSONB, list[Any]: JSONB, str: String}  # noqa: RUF012


@lru_cache(maxsize=1)
def engine() -> Engine:
    """The process's connection pool."""
    return create_engine(config().database_url, pool_size=10, max_overflow=10, pool_pre_ping=False, pool_recycle=600)


# Connections at rest on which every statement is a transaction of its own: as many as ever ran at once.
_at_rest: deque[psycopg.Connection[Any]] = deque()


def _connection() -> psycopg.Connection[Any]:
    try:
        return _at_rest.pop()
    except IndexError:
        address = config().database_url.replace("+psycopg", "", 1)
    try:
        return psycopg.connect(address, autocommit=True, row_factory=namedtuple_row)
    except psycopg.OperationalError as away:
        raise OperationalError("", None, away) from away


def dispose() -> None:
    """Close what this process holds open; the next statement connects anew."""
    engine().dispose()
    while _at_rest:
        _at_rest.pop().close()


session = scoped_session(sessionmaker(autoflush=True, expire_on_commit=False))


def connect() -> None:
    """Bind the session to the engine of this process (after a fork, never before)."""
    session.configure(bind=engine())


@contextmanager
def transaction() -> Iterator[None]:
    """One deed at the edge: returning commits, raising rolls back. The only place that commits."""
    try:
        yield
        if session.registry.has():
            session.commit()
    except BaseException:
        session.rollback()
        raise


def begin() -> None:
    """Have what follows be one transaction, also where its first statement could be one of its own (see `Quick`)."""
    session.connection()


@contextmanager
def own_transaction() -> Iterator[Session]:
    """A transaction beside the request's, for what must survive its refusal (a failed sign-in)."""
    with Session(engine()) as beside, beside.begin():
        yield beside


def reason_not_ready() -> str | None:
    """None when the database answers, else why it does not."""
    try:
        with own_transaction() as beside:
            beside.execute(text("SELECT 1"))
    except SQLAlchemyError as error:
        return f"database: {type(error).__name__}"
    return None


def lock(key: str) -> None:
    """Wait for, and hold until the transaction ends, the lock of that name."""
    session.execute(text("SELECT pg_advisory_xact_lock(:n)"), {"n": lock_number(key)})


def try_lock(key: str) -> bool:
    """Take the lock of that name until the transaction ends, or say at once that another holds it."""
    return bool(session.scalar(text("SELECT pg_try_advisory_xact_lock(:n)"), {"n": lock_number(key)}))


def lock_number(key: str) -> int:
    """The signed 64-bit number PostgreSQL knows a named lock by."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big", signed=True)


class Quick:
    """A statement compiled once and run on psycopg itself, without a flush before it.

    For the few that every link and every API request makes: SQLAlchemy adds 0.2 ms to each. It runs in the session's
    transaction where one is under way. Where none is, it is a transaction of its own, which spares BEGIN and COMMIT
    their way to the database and back: what it wrote is durable when it returns, and no refusal afterwards undoes it.
    Rows are named tuples; values are psycopg's own, so moments come in UTC. PostgreSQL plans it once for all values,
    or anew for each, where `plans_for_values`: a plan that does not know a word that is searched for may take twice as
    long.
    """

    def __init__(self, statement: ClauseElement | str, *, plans_for_values: bool = False) -> None:
        self._statement, self._sql = statement, ""
        self._prepares = False if plans_for_values else None  # None: as psycopg sees fit
        self._own: dict[str, Any] = {}  # values that the statement itself names

    def __call__(self, **values: Any) -> list[Any]:
        with self._connected() as connection:
            cursor = connection.cursor(row_factory=namedtuple_row)
            cursor.execute(self._sql, self._own | values if self._own else values, prepare=self._prepares)
            return list(cursor.fetchall()) if cursor.pgresult.nfields else []

    @contextmanager
    def meanwhile(self, **values: Any) -> Iterator[None]:
        """The database works at it while the block does something else; done, or raised, when the block ends."""
        with self._connected() as connection, connection.pipeline():
            connection.cursor().execute(self._sql, self._own | values)
            yield

    def _compile(self) -> None:
        if isinstance(self._statement, str):
            self._sql = self._statement
        else:
            compiled = self._statement.compile(dialect=engine().dialect)
            self._own = {name: value for name, value in compiled.params.items() if value is not None}
            self._sql = str(compiled)

    @contextmanager
    def _connected(self) -> Iterator[Any]:
        if not self._sql:
            self._compile()
        is_under_way = session.registry.has() and session().in_transaction()
        driver: Any = session.connection().connection.driver_connection if is_under_way else _connection()
        try:
            yield driver
        except BaseException as error:
            if not is_under_way:
                driver.close()
            if isinstance(error, psycopg.OperationalError):
                dispose()  # where this connection broke, those at rest are as old
                raise OperationalError(self._sql, None, error) from error
            raise
        if not is_under_way:
            _at_rest.append(driver)


def as_array(texts: Sequence[str]) -> str:
    """Texts as PostgreSQL writes an array of them: for ten thousand at once, which psycopg takes its time over."""
    joined = '","'.join(texts)
    if "\\" in joined or joined.count('"') != 2 * (len(texts) - 1):
        joined = '","'.join([each.replace("\\", "\\\\").replace('"', '\\"') for each in texts])
    return f'{{"{joined}"}}'


Entity = TypeVar("Entity")


def as_loaded(entity: type[Entity], values: dict[str, Any]) -> Entity:
    """An instance as if the session had just loaded it, from all of its column values and any related instances."""
    mapper = inspect(entity)
    known = session.identity_map.get(mapper.identity_key_from_primary_key((values["id"],)))
    if known is not None:
        return known
    instance: Entity = mapper.class_manager.new_instance()
    vars(instance).update(values)
    make_transient_to_detached(instance)
    session.add(instance)
    return instance


T = TypeVar("T")


@dataclass(frozen=True)
class Page(Generic[T]):
    """A page of a list, and the cursor of the next one if there is one."""

    items: Sequence[T]
    next_cursor: str | None


def page(
    query: Select[T],
    column: InstrumentedAttribute[str],
    *,
    limit: int = 20,
    cursor: str | None = None,
    oldest_first: bool = False,
) -> Page[T]:
    """The newest first, or the oldest: up to `limit` rows of a query, after the row the cursor names.

    The cursor is opaque to clients; one that was made up is `Invalid`.
    """
    if cursor:
        position = read_cursor(cursor)
        query = query.where(column > position if oldest_first else column < position)
    order = column.asc() if oldest_first else column.desc()
    rows = session.scalars(query.order_by(order).limit(limit + 1)).unique().all()
    last = getattr(rows[limit - 1], column.key) if len(rows) > limit else None
    return Page(rows[:limit], make_cursor(last) if last else None)


def make_cursor(position: str) -> str:
    """The opaque form of a position in a list."""
    return base64.urlsafe_b64encode(f"1:{position}".encode()).decode().rstrip("=")


def read_cursor(cursor: str) -> str:
    """The position a cursor stands for; raises `Invalid` when it is not one of ours."""
    try:
        version, _, position = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode().partition(":")
    except (binascii.Error, ValueError):
        version, position = "", ""
    if version != "1" or not position or len(position) > 200 or "\0" in position:
        raise errors.Invalid(
            {"cursor": [errors.text("カーソルが正しくありません。前の応答の next_cursor をそのまま指定してください。")]}
        )
    return position
