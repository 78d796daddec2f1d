"""`make demo`: the whole story on real parts. Keys are issued, used, moved, corrected, rotated, revoked, and billed.
Usage is priced and comes late, a tag is corrected, and the bill of before is made again.

Starts `keyledger up` on a folder of its own, talks to it as a portal, a gateway and finance would, and stops it.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import sys
import time
from pathlib import Path

from keyledger.client import AsyncClient
from keyledger.demo.folder import DEMO_FOLDER, replace_demo_folder, take_new_folder
from keyledger.demo.money import ANCHOR_S, Known
from keyledger.demo.story import story
from keyledger.demo.telling import console, step
from keyledger.embedded.errors import EmbeddedError
from keyledger.embedded.folder import DataFolder


def main() -> None:
    """Run the demo."""
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--data", type=Path, help=f"a new folder for the registry; else ./{DEMO_FOLDER}")
    parser.add_argument("--keep-running", action="store_true", help="leave `keyledger up` running, until Ctrl-C")
    chosen = parser.parse_args()
    folder = (chosen.data or DEMO_FOLDER).resolve()
    try:
        if chosen.data is None:
            replace_demo_folder(folder)
        else:
            take_new_folder(folder)
    except EmbeddedError as error:
        sys.exit(f"keyledger: {error}")
    began = time.monotonic()
    try:
        asyncio.run(demo(folder, keep_running=chosen.keep_running))
    except KeyboardInterrupt:
        console.print(f"\nStopped. What there is of the registry is in {folder}.")
        sys.exit(130)
    console.print(f"\nThat took {time.monotonic() - began:.0f} s.")


async def demo(folder: Path, *, keep_running: bool) -> None:
    """Tell the story on a new folder."""
    step("Starting PostgreSQL, ClickHouse's engine, the API, the projector and the gateway's table of keys")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "keyledger.cli", "up", "--gateway", "--data", str(folder), "--port", "0",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        env={**os.environ, "KEYLEDGER_USAGE_ANCHOR_S": str(ANCHOR_S)},
    )  # fmt: skip
    try:
        url = await _ready(process)
        token = (folder / "admin-token").read_text(encoding="ascii").strip()
        async with AsyncClient(url, token) as portal:
            known = await story(portal, folder)
        if keep_running:
            console.print(f"\nIt runs at {url} until Ctrl-C.")
            console.print(f"The console, once, within ten minutes: {await _console(folder)}", soft_wrap=True)
            console.print(f"Another address of it: keyledger console --data {folder}", soft_wrap=True)
            await process.wait()
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()
    next_steps(folder, known)


async def _console(folder: Path) -> str:
    """An address of the console."""
    command = (sys.executable, "-m", "keyledger.cli", "console", "--data", str(folder))
    printing = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    printed, _ = await printing.communicate()
    return printed.decode().strip()


async def _ready(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None  # noqa: S101 - for the type checker
    async for line in process.stdout:
        text = line.decode().strip()
        if text.startswith("ready "):
            return text.removeprefix("ready ")
    raise SystemExit("keyledger: `keyledger up` did not start: run it by hand to see why")


def next_steps(folder: Path, known: Known) -> None:
    """What to try on the folder that is left."""
    console.print(f"\nNothing runs any more. The registry is in {folder}. Try next:\n")
    program = shutil.which("keyledger") or str(Path(sys.executable).with_name("keyledger"))
    pinned = f"--known-at {known.known_at} --usage-known-at {known.usage_known_at}"
    ever = "--since 2026-01-01T00:00:00Z --until 2100-01-01T00:00:00Z"
    for why, command in (
        ("the keys", "keys list"),
        ("the bill by other things", f"bill --group-by model --group-by billing_tier {ever}"),
        ("the price book", "prices list"),
        (
            "the bill as it was known before the move and the correction",
            f"bill --group-by customer_id {ever} --known-at 5",
        ),
        (
            "the bill as it was known before the late row and the second correction",
            f"bill --group-by customer_id --group-by billing_tier {ever} {pinned}",
        ),
        ("which tags each key had when", "sql 'SELECT * FROM keyledger.key_tag_interval'"),
        ("how late the revocation was at the gateway, use by use", "sql 'SELECT * FROM keyledger.late_use'"),
        ("run it again", "up"),
    ):
        console.print(f"  # {why}\n  {program} {command} --data {DataFolder(folder).path}")
    console.print(f"\nDone with it? rm -r {DataFolder(folder).path}")
