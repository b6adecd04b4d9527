"""What holds the audit chain in place, as revision 0001 makes it.

An entry can only be added behind the head row, whose number and hash it must carry on; the head row then moves by
itself and can move in no other way. Whoever owns the database can drop the triggers; the hashes then show what was
changed.
"""

_SQLITE = (
    # Refuses UPDATE; the next one DELETE, and REPLACE where `recursive_triggers` is on.
    """CREATE TRIGGER audit_entries_no_update BEFORE UPDATE ON audit_entries
    BEGIN SELECT RAISE(ABORT, 'audit entries are never changed'); END""",
    """CREATE TRIGGER audit_entries_no_delete BEFORE DELETE ON audit_entries
    BEGIN SELECT RAISE(ABORT, 'audit entries are never deleted'); END""",
    # Refuses REPLACE on any connection: it runs before SQLite looks for the row to replace.
    """CREATE TRIGGER audit_entries_follow_head BEFORE INSERT ON audit_entries
    WHEN NOT EXISTS (SELECT 1 FROM audit_head WHERE seq = NEW.seq - 1 AND hash = NEW.prev_hash)
    BEGIN SELECT RAISE(ABORT, 'an audit entry follows the newest one'); END""",
    """CREATE TRIGGER audit_entries_move_head AFTER INSERT ON audit_entries
    BEGIN UPDATE audit_head SET seq = NEW.seq, hash = NEW.hash; END""",
    """CREATE TRIGGER audit_head_moves_by_one BEFORE UPDATE ON audit_head
    WHEN NEW.id <> OLD.id OR NEW.seq <> OLD.seq + 1 OR NOT EXISTS (
        SELECT 1 FROM audit_entries WHERE seq = NEW.seq AND hash = NEW.hash)
    BEGIN SELECT RAISE(ABORT, 'the audit head moves with a new entry only'); END""",
    """CREATE TRIGGER audit_head_no_delete BEFORE DELETE ON audit_head
    BEGIN SELECT RAISE(ABORT, 'the audit head is never deleted'); END""",
    """CREATE TRIGGER audit_head_no_insert BEFORE INSERT ON audit_head
    BEGIN SELECT RAISE(ABORT, 'there is one audit head'); END""",
)

# A function's own search_path: a session with another one (a restore, say) must find the same tables.
_POSTGRES = (
    """CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
    BEGIN
        RAISE EXCEPTION 'the audit is only ever added to' USING ERRCODE = 'integrity_constraint_violation';
    END $$""",
    """CREATE FUNCTION audit_entries_follow_head() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
    BEGIN
        PERFORM 1 FROM audit_head WHERE seq = NEW.seq - 1 AND hash = NEW.prev_hash FOR UPDATE;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'an audit entry follows the newest one' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NEW;
    END $$""",
    """CREATE FUNCTION audit_entries_move_head() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
    BEGIN
        UPDATE audit_head SET seq = NEW.seq, hash = NEW.hash;
        RETURN NULL;
    END $$""",
    """CREATE FUNCTION audit_head_moves_by_one() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
    BEGIN
        PERFORM 1 FROM audit_entries WHERE seq = NEW.seq AND hash = NEW.hash;
        IF NOT FOUND OR NEW.id <> OLD.id OR NEW.seq <> OLD.seq + 1 THEN
            RAISE EXCEPTION 'the audit head moves with a new entry only'
                USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NEW;
    END $$""",
    """CREATE TRIGGER audit_entries_refuse BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_entries
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()""",
    """CREATE TRIGGER audit_entries_follow_head BEFORE INSERT ON audit_entries
    FOR EACH ROW EXECUTE FUNCTION audit_entries_follow_head()""",
    """CREATE TRIGGER audit_entries_move_head AFTER INSERT ON audit_entries
    FOR EACH ROW EXECUTE FUNCTION audit_entries_move_head()""",
    """CREATE TRIGGER audit_head_refuse BEFORE INSERT OR DELETE OR TRUNCATE ON audit_head
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()""",
    """CREATE TRIGGER audit_head_moves_by_one BEFORE UPDATE ON audit_head
    FOR EACH ROW EXECUTE FUNCTION audit_head_moves_by_one()""",
)


def statements(dialect: str) -> tuple[str, ...]:
    """Return the statements for "sqlite" or "postgresql"."""
    return {"sqlite": _SQLITE, "postgresql": _POSTGRES}[dialect]
