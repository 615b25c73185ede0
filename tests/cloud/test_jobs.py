"""What becomes of a job whoever delivers it; what every queue keeps is in ``tests/contracts/test_job_queue.py``."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from hemoview.cloud.jobs.life import DONE, RUNNING, Life
from hemoview.cloud.service import open_service
from hemoview.cloud.settings import Settings
from hemoview.cloud.tables import job
from recorder.errors import ConfigError
from tests.contracts.job_rig import Counting, effects, states


def test_a_worker_that_was_given_up_for_dead_finds_its_attempt_over(tmp_path: Path) -> None:
    """It hung, another took its job; whatever it comes to now is dropped, also that it failed."""

    async def run() -> None:
        service = await open_service(Settings(folder=tmp_path / "service"))
        life, late = Life(service), Counting(ValueError("x"))
        life.handlers["count"] = late
        async with service.db.begin() as conn:
            job_id = await life.write(conn, "count", {"n": 1})
        hung, failing, third = [await life.take(job.c.id == job_id) for _ in range(3)]
        assert hung and failing and third
        assert await life.do(failing) is None
        assert await states(service) == [(RUNNING, 3)]
        assert await life.do(third) is None
        assert await life.do(hung) is None
        assert await states(service) == [(DONE, 3)] and await effects(service) == [1]
        await service.close()

    asyncio.run(run())


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({"jobs": "cron"}, "there are in-process and procrastinate"),
        ({"jobs": "procrastinate"}, "set database_url to postgresql"),
        ({"replicas": True, "database_url": "postgresql:///h"}, "jobs = procrastinate"),
    ],
)
def test_a_queue_that_cannot_be_is_refused_in_words(tmp_path: Path, told: dict[str, Any], why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        Settings(folder=tmp_path, **told).check()


def test_a_queue_on_a_server_is_taken(tmp_path: Path) -> None:
    Settings(folder=tmp_path, jobs="procrastinate", database_url="postgresql:///h").check()
