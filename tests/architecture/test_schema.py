"""Migrations and models tell the same story."""

from __future__ import annotations

from typing import Any

import psycopg
from sqlalchemy import create_engine

from tests.services import url_of

SHAPE = """
SELECT 'column', table_name || '.' || column_name, data_type || ' ' || is_nullable || ' ' || coalesce(column_default, '')
FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> 'alembic_version'
UNION ALL SELECT 'index', indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename <> 'alembic_version'
UNION ALL SELECT 'constraint', conrelid::regclass || '.' || conname, pg_get_constraintdef(oid)
FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND conrelid <> 0
  AND conrelid::regclass::text <> 'alembic_version'
UNION ALL SELECT 'trigger', tgrelid::regclass || '.' || tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
UNION ALL SELECT 'function', proname, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace
UNION ALL SELECT 'sequence', sequencename, start_value || ' ' || increment_by || ' ' || cycle FROM pg_sequences
UNION ALL SELECT 'persistence', relname, relpersistence::text FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname <> 'alembic_version'
"""


def shape_of(database: str) -> set[tuple[str, str, str]]:
    with psycopg.connect(url_of(database)) as connection:
        return {(kind, name, " ".join(text.split())) for kind, name, text in connection.execute(SHAPE)}


def recreate(name: str) -> None:
    with psycopg.connect(url_of("postgres"), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {name}")


def test_the_migrations_make_what_the_models_say(app: Any, worker_id: str) -> None:
    """Tables, constraints, indexes, triggers and functions, all the same either way; and migrating twice is harmless."""
    from exchange import database, schema

    migrated, modelled = f"t_migrated_{worker_id}", f"t_modelled_{worker_id}"
    for name in (migrated, modelled):
        recreate(name)
    for _ in range(2):
        schema.upgrade_at(url_of(migrated, "postgresql+psycopg"))
    engine = create_engine(url_of(modelled, "postgresql+psycopg"))
    database.Base.metadata.create_all(engine)
    engine.dispose()

    assert shape_of(migrated) ^ shape_of(modelled) == set()


def test_there_is_one_newest_migration(app: Any) -> None:
    from alembic.script import ScriptDirectory

    from exchange import schema

    assert ScriptDirectory.from_config(schema.alembic_config("postgresql://")).get_heads() == [schema.head()]
