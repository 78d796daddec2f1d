"""The keys of a gateway under this log: what becomes of each, and that nothing else happens."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from registry.log import chain
from tests.support.gateway.gateway_keys import CREATED, MadeKey, hash_of, many_keys
from tests.support.gateway.importer import Importer
from tests.support.servers.databases import Server

HOUR = timedelta(hours=1)
INSTANTS = ("infinity", "-infinity", "294276-01-01Z")


def written(path: Path, text: str) -> Path:
    """A mapping file."""
    path.write_text(text, encoding="utf-8")
    return path


async def test_a_dry_run_tells_everything_and_changes_nothing(importer: Importer, tmp_path: Path) -> None:
    await importer.gateway.add(
        MadeKey("AAAAAAAAAAA1"), MadeKey("BBBBBBBBBBB2"), MadeKey("CCCCCCCCCCC3", hash="not a hash")
    )
    tags = written(tmp_path / "tags.csv", "public_id,customer_id\nAAAAAAAAAAA1,acme\nZZZZZZZZZZZ9,globex\n")
    before, rows = await importer.ledger.api.head(), await importer.gateway.rows()
    told = await importer.run(tags=str(tags))
    assert told.result == {
        "applied": False,
        "keys": 3,
        "new": 2,
        "known": 0,
        "left_out": 0,
        "faulty": 1,
        "without_tags": 1,
        "imported": 0,
        "not_in_table": 1,
        "mapping_faults": 0,
        "position": before,
    }
    assert told.wrong() == [
        ("key", None, "CCCCCCCCCCC3", "hash"),
        ("mapping", 3, "ZZZZZZZZZZZ9", "public_id"),
    ]
    assert await importer.ledger.api.head() == before
    assert await importer.gateway.rows() == rows


async def test_an_imported_key_is_what_the_gateway_had_from_its_creation_on(importer: Importer, tmp_path: Path) -> None:
    await importer.gateway.add(
        MadeKey(
            "AAAAAAAAAAA1",
            description="clé «production»\n\tline 2",
            organization="Ärzte",
            workspace="w",
            disabled_at=CREATED + HOUR,
            expires_at=datetime(2027, 1, 1, 0, 0, 0, 999_999, tzinfo=UTC),
        )
    )
    tags = written(tmp_path / "tags.json", '{"AAAAAAAAAAA1": {"customer_id": "acme", "équipe": "bleu"}}')
    told = await importer.apply(tags, reason="contract 7")
    assert (told.result["applied"], told.result["imported"], told.result["without_tags"]) == (True, 1, 0)
    key = await importer.key("AAAAAAAAAAA1")
    (credential,) = key.pop("credentials")
    assert key == {
        "public_id": "AAAAAAAAAAA1",
        "tags": {"customer_id": "acme", "équipe": "bleu"},
        "description": "clé «production»\n\tline 2",
        "organization": "Ärzte",
        "workspace": "w",
        "status": "revoked",
        "created_at": "2026-01-05T12:00:00.123Z",
        "expiration": "2027-01-01T00:00:00.999Z",
        "revoked_at": "2026-01-05T13:00:00.123Z",
        "scheduled": [],
        "position": told.result["position"],
        "version": 1,
    }
    assert (credential["credential_id"], credential["created_at"]) == ("AAAAAAAAAAA1", "2026-01-05T12:00:00.123Z")
    (event,) = await importer.history("AAAAAAAAAAA1")
    assert (event["type"], event["actor"], event["reason"]) == ("KeyImported", "operator", "contract 7")
    assert event["effective_at"] == "2026-01-05T12:00:00.123Z"
    assert event["data"]["source"] == "tensorzero"
    assert event["data"]["credential"] == {
        "credential_id": "AAAAAAAAAAA1",
        "commitment": chain.commitment(hash_of("AAAAAAAAAAA1")),
    }


async def test_the_hash_is_kept_where_secrets_are_and_nowhere_else(importer: Importer) -> None:
    await importer.gateway.add(MadeKey("AAAAAAAAAAA1"))
    told = await importer.apply()
    async with importer.database.connect() as owner:
        kept = await owner.fetch("SELECT credential_id, public_id, secret_hash FROM keyledger.credential")
        logged = await owner.fetchval("SELECT string_agg(convert_from(payload, 'UTF8'), ' ') FROM keyledger.event")
    assert [tuple(row) for row in kept] == [("AAAAAAAAAAA1", "AAAAAAAAAAA1", hash_of("AAAAAAAAAAA1"))]
    assert hash_of("AAAAAAAAAAA1") not in logged + told.text
    assert (await importer.history("AAAAAAAAAAA1"))[0]["reason"] == "imported from tensorzero"


async def test_importing_again_appends_nothing_whatever_is_mapped_now(importer: Importer, tmp_path: Path) -> None:
    await importer.gateway.add(*many_keys(2500))
    first = await importer.apply()
    assert (first.result["imported"], first.result["without_tags"]) == (2500, 2500)
    tags = written(tmp_path / "tags.csv", "public_id,customer_id\nmany00000007,acme\n")
    again = await importer.apply(tags)
    assert (again.result["imported"], again.result["known"], again.result["new"]) == (0, 2500, 0)
    assert again.result["position"] == first.result["position"]
    assert (await importer.key("many00000007"))["tags"] == {}
    events = await importer.events()
    assert [event.stream for event in events] == [f"key-many{number:08}" for number in range(2500)]


async def test_what_the_gateway_made_since_is_all_that_is_added(importer: Importer) -> None:
    await importer.gateway.add(*many_keys(3))
    await importer.apply()
    ours = await importer.ledger.api.make_key(tags={"customer_id": "acme"})
    await importer.gateway.add(MadeKey("AAAAAAAAAAA1"), MadeKey(ours["public_id"]))
    told = await importer.apply()
    assert (told.result["known"], told.result["imported"]) == (4, 1)
    assert (await importer.key(ours["public_id"]))["version"] == 1


async def test_an_id_of_a_rotated_key_is_ours_already(importer: Importer) -> None:
    ours = await importer.ledger.api.make_key()
    rotated = await importer.ledger.api.call(
        "POST", f"/admin/api-keys/{ours['public_id']}/rotate", json={"compromised": True}
    )
    second = rotated.json()["credentials"][-1]["credential_id"]
    await importer.gateway.add(MadeKey(second))
    told = await importer.apply()
    assert (told.result["known"], told.result["new"]) == (1, 0)


async def test_rows_that_can_be_no_keys_of_ours_are_told_and_never_imported(importer: Importer) -> None:
    """By the gateway's database itself: what it pads, and instants that no datetime holds."""
    upper = hash_of("x").upper()
    await importer.gateway.add(
        MadeKey("AAAAAAAAAAA1"),
        MadeKey("short"),
        MadeKey("AAA\x1b[31mAAA1"),
        MadeKey("HHHHHHHHHHH1", hash=upper),
        MadeKey("HHHHHHHHHHH2", hash=hash_of("y") + " "),
        MadeKey("OOOOOOOOOOO1", organization="o" * 100_000),
        MadeKey("DDDDDDDDDDD1", description="d" * 1_000_000),
        *(MadeKey(f"IIIIIIIIIII{number}") for number in range(9)),
        MadeKey("CCCCCCCCCCC3"),
    )
    for number in range(9):
        column, value = ("created_at", "disabled_at", "expires_at")[number % 3], INSTANTS[number // 3]
        await importer.gateway.run(
            f"UPDATE tensorzero_auth_api_key SET {column} = '{value}' WHERE public_id = 'IIIIIIIIIII{number}'"
        )
    told = await importer.apply()
    assert (told.result["imported"], told.result["faulty"]) == (2, 15)
    assert [(one["public_id"], one["field"]) for one in told.items] == [
        ("short", "public_id"),
        ("AAA\x1b[31mAAA1", "public_id"),
        ("HHHHHHHHHHH1", "hash"),
        ("HHHHHHHHHHH2", "hash"),
        ("OOOOOOOOOOO1", "organization"),
        ("DDDDDDDDDDD1", "description"),
        *((f"IIIIIIIIIII{number}", ("created_at", "disabled_at", "expires_at")[number % 3]) for number in range(9)),
    ]
    assert not {upper, upper.lower(), hash_of("y")} & set(told.text.replace('"', " ").split())
    assert len(told.text) < 10_000
    assert [event.stream for event in await importer.events()] == ["key-AAAAAAAAAAA1", "key-CCCCCCCCCCC3"]


async def test_a_secret_that_stands_under_another_id_is_told_and_never_imported(importer: Importer) -> None:
    """A revoked one would come back as a key that works."""
    await importer.gateway.add(
        MadeKey("AAAAAAAAAAA1"), MadeKey("BBBBBBBBBBB2"), MadeKey("twiceBBBBBB2", hash_of("BBBBBBBBBBB2"))
    )
    told = await importer.apply()
    assert (told.result["imported"], told.wrong()) == (2, [("key", None, "twiceBBBBBB2", "hash")])
    await importer.gateway.add(MadeKey("again0AAAAA1", hash_of("AAAAAAAAAAA1")))
    told = await importer.apply()
    assert told.result["imported"] == 0
    assert told.items[1]["detail"] == "is that of the secret of AAAAAAAAAAA1: who copied it?"
    assert [event.stream for event in await importer.events()] == ["key-AAAAAAAAAAA1", "key-BBBBBBBBBBB2"]


async def test_a_creation_in_the_future_is_told_and_waits(importer: Importer) -> None:
    later = datetime.now(UTC) + HOUR
    await importer.gateway.add(MadeKey("AAAAAAAAAAA1", created_at=later))
    told = await importer.apply()
    assert told.wrong() == [("key", None, "AAAAAAAAAAA1", "created_at")]
    await importer.gateway.run("UPDATE tensorzero_auth_api_key SET created_at = now()")
    assert (await importer.apply()).result["imported"] == 1


async def test_disabled_counts_as_the_gateway_counts_it_within_the_life_so_far(importer: Importer) -> None:
    future = datetime.now(UTC) + 24 * HOUR
    await importer.gateway.add(
        MadeKey("futureDisabl", disabled_at=future), MadeKey("beforeItself", disabled_at=CREATED - HOUR)
    )
    await importer.apply()
    for public_id in ("futureDisabl", "beforeItself"):
        assert (await importer.key(public_id))["status"] == "revoked"
    (event,) = await importer.history("futureDisabl")
    assert event["data"]["revoked_at"] == event["recorded_at"][:23] + "Z"
    assert (await importer.key("beforeItself"))["revoked_at"] == "2026-01-05T12:00:00.123Z"


async def test_with_only_mapped_the_others_are_left_out(importer: Importer, tmp_path: Path) -> None:
    await importer.gateway.add(*many_keys(5))
    tags = written(tmp_path / "tags.csv", "public_id,customer_id\nmany00000001,acme\nmany00000003,\n")
    told = await importer.apply(tags, only_mapped=True)
    assert (told.result["imported"], told.result["left_out"], told.result["without_tags"]) == (2, 3, 0)
    assert (await importer.key("many00000001"))["tags"] == {"customer_id": "acme"}
    assert (await importer.key("many00000003"))["tags"] == {}
    answer = await importer.ask(only_mapped=True)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "only_mapped")


async def test_while_a_row_of_the_mapping_is_wrong_nothing_is_imported(importer: Importer, tmp_path: Path) -> None:
    await importer.gateway.add(*many_keys(4))
    tags = written(
        tmp_path / "tags.csv",
        "public_id,customer_id,note\n"
        'many00000000,acme,"two\nlines"\n'
        "many00000001,globex,fine\n"
        "many00000002,initech,fine\n"
        "many00000002,umbrella,fine\n",
    )
    before = await importer.ledger.api.head()
    told = await importer.apply(tags)
    assert (told.result["applied"], told.result["imported"], told.result["mapping_faults"]) == (False, 0, 2)
    assert told.wrong() == [("mapping", 2, "many00000000", "note"), ("mapping", 6, "many00000002", "public_id")]
    assert told.items[1]["detail"] == "is in line 5 already"
    assert await importer.ledger.api.head() == before
    # Asked for the rest: keys of bad rows wait for a better mapping.
    told = await importer.apply(tags, skip_bad=True)
    assert (told.result["imported"], told.result["left_out"], told.result["without_tags"]) == (2, 2, 1)
    assert [event.stream for event in await importer.events()] == ["key-many00000001", "key-many00000003"]
    mended = written(tmp_path / "mended.csv", "public_id,customer_id\nmany00000000,acme\nmany00000002,umbrella\n")
    assert (await importer.apply(mended)).result["imported"] == 2
    assert (await importer.key("many00000002"))["tags"] == {"customer_id": "umbrella"}


async def test_with_a_row_that_tells_no_key_all_that_have_no_row_wait_for_a_better_mapping(
    importer: Importer, tmp_path: Path
) -> None:
    """Imported without tags, no later mapping could tag them."""
    await importer.gateway.add(MadeKey("AAAAAAAAAAA1"), MadeKey("BBBBBBBBBBB2"))
    tags = tmp_path / "tags.csv"
    tags.write_text("public_id,customer_id\nAAAAAAAAAAA1,acme\nBBBBBBBBBBB2 ,globex\n")
    told = await importer.apply(tags, skip_bad=True)
    assert (told.result["imported"], told.result["left_out"]) == (1, 1)
    tags.write_text("public_id,customer_id\nAAAAAAAAAAA1,acme\nBBBBBBBBBBB2,globex\n")
    assert (await importer.apply(tags)).result["imported"] == 1
    assert (await importer.key("BBBBBBBBBBB2"))["tags"] == {"customer_id": "globex"}


async def test_the_portal_manages_what_was_imported(importer: Importer) -> None:
    await importer.gateway.add(MadeKey("AAAAAAAAAAA1"))
    await importer.apply()
    api = importer.ledger.api
    past = {"effective_at": "2026-01-05T12:00:00.123Z", "reason": "was theirs from the start"}
    edited = await api.patch("AAAAAAAAAAA1", {"tags": {"customer_id": "acme"}}, **past)
    assert (edited.status_code, edited.json()["tags"]) == (200, {"customer_id": "acme"})
    early = await api.patch(
        "AAAAAAAAAAA1", {"tags": {"a": "b"}}, **{**past, "effective_at": "2026-01-05T12:00:00.122Z"}
    )
    assert (early.status_code, early.json()["errors"][0]["field"]) == (422, "effective_at")
    assert (await api.patch("AAAAAAAAAAA1", {"description": "theirs"})).status_code == 200
    rotated = await api.call("POST", "/admin/api-keys/AAAAAAAAAAA1/rotate", json={"overlap_s": 60})
    assert (rotated.status_code, len(rotated.json()["credentials"])) == (201, 2)
    ended = await api.call("DELETE", "/admin/api-keys/AAAAAAAAAAA1")
    assert (ended.json()["status"], ended.json()["version"]) == ("revoked", 5)


async def test_where_it_can_not_read_it_says_what_to_do_and_imports_nothing(importer: Importer, server: Server) -> None:
    await importer.gateway.run("ALTER TABLE tensorzero_auth_api_key RENAME TO another")
    answer = await importer.ask(apply=True)
    assert "there is no table public.tensorzero_auth_api_key" in answer.text
    await importer.gateway.run("ALTER TABLE another RENAME TO tensorzero_auth_api_key")
    await importer.gateway.run("ALTER TABLE tensorzero_auth_api_key DROP COLUMN expires_at")
    assert "is not as the gateway's" in (await importer.ask(apply=True)).text
    await server.drop(importer.gateway.database)
    assert '{"error": ' in (await importer.ask(apply=True)).text
    assert await importer.events() == []
