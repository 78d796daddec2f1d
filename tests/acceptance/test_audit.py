"""What an auditor does by command: a running registry is verified, tampered with, found out and mended."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.processes.initialised import InitialisedFolder


async def test_books_are_verified_tampered_with_found_out_and_mended(
    tmp_path: Path, initialised: InitialisedFolder
) -> None:
    process = await initialised.registry(tmp_path / "data")
    await process.start()
    async with process.portal() as portal:
        key = await portal.create({"customer_id": "acme"})
        await portal.edit(key["public_id"], {"tags": {"customer_id": "globex"}})
    code, out, err = await process.command("audit", "verify")
    assert (code, err) == (0, "")
    assert out == "everything is as the log says, up to position 3\n"

    bookmark = tmp_path / "verified"
    assert (await process.ask("audit", "verify", "--bookmark", str(bookmark)))[0] == 0
    assert bookmark.exists()
    assert (await process.json("audit", "verify", "--bookmark", str(bookmark)))["findings"] == 0

    await process.json(
        "sql", "ALTER TABLE keyledger.key_tag_change_v1 DELETE WHERE position = 3 SETTINGS mutations_sync = 2"
    )
    code, out, err = await process.ask("audit", "verify")
    assert (code, err) == (1, "keyledger: 1 finding\n")
    assert out.startswith(
        "MISSING key_tag_change_v1 at position 3: lacks 1 of its rows\n  do: keyledger audit verify --repair"
    )
    code, out, _ = await process.ask("audit", "verify", "--json")
    assert code == 1
    (finding,) = json.loads(out)["items"]
    assert (finding["kind"], finding["where"], finding["position"]) == ("missing", "key_tag_change_v1", 3)

    repaired = await process.json("audit", "verify", "--repair")
    mended = {"positions": 1, "streams": 0, "gateway_rows": None, "usage_entries": 0}
    assert (repaired["repaired"], repaired["findings"]) == (mended, 0)
    assert (await process.ask("audit", "verify"))[0] == 0
    code, _, err = await process.ask("audit", "verify", "--repair", "--bookmark", str(bookmark))
    assert (code, "--bookmark" in err) == (2, True)
    assert await process.stop() == 0
    # Nothing runs: the command opens the folder itself, and waits for the projector that comes with it.
    assert (await process.ask("audit", "verify"))[0] == 0
