"""Work is done once, tried again when it fails, and never by two at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select

from exchange import clock, database, jobs


@pytest.fixture
def done(db: Any) -> Iterator[list[dict[str, Any]]]:
    seen: list[dict[str, Any]] = []
    jobs.HANDLERS["note"] = lambda payload, *, at: seen.append(payload)
    yield seen
    del jobs.HANDLERS["note"]


def queue(**payload: Any) -> None:
    with database.transaction():
        jobs.enqueue("note", payload, at=clock.now(), key=payload.get("key"))


def test_queued_work_is_done_once(done: list[Any]) -> None:
    queue(n=1)

    assert jobs.run_all_tasks() == 1
    assert jobs.run_all_tasks() == 0
    assert done == [{"n": 1}]


def test_work_with_the_same_key_waits_only_once(done: list[Any]) -> None:
    queue(key="k")
    queue(key="k")

    assert jobs.run_all_tasks() == 1


def test_work_of_a_deed_that_was_undone_is_never_done(done: list[Any]) -> None:
    with pytest.raises(RuntimeError), database.transaction():
        jobs.enqueue("note", {}, at=clock.now())
        raise RuntimeError

    assert jobs.run_all_tasks() == 0


def test_work_that_fails_leaves_nothing_behind_and_waits_to_be_tried_again(db: Any) -> None:
    def fail(payload: Any, *, at: Any) -> None:
        db.add(jobs.JobRun(name="half-done", started_at=at))
        db.flush()
        raise RuntimeError("no")

    jobs.HANDLERS["fail"] = fail
    with database.transaction():
        jobs.enqueue("fail", {}, at=clock.now())

    assert jobs.run_all_tasks() == 1

    task = db.scalars(select(jobs.Task)).one()
    assert task.attempts == 1 and task.done_at is None and task.due_at > clock.now()
    assert db.get(jobs.JobRun, "half-done") is None


def test_a_periodic_job_that_fails_says_so_and_keeps_its_last_success(db: Any) -> None:
    answers = iter([None, RuntimeError("broken pipe")])

    def sometimes(*, at: Any) -> None:
        if error := next(answers):
            raise error

    jobs.PERIODIC["sometimes"] = jobs.PeriodicJob("sometimes", 1, "", sometimes)
    assert jobs.run_periodic("sometimes")
    assert not jobs.run_periodic("sometimes")
    del jobs.PERIODIC["sometimes"]

    run = db.get(jobs.JobRun, "sometimes")
    assert run.failures == 1 and "broken pipe" in run.last_error and run.succeeded_at < run.finished_at
