"""The audit log as auditors read and prove it, by the routes and at the machine itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from hemoview import cli
from hemoview.cloud import audit
from hemoview.cloud.settings import Settings
from tests.cloud import databases
from tests.cloud.cloud_rig import Clock, Rig, running


async def _some(conn: AsyncConnection) -> None:
    for n in range(25):
        outcome = audit.REFUSED if n % 5 == 0 else audit.OK
        await audit.append(conn, audit.Entry(n, f"user:{'ab'[n % 2]}", "login", f"o{n}", outcome))


def test_auditors_read_it_page_by_page(rig: Rig) -> None:
    rig.do(_some)
    auditor = rig.person("auditor", ("auditor", None))
    seen, before = [], None
    while True:
        told = auditor.get("/v1/audit", params={"limit": 10} | ({"before": before} if before else {})).json()
        seen += [entry["object"] for entry in told["entries"]]
        before = told["next_before"]
        if before is None:
            break
    assert seen == [f"o{n}" for n in reversed(range(25))]


@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        ({"actor": "user:a"}, 13),
        ({"outcome": "refused"}, 5),
        ({"object": "o3"}, 1),
        ({"from_us": 5, "to_us": 8}, 3),
        ({"action": "' OR 1=1 --"}, 0),
    ],
)
def test_it_can_be_searched(rig: Rig, wanted: dict[str, Any], count: int) -> None:
    rig.do(_some)
    auditor = rig.person("auditor", ("auditor", None))
    assert len(auditor.get("/v1/audit", params=wanted).json()["entries"]) == count


def test_nobody_else_reads_it_not_even_administrators(rig: Rig) -> None:
    ward_id = rig.ward("A")
    for name, role, where in (
        ("chief", "admin", None),
        ("local", "auditor", ward_id),
        ("nurse", "operator", None),
    ):
        person = rig.person(name, (role, where))
        assert person.get("/v1/audit").status_code == 403
        assert person.get("/v1/audit/verify").status_code == 403


def test_it_is_proved_by_the_route(rig: Rig) -> None:
    rig.do(_some)
    auditor = rig.person("auditor", ("auditor", None))
    told = auditor.get("/v1/audit/verify").json()
    assert (told["entries"], told["broken_at"], len(told["head"])) == (25, None, 64)


def test_it_is_proved_at_the_machine(
    tmp_path: Path, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    def verify(*more: str) -> tuple[int, dict[str, Any]]:
        status = cli.main(["audit", "verify", "--folder", str(tmp_path / "s"), "--json", *more])
        return status, json.loads(capsys.readouterr().out.splitlines()[-1])

    if not databases.SERVER:  # there is one there as soon as it is asked for
        status, told = verify()
        assert (status, "holds no service" in told["error"]) == (1, True)
    with running(Settings(folder=tmp_path / "s"), clock) as rig:
        rig.do(_some)
        status, told = verify()  # while the service runs
        assert (status, told["entries"], told["broken_at"]) == (0, 25, None)
        head = told["head"]
        rig.do(_some)
        assert verify("--head", head)[0] == 0

        async def cut(conn: AsyncConnection) -> None:
            await databases.unlock_audit(conn)
            await conn.execute(text("DELETE FROM audit WHERE no > 20"))

        rig.do(cut)
        assert verify()[0] == 0  # a cut-off end does not show …
        status, told = verify("--head", head)  # … but by a hash that was kept
        assert (status, "cut off" in told["found"]) == (1, True)

        async def change(conn: AsyncConnection) -> None:
            await databases.unlock_audit(conn)
            await conn.execute(text("UPDATE audit SET actor = 'user:x' WHERE no = 7"))

        rig.do(change)
        status, told = verify()
        assert (status, told["broken_at"]) == (1, 7)
    assert cli.main(["audit", "verify", "--folder", str(tmp_path / "s")]) == 1
    assert "from entry 7 on" in capsys.readouterr().out
