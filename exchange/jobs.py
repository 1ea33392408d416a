"""Timed and queued work. The clock only ticks; the database decides who runs and what is left to do.

A periodic job takes an advisory lock of its name and runs an action that is safe to run twice. Queued work is rows,
taken with FOR UPDATE SKIP LOCKED by workers: a worker that dies gives its row back by dying.
"""

import logging
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import DDL, Index, delete, event, func, select
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from exchange import clock, database
from exchange.database import Base, Id, new_id, session
from exchange.errors import Words

log = logging.getLogger("exchange.jobs")
ATTEMPTS_MAX = 5

Periodic = Callable[..., object]
Handler = Callable[..., None]


class Task(Base):
    """A piece of queued work; gone from the queue when `done_at` or `failed_at` is set."""

    __tablename__ = "task"
    __table_args__ = (
        Index("ix_task_waiting", "due_at", postgresql_where="done_at IS NULL AND failed_at IS NULL"),
        Index("uq_task_key", "key", unique=True, postgresql_where="done_at IS NULL AND failed_at IS NULL"),
    )

    id: Mapped[Id]
    kind: Mapped[str]
    key: Mapped[str | None]
    payload: Mapped[dict[str, Any]]
    due_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    done_at: Mapped[datetime | None]
    failed_at: Mapped[datetime | None]
    last_error: Mapped[str | None]


class JobRun(Base):
    """The last run of one periodic job, for the operations page."""

    __tablename__ = "job_run"

    name: Mapped[str] = mapped_column(primary_key=True)
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    succeeded_at: Mapped[datetime | None]
    milliseconds: Mapped[int | None]
    failures: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str | None]


# Workers sleep on a notification, so that queued work starts at once and an idle house is idle.
event.listen(
    Task.__table__,
    "after_create",
    DDL("""
CREATE OR REPLACE FUNCTION task_announce() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN PERFORM pg_notify('task', NEW.kind); RETURN NULL; END $$;
CREATE TRIGGER task_announce AFTER INSERT ON task FOR EACH ROW EXECUTE FUNCTION task_announce();
"""),
)


@dataclass(frozen=True)
class PeriodicJob:
    """A job of the clock: what to run how often (seconds), and its title for people."""

    name: str
    seconds: float
    title: Words
    run: Periodic


PERIODIC: dict[str, PeriodicJob] = {}
HANDLERS: dict[str, Handler] = {}


def periodic(name: str, *, seconds: float, title: Words) -> Callable[[Periodic], Periodic]:
    """Register `f(*, at)` to run every so many seconds, each run one transaction, never two at once."""

    def register(run: Periodic) -> Periodic:
        PERIODIC[name] = PeriodicJob(name, seconds, title, run)
        return run

    return register


def handler(kind: str) -> Callable[[Handler], Handler]:
    """Register `f(payload, *, at)` for queued work of a kind, each piece one transaction."""

    def register(run: Handler) -> Handler:
        HANDLERS[kind] = run
        return run

    return register


def enqueue(kind: str, payload: dict[str, Any], *, at: datetime, key: str | None = None) -> None:
    """Queue work with the deed that causes it; with a key, once while the same key still waits."""
    row = {"id": new_id(), "kind": kind, "key": key, "payload": payload, "due_at": at, "attempts": 0}
    session.flush()
    session.execute(insert(Task).values(row).on_conflict_do_nothing())


def enqueue_each(kind: str, payloads: Sequence[dict[str, Any]], *, at: datetime) -> None:
    """Queue many pieces of work of a kind, in one statement."""
    rows = [{"id": new_id(), "kind": kind, "payload": payload, "due_at": at, "attempts": 0} for payload in payloads]
    if rows:
        session.execute(insert(Task), rows)


_said: dict[str, str] = {}


def run_periodic(name: str) -> bool:
    """Run one periodic job now unless another process is at it; whether it worked. Errors are kept and logged."""
    job = PERIODIC[name]
    started, clock_start = clock.now(), time.perf_counter()
    error: str | None = None
    try:
        with database.transaction():
            if not database.try_lock(f"job/{name}"):
                return True
            job.run(at=started)
    except Exception as raised:
        error = f"{type(raised).__name__}: {str(raised)[:300]}"
        known, _said[name] = _said.get(name), error
        # A job that fails every second for the same reason tells where it failed once.
        trace = {} if known == error else {"trace": traceback.format_exc()[-2000:]}
        log.error("job failed", extra={"job": name, "error": error} | trace)
    finally:
        session.remove()
    _note_run(name, started, int((time.perf_counter() - clock_start) * 1000), error)
    return error is None


def _note_run(name: str, started: datetime, milliseconds: int, error: str | None) -> None:
    finished = clock.now()
    row: dict[str, Any] = {"name": name, "started_at": started, "finished_at": finished, "milliseconds": milliseconds}
    row |= {"last_error": error} | ({} if error else {"succeeded_at": finished})
    note = insert(JobRun).values(failures=1 if error else 0, **row)
    failures = JobRun.failures + 1 if error else 0
    with database.own_transaction() as beside:
        # Losing the last second of "last run" in a crash harms nobody; an fsync a second for it would.
        beside.execute(sql("SET LOCAL synchronous_commit = off"))
        beside.execute(note.on_conflict_do_update(index_elements=["name"], set_={**row, "failures": failures}))


def run_next_task() -> bool:
    """Take one waiting piece of work and do it; False when there was none."""
    at = clock.now()
    try:
        with database.transaction():
            task = _claim(at)
            if task is None:
                return False
            _attempt(task, at)
    finally:
        session.remove()
    return True


def _claim(at: datetime) -> Task | None:
    waiting = select(Task).where(Task.done_at.is_(None), Task.failed_at.is_(None), Task.due_at <= at)
    return session.scalars(waiting.order_by(Task.due_at).limit(1).with_for_update(skip_locked=True)).first()


def _attempt(task: Task, at: datetime) -> None:
    task.attempts += 1
    try:
        with session.begin_nested():
            HANDLERS[task.kind](task.payload, at=at)
        task.done_at = clock.now()
    except Exception as raised:
        task.last_error = f"{type(raised).__name__}: {str(raised)[:300]}"
        log.error(
            "task failed", extra={"task": task.kind, "error": task.last_error, "trace": traceback.format_exc()[-2000:]}
        )
        task.due_at = clock.now() + timedelta(seconds=5 * 4**task.attempts)
        if task.attempts >= ATTEMPTS_MAX:
            task.failed_at = clock.now()


def run_all_tasks() -> int:
    """Work until nothing waits; how many pieces were done (for tests and the demo)."""
    done = 0
    while run_next_task():
        done += 1
    return done


def waiting_count() -> int:
    """How many pieces of work wait."""
    return session.scalar(select(func.count()).where(Task.done_at.is_(None), Task.failed_at.is_(None))) or 0


def runs() -> list[tuple[PeriodicJob, JobRun | None]]:
    """Every periodic job with its last run, by name."""
    found = {run.name: run for run in session.scalars(select(JobRun))}
    return [(job, found.get(name)) for name, job in sorted(PERIODIC.items())]


@contextmanager
def announcements() -> Iterator[Callable[[float], None]]:
    """A function that sleeps until work is announced, or for so many seconds at most."""
    import psycopg

    address = database.engine().url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address, autocommit=True) as listener:
        listener.execute("LISTEN task")

        def wait(seconds: float) -> None:
            for _ in listener.notifies(timeout=seconds, stop_after=1):
                pass

        yield wait


def forget_done(*, before: datetime) -> None:
    """Drop pieces of work that were done before a moment."""
    session.execute(delete(Task).where(Task.done_at < before))
