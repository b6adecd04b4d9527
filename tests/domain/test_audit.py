"""The audit chain: its bytes are fixed for good, and any single change anywhere is found."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bot.domain.audit import GENESIS, AuditEntry, Broken, Sound, canonical, entry_after, microseconds, verify

NOW = datetime(2026, 11, 22, 3, 0, 0, 123456, tzinfo=UTC)
MOMENTS = st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))
TEXT = st.text(max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
FACTS = st.dictionaries(TEXT, VALUES, max_size=3)
WRITINGS = st.lists(st.tuples(MOMENTS, TEXT, TEXT, TEXT, FACTS), min_size=1, max_size=5)
patiently = settings(deadline=None)  # a busy machine is no finding
Writing = tuple[datetime, str, str, str, dict[str, Any]]


def chain_of(writings: list[Writing]) -> list[AuditEntry]:
    """Return the entries that these writings make."""
    entries: list[AuditEntry] = []
    for at, actor, event, subject, facts in writings:
        entries.append(entry_after(head_of(entries), at, actor, event, subject, facts))
    return entries


def head_of(entries: list[AuditEntry]) -> tuple[int, str]:
    """Return the number and hash of the last entry."""
    return (entries[-1].seq, entries[-1].hash) if entries else (0, GENESIS)


def broken_at(entries: list[AuditEntry], head: tuple[int, str]) -> int | None:
    """Return the number of the first entry that does not hold."""
    found = verify(entries, head)
    return found.seq if isinstance(found, Broken) else None


CHAINS = WRITINGS.map(chain_of)


def test_the_canonical_bytes_never_change() -> None:
    """Whoever changes them makes every chain in the field unverifiable: these bytes are the format, version 1."""
    facts = {"b": [1, None, True], "a": 'ä\x00\N{SNOWMAN}"'}
    assert canonical(7, 1_700_000_000_123_456, "U0ANA", "started", "exe-1", facts, GENESIS) == (
        b'{"actor":"U0ANA","at_us":1700000000123456,"event":"started",'
        b'"facts":{"a":"\xc3\xa4\\u0000\xe2\x98\x83\\"","b":[1,null,true]},'
        b'"prev":"0000000000000000000000000000000000000000000000000000000000000000",'
        b'"seq":7,"subject":"exe-1","v":1}'
    )
    entry = entry_after((0, GENESIS), NOW, "U0ANA", "started", "exe-1", facts)
    assert entry.hash == "abb4847575e74fc5e2375404e379d5a1d6341766b4e5d21c745c7c4c338ef343"


@patiently
@given(CHAINS)
def test_a_chain_that_nobody_touched_is_sound(entries: list[AuditEntry]) -> None:
    """Also after a journey through JSON, as the database stores it."""
    stored = [AuditEntry.model_validate_json(e.model_dump_json()) for e in entries]
    assert verify(stored, head_of(entries)) == Sound(entries=len(entries), head_hash=entries[-1].hash)


def test_no_entry_is_a_sound_chain() -> None:
    """A new installation."""
    assert verify([], (0, GENESIS)) == Sound(entries=0, head_hash=GENESIS)


@patiently
@given(CHAINS, st.data())
def test_any_single_change_of_any_entry_is_found_there(entries: list[AuditEntry], data: st.DataObject) -> None:
    """Whichever field, whatever to."""
    place = data.draw(st.integers(0, len(entries) - 1))
    others: dict[str, st.SearchStrategy[Any]] = {
        "seq": st.integers(),
        "at_us": st.integers(),
        "facts": FACTS,
        **dict.fromkeys(("actor", "event", "subject", "prev_hash", "hash"), TEXT),
    }
    field = data.draw(st.sampled_from(sorted(others)))
    value = data.draw(others[field])
    assume(json.dumps(value, sort_keys=True) != json.dumps(getattr(entries[place], field), sort_keys=True))
    changed = [*entries]
    changed[place] = entries[place].model_copy(update={field: value})
    assert broken_at(changed, head_of(entries)) == place + 1


@patiently
@given(CHAINS, st.data())
def test_one_character_more_less_or_other_is_found(entries: list[AuditEntry], data: st.DataObject) -> None:
    """The smallest changes there are, in texts and hashes."""
    place = data.draw(st.integers(0, len(entries) - 1))
    field = data.draw(st.sampled_from(("actor", "event", "subject", "prev_hash", "hash")))
    old: str = getattr(entries[place], field)
    at = data.draw(st.integers(0, len(old)))
    new = old[:at] + data.draw(st.text(max_size=1)) + old[at + data.draw(st.integers(0, 1)) :]
    assume(new != old)
    changed = [*entries]
    changed[place] = entries[place].model_copy(update={field: new})
    assert broken_at(changed, head_of(entries)) == place + 1


@patiently
@given(CHAINS, st.data())
def test_a_rewritten_entry_with_a_hash_of_its_own_breaks_what_follows(
    entries: list[AuditEntry], data: st.DataObject
) -> None:
    """The tamperer knows the algorithm; the next entry's link, or the head, does not fit any more."""
    place = data.draw(st.integers(0, len(entries) - 1))
    forged = entry_after((place, entries[place].prev_hash), NOW, data.draw(TEXT), "forged", "s", {})
    assume(forged.hash != entries[place].hash)
    changed = [*entries[:place], forged, *entries[place + 1 :]]
    assert broken_at(changed, head_of(entries)) == place + 2


@patiently
@given(CHAINS, st.data())
def test_an_entry_that_is_missing_is_found(entries: list[AuditEntry], data: st.DataObject) -> None:
    """Wherever it stood, at the end too."""
    place = data.draw(st.integers(0, len(entries) - 1))
    assert broken_at(entries[:place] + entries[place + 1 :], head_of(entries)) == place + 1


@patiently
@given(CHAINS, st.data())
def test_an_entry_that_was_added_is_found(entries: list[AuditEntry], data: st.DataObject) -> None:
    """A copy, or a sound one past the head."""
    place = data.draw(st.integers(0, len(entries) - 1))
    doubled = [*entries[: place + 1], *entries[place:]]
    assert broken_at(doubled, head_of(entries)) == place + 2
    past = entry_after(head_of(entries), NOW, "U0BAD", "forged", "s", {})
    assert broken_at([*entries, past], head_of(entries)) == len(entries) + 2


@patiently
@given(CHAINS, st.data())
def test_two_entries_out_of_order_are_found(entries: list[AuditEntry], data: st.DataObject) -> None:
    """At the first of the two."""
    assume(len(entries) > 1)
    first, second = sorted(data.draw(st.sets(st.integers(0, len(entries) - 1), min_size=2, max_size=2)))
    swapped = [*entries]
    swapped[first], swapped[second] = entries[second], entries[first]
    assert broken_at(swapped, head_of(entries)) == first + 1


@patiently
@given(CHAINS, st.integers(), TEXT)
def test_a_head_that_was_changed_is_found(entries: list[AuditEntry], seq: int, digest: str) -> None:
    """The sentence names both ends."""
    assume((seq, digest) != head_of(entries))
    found = verify(entries, (seq, digest))
    assert isinstance(found, Broken)
    assert f"ends at #{len(entries)}" in found.why
    assert f"head says #{seq}" in found.why


@patiently
@given(VALUES, st.floats(), st.booleans())
def test_a_float_is_refused_however_deep(value: Any, number: float, in_list: bool) -> None:
    """Its text differs between machines: what cannot be verified is not written."""
    facts = {"deep": [{"x": value, "y": [number] if in_list else number}]}
    with pytest.raises(TypeError, match="no floats"):
        entry_after((0, GENESIS), NOW, "a", "e", "s", facts)


@patiently
@given(FACTS)
def test_the_order_of_facts_does_not_matter(facts: dict[str, Any]) -> None:
    """PostgreSQL, SQLite and people's eyes may each have their own."""
    backwards = dict(reversed(facts.items()))
    assert entry_after((0, GENESIS), NOW, "a", "e", "s", facts) == entry_after(
        (0, GENESIS), NOW, "a", "e", "s", backwards
    )


@patiently
@given(MOMENTS)
def test_a_moment_keeps_its_microsecond(at: datetime) -> None:
    """Integers, because a float of this century has no room for them all."""
    entry = entry_after((0, GENESIS), at, "a", "e", "s", {})
    assert entry.at == at
    assert microseconds(at + timedelta(microseconds=1)) == entry.at_us + 1
