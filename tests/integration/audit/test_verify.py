"""Every change to the books is found, with its place; healthy books are left alone; derived data is rebuilt."""

from __future__ import annotations

import asyncio
from random import Random
from uuid import UUID

import pytest

from audit.errors import BadBookmark
from audit.report import Finding, Verdict
from audit.verify.bookmark import Bookmark
from audit.verify.repair import of_the_log, repair_ledger, repair_state
from audit.verify.verify import verify
from registry.errors import FieldsRefused
from registry.log.log_position import LogPosition, position_in
from registry.progress import Progress
from tests.support.audit.books_world import HEAD, Tampered, owner_engine
from tests.support.audit.mutations import Mutations
from tests.support.ledger.projecting import catch_up
from tests.support.ledger.workload import fill

OF_DERIVED = (
    "alter_a_row_of_clickhouse", "delete_a_row_of_clickhouse", "alter_a_state_row", "delete_a_state_row",
    "move_a_state_row", "add_a_credential",
)  # fmt: skip
KINDS = sorted(name for name in vars(Mutations) if not name.startswith("_") and callable(getattr(Mutations, name)))


async def mutations_of(tampered: Tampered, seed: int) -> Mutations:
    return Mutations(tampered, Random(seed), (await tampered.books.log.head()).position)


async def all_found(tampered: Tampered, mutations: Mutations, count: int) -> None:
    """Make so many changes, each alone: it is found where it is, and without it there is nothing."""
    assert await tampered.findings() == []
    for number in range(count):
        kind = KINDS[number % len(KINDS)]
        named, undo = await getattr(mutations, kind)()
        findings = await tampered.findings()
        places = {finding.position for finding in findings} | {finding.stream for finding in findings}
        assert places & named, (number, kind, named, findings)
        await undo()
        if number % len(KINDS) == 0:
            assert await tampered.findings() == [], (number, kind)
    assert await tampered.findings() == []


async def test_every_kind_of_change_is_found_where_it_is(tampered: Tampered) -> None:
    await all_found(tampered, await mutations_of(tampered, 1), len(KINDS))


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_two_hundred_random_changes_are_all_found(tampered: Tampered) -> None:
    await all_found(tampered, await mutations_of(tampered, 2), 200)


@pytest.mark.parametrize(
    ("instant", "last"),
    [
        ("infinity", True),
        ("0044-03-15 BC", False),
        pytest.param("infinity", False, marks=pytest.mark.long),
        pytest.param("-infinity", False, marks=pytest.mark.long),
        pytest.param("-infinity", True, marks=pytest.mark.long),
        pytest.param("294000-01-01", False, marks=pytest.mark.long),
        pytest.param("294000-01-01", True, marks=pytest.mark.long),
        pytest.param("0044-03-15 BC", True, marks=pytest.mark.long),
    ],
)
async def test_an_instant_beyond_reason_is_named_and_ends_nothing(
    tampered: Tampered, instant: str, *, last: bool
) -> None:
    position = (await tampered.books.log.head()).position if last else 5
    for column in ("recorded_at", "effective_at"):
        await tampered.sql("CREATE TABLE public.kept AS SELECT * FROM keyledger.event WHERE position = $1", position)
        await tampered.sql(f"UPDATE keyledger.event SET {column} = '{instant}' WHERE position = $1", position)
        assert position in {one.position for one in await tampered.findings()}, column
        await tampered.sql("DELETE FROM keyledger.event WHERE position = $1", position)
        await tampered.sql("INSERT INTO keyledger.event SELECT * FROM public.kept")
        await tampered.sql("DROP TABLE public.kept")
    await tampered.sql(f"UPDATE keyledger.key_state SET expiration = '{instant}', revoked_at = '{instant}'")
    assert {(one.kind, one.where) for one in await tampered.findings()} == {("changed", "key_state")}


async def test_nothing_is_found_while_writes_go_on(tampered: Tampered) -> None:
    log = tampered.books.log
    writing = asyncio.create_task(fill(log, seed=9, count=60))
    while not writing.done():
        told = [one async for one in verify(tampered.books, wait_s=0)]
        # No projector runs here: that what is new is not applied is all that there is to find.
        assert {one.kind for one in told if isinstance(one, Finding)} <= {"not_applied"}
    await writing
    (late,) = await tampered.findings()
    assert (late.kind, late.position) == ("not_applied", HEAD + 1)
    await catch_up(log, tampered.books.store)
    assert await tampered.findings() == []


async def test_an_interrupted_audit_goes_on_where_it_was(tampered: Tampered) -> None:
    whole = [one async for one in verify(tampered.books)]
    marks = [one.bookmark for one in whole if isinstance(one, Progress) and one.bookmark]
    assert [one.stage for one in whole if isinstance(one, Progress)] == ["log and ledger", "state"]
    for mark in marks:
        rest = [one async for one in verify(tampered.books, mark)]
        assert rest[-1] == whole[-1]
        assert len(rest) < len(whole)
    verdict = whole[-1]
    assert isinstance(verdict, Verdict)
    await fill(tampered.books.log, seed=10, count=3)
    await catch_up(tampered.books.log, tampered.books.store)
    new = [one async for one in verify(tampered.books, verdict.bookmark)]
    assert isinstance(new[-1], Verdict)
    assert new[-1].position == (await tampered.books.log.head()).position > verdict.position


async def test_what_was_found_before_the_bookmark_counts(tampered: Tampered) -> None:
    await tampered.sql("UPDATE keyledger.event SET actor = 'mallory' WHERE position = 7")
    told = [one async for one in verify(tampered.books)]
    mark = next(one.bookmark for one in told if isinstance(one, Progress) and one.stage == "log and ledger")
    rest = [one async for one in verify(tampered.books, mark)]
    assert [one for one in rest if isinstance(one, Finding)] == []
    assert isinstance(rest[-1], Verdict)
    assert rest[-1].findings == 1


ANOTHER = LogPosition(UUID(int=7), 0, b"")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        "{}",
        Bookmark(LogPosition(UUID(int=7), 2**63, b""), None, 0).text(),
        Bookmark(LogPosition(UUID(int=7), -1, b""), None, 0).text(),
        Bookmark(ANOTHER, "key-\0", 0).text(),
        Bookmark(ANOTHER, None, 10**30).text(),
    ],
)
async def test_what_is_no_bookmark_is_refused_by_field(tampered: Tampered, text: str) -> None:
    with pytest.raises(FieldsRefused, match="bookmark is not one of a progress line"):
        await anext(verify(tampered.books, text))


async def test_a_bookmark_of_another_log_is_refused(tampered: Tampered) -> None:
    with pytest.raises(BadBookmark):
        await anext(verify(tampered.books, Bookmark(ANOTHER, None, 0).text()))


async def test_a_bookmark_is_of_the_log_as_it_was(tampered: Tampered) -> None:
    log = tampered.books.log
    mark = Bookmark(await position_in(log, 7), None, 0).text()
    assert await tampered.findings(mark) == []
    await tampered.sql("UPDATE keyledger.event SET hash = salt WHERE position = 7")
    with pytest.raises(BadBookmark, match="position 7"):
        await anext(verify(tampered.books, mark))


async def test_the_last_event_rewritten_is_known_by_the_hash_that_clickhouse_has(tampered: Tampered) -> None:
    mutations = await mutations_of(tampered, 3)
    head = mutations.head
    await mutations.rehash_an_event(head)
    (finding,) = await tampered.findings()
    assert (finding.where, finding.position, finding.kind) == ("event_applied_v1", head, "changed")


@pytest.mark.parametrize("kind", OF_DERIVED)
async def test_what_is_derived_is_made_anew(tampered: Tampered, kind: str) -> None:
    mutations = await mutations_of(tampered, 4)
    for _ in range(3):
        await getattr(mutations, kind)()
    findings = await tampered.findings()
    assert findings
    assert of_the_log(findings) == []
    async with owner_engine(tampered) as owner:
        await repair_state(owner, findings)
    await repair_ledger(tampered.books, findings)
    # Rows beyond the head are the only trace of events that a log may have lost: those stay, for a person.
    beyond = [one for one in findings if one.position is not None and one.position > mutations.head]
    assert await tampered.findings() == beyond


async def test_a_hash_that_was_swapped_is_not_repaired_and_stays_a_finding(tampered: Tampered) -> None:
    mutations = await mutations_of(tampered, 5)
    await mutations.swap_the_hash_of_a_secret()
    findings = await tampered.findings()
    async with owner_engine(tampered) as owner:
        await repair_state(owner, findings)
    assert [one.detail for one in await tampered.findings()] == [one.detail for one in findings]
