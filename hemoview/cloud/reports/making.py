"""The job that makes a report: the session unpacked for its owner alone, read and drawn in a process of its own."""

from __future__ import annotations

import asyncio
import json
import shutil
import tempfile
from collections.abc import AsyncIterator
from concurrent.futures import Executor
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from hemoview.cloud import audit, tables
from hemoview.cloud.custody.contents import unpack
from hemoview.cloud.hiding import hidden_now
from hemoview.cloud.jobs.queue import Effect, Hopeless
from hemoview.cloud.reports import rows
from hemoview.cloud.reports.vault import Vault, vault_of
from hemoview.cloud.service import Service
from hemoview.cloud.settings import Settings
from hemoview.report.session import apart
from hemoview.report.session.facts import from_json
from hemoview.report.session.narrate import Endpoint, LanguageModel, Narrator, key_in
from hemoview.report.session.page import Extras, Narrative
from hemoview.report.session.words import Language
from recorder.errors import RecorderError

KIND: Final = "report"
WORK: Final = "work"
"""Folder of the service in which sessions are unpacked; emptied at every start."""
FACTS: Final = "facts.json"
KEPT: Final = ("report.html", "report.pdf", "report.xlsx")
NARRATIVE: Final = "narrative.json"
"""Beside the files of a report: what was said in sentences, so that the signed report says the same."""


def sweep(service: Service) -> None:
    """Take away what an earlier life left unpacked."""
    shutil.rmtree(service.settings.folder / WORK, ignore_errors=True)


@asynccontextmanager
async def working() -> AsyncIterator[Executor]:
    """A process for as long as one report takes; it is not waited for where the service ends."""
    pool = apart.process()
    try:
        yield pool
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


async def drawn(pool: Executor, facts: str, language: str, extras: Extras) -> dict[str, bytes]:
    """Page, PDF and Excel."""
    loop, told = asyncio.get_running_loop(), apart.extras_to_json(extras)
    content, _ = await loop.run_in_executor(pool, apart.render, facts, language, told)
    return {name: content[name] for name in KEPT if name in content}


def sealed(vault: Vault, files: dict[str, bytes]) -> str:
    """For the column ``files``."""
    return json.dumps({name: vault.seal(name, content) for name, content in files.items()})


def narrator_for(settings: Settings) -> Narrator | None:
    """By the endpoint of the settings; None: no report has a summary in sentences.

    Raises:
        ConfigError: an address that would carry facts in the clear, or none.
    """
    if not settings.narrator_url:
        return None
    key = key_in(settings.narrator_key_file)
    return LanguageModel(Endpoint(settings.narrator_url, settings.narrator_model, key))


@dataclass(frozen=True, slots=True)
class ReportMaker:
    """The handler of :data:`KIND`."""

    narrator: Narrator | None = None

    async def work(self, service: Service, body: dict[str, Any]) -> Effect:
        """Facts and files of the newest revision, encrypted; nothing where it was made or withdrawn meanwhile.

        Raises:
            Hopeless: the report or its session is gone.
        """
        report_id, report, session = str(body["report_id"]), tables.report, tables.session
        query = select(report, hidden_now().label("hidden")).join(
            session, session.c.id == report.c.session_id
        )
        async with service.db.read() as conn:
            row = (await conn.execute(query.where(report.c.id == report_id))).first()
            if row is None:
                raise Hopeless("the report is gone")
            vault = await vault_of(conn, service, row.session_id, report_id)
        if row.state != rows.MAKING:
            return _nothing
        top = service.settings.folder / WORK
        top.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(dir=top))
        try:
            contents = await unpack(service, row.session_id, folder / row.session_id)
            async with working() as pool:
                loop = asyncio.get_running_loop()
                facts = await loop.run_in_executor(
                    pool, apart.read, str(folder / row.session_id), bool(row.hidden)
                )
                narrative = await self._said(facts, row.language)
                files = await drawn(pool, facts, row.language, Extras(narrative=narrative))
        except RecorderError as error:  # where it lay for a moment is of no use to who reads this
            raise Hopeless(str(error).replace(f"{folder}/", "")) from error
        finally:
            await asyncio.to_thread(shutil.rmtree, folder, True)  # noqa: FBT003 -- ignore_errors
        if narrative is not None:
            files[NARRATIVE] = json.dumps(asdict(narrative)).encode()
        values = {
            "state": rows.DRAFT,
            "manifest_rev": contents.rev,
            "facts": vault.seal_text(FACTS, facts),
            "facts_sha256": vault.seal(FACTS, facts.encode())["sha256"],
            "files": await asyncio.to_thread(sealed, vault, files),
            "error": None,
        }

        async def effect(conn: AsyncConnection) -> None:
            if await rows.move(conn, report_id, rows.MAKING, **values):
                await _note(conn, service, row.session_id, {"report": report_id, "rev": contents.rev})

        return effect

    async def _said(self, facts: str, language: str) -> Narrative | None:
        """In sentences; the endpoint is waited for in a thread."""
        if self.narrator is None:
            return None
        spoken: Language = "zh" if language == "zh" else "en"
        return await asyncio.to_thread(self.narrator.narrate, from_json(json.loads(facts)), spoken)

    async def give_up(self, conn: AsyncConnection, body: dict[str, Any], why: str) -> None:
        """The report says why there is none."""
        await rows.move(conn, str(body["report_id"]), rows.MAKING, state=rows.FAILED, error=why)


def narrative_in(vault: Vault, files: dict[str, Any]) -> Narrative | None:
    """What a draft said in sentences."""
    if NARRATIVE not in files:
        return None
    told = json.loads(vault.open(NARRATIVE, files[NARRATIVE]))
    return Narrative(tuple(told["sentences"]), told["model"])


async def _nothing(_: AsyncConnection) -> None:
    """It was done before."""


async def _note(conn: AsyncConnection, service: Service, session_id: str, told: dict[str, Any]) -> None:
    now_us, detail = service.now_us(), json.dumps(told, sort_keys=True)
    await audit.append(conn, audit.Entry(now_us, "service", "report.made", session_id, audit.OK, "", detail))
