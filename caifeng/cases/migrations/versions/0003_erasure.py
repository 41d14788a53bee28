"""The wall round the words knows the law: what an event `erased` names may go, and nothing else."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        op.execute("DROP TRIGGER event_texts_no_delete")
        op.execute(
            "CREATE TRIGGER event_texts_no_delete BEFORE DELETE ON event_texts WHEN NOT EXISTS ("
            "SELECT 1 FROM events WHERE name = 'erased' AND json_extract(codes, '$.position') = OLD.position "
            "AND position > OLD.position) BEGIN SELECT RAISE(ABORT, 'the register is append-only'); END"
        )
        return
    schema = str(op.get_bind().scalar(sa.text("SELECT quote_ident(current_schema())")))
    op.execute("DROP TRIGGER event_texts_append_only ON event_texts")
    op.execute(
        "CREATE TRIGGER event_texts_append_only BEFORE UPDATE OR TRUNCATE ON event_texts "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
    op.execute(
        "CREATE FUNCTION refuse_unless_erased() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "IF EXISTS (SELECT 1 FROM SCHEMA.events WHERE name = 'erased' "
        "AND (codes ->> 'position')::integer = OLD.position AND position > OLD.position) THEN RETURN OLD; END IF; "
        "RAISE EXCEPTION 'the register is append-only'; END $$".replace("SCHEMA", schema)
    )
    op.execute(
        "CREATE TRIGGER event_texts_erasure BEFORE DELETE ON event_texts "
        "FOR EACH ROW EXECUTE FUNCTION refuse_unless_erased()"
    )
    # Runs with the owner's rights: a role that may only read and add can erase what is registered as erased.
    op.execute(
        "CREATE FUNCTION erase_words(place integer) RETURNS integer LANGUAGE plpgsql SECURITY DEFINER "
        "SET search_path = SCHEMA, pg_temp AS $$ DECLARE gone integer; BEGIN "
        "DELETE FROM event_texts WHERE position = place; GET DIAGNOSTICS gone = ROW_COUNT; RETURN gone; END $$".replace(
            "SCHEMA", schema
        )
    )
    op.execute("REVOKE ALL ON FUNCTION erase_words(integer) FROM PUBLIC")


def downgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        op.execute("DROP TRIGGER event_texts_no_delete")
        op.execute(
            "CREATE TRIGGER event_texts_no_delete BEFORE DELETE ON event_texts "
            "BEGIN SELECT RAISE(ABORT, 'the register is append-only'); END"
        )
        return
    op.execute("DROP FUNCTION erase_words(integer)")
    op.execute("DROP TRIGGER event_texts_erasure ON event_texts")
    op.execute("DROP FUNCTION refuse_unless_erased()")
    op.execute("DROP TRIGGER event_texts_append_only ON event_texts")
    op.execute(
        "CREATE TRIGGER event_texts_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON event_texts "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
