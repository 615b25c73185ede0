"""Who must not see estimates does not by another way: a role elsewhere, a session hidden on the other path."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from hemoview.cloud import tables
from hemoview.cloud.custody import download
from hemoview.cloud.principals import Action, Grant, Principal, Role, may_see_estimates
from tests.cloud.cloud_rig import Rig
from tests.cloud.handover import Sender, golden
from tests.cloud.live_rig import SESSION
from tests.cloud.trends_rig import ask, put_rows, put_session

LOOKS = (Action.SEE_SESSION,)


def somebody(*grants: tuple[Role, str | None, str | None]) -> Principal:
    return Principal("user", "u", "user:u", tuple(Grant(*g) for g in grants))


@pytest.mark.parametrize(
    ("grants", "actions", "sees"),
    [
        ([(Role.ANNOTATOR, "A", None)], LOOKS, False),
        ([(Role.ANNOTATOR, "A", None), (Role.RESEARCHER, "B", None)], LOOKS, False),
        ([(Role.ANNOTATOR, None, None), (Role.OPERATOR, "B", None)], LOOKS, False),
        ([(Role.ANNOTATOR, "A", None), (Role.RESEARCHER, "A", None)], LOOKS, True),
        ([(Role.ANNOTATOR, "A", None), (Role.RESEARCHER, None, "S")], LOOKS, True),
        ([(Role.ANNOTATOR, "A", None), (Role.RESEARCHER, None, "T")], LOOKS, False),
        ([(Role.ANNOTATOR, "A", None), (Role.ADMIN, None, None)], (Action.READ_SAMPLES,), False),
        ([(Role.RESEARCHER, "A", None)], (Action.READ_SAMPLES,), True),
    ],
)
def test_a_role_elsewhere_does_not_open_a_raters_eyes(
    grants: list[tuple[Role, str | None, str | None]], actions: tuple[Action, ...], sees: bool
) -> None:
    who = somebody(*grants)
    assert may_see_estimates(who, *actions, hidden=False, ward_id="A", study_id="S") is sees
    assert not may_see_estimates(who, *actions, hidden=True, ward_id="A", study_id="S")


def synced(rig: Rig, bed: str = "A-1") -> Sender:
    sender = Sender(rig.http, rig.bedside(bed), golden(), session_id=SESSION)
    sender.hand_over()
    return sender


def change(rig: Rig, table: Any, **values: Any) -> None:
    async def run(conn: AsyncConnection) -> None:
        await conn.execute(update(table).where(table.c.id == SESSION).values(**values))

    rig.do(run)


def test_a_rater_of_one_ward_who_nurses_another_gets_no_folder_and_no_trend(rig: Rig) -> None:
    ward_a, ward_b = rig.ward("A"), rig.ward("B")
    synced(rig)
    put_session(rig, ward_a)
    put_rows(rig, range(3))
    both = rig.person("both", ("annotator", ward_a), ("researcher", ward_b))
    assert both.get(f"/v1/sessions/{SESSION}/download").status_code == 403
    assert ask(both, 0, 10).json()["est"] == [None] * 3
    manages = rig.person("manages", ("annotator", ward_a), ("admin", None))
    assert manages.get(f"/v1/sessions/{SESSION}/download").status_code == 403


def test_hidden_by_a_later_revision_is_hidden_in_trends(rig: Rig) -> None:
    ward = rig.ward("A")
    synced(rig)
    put_session(rig, ward)
    put_rows(rig, range(3))
    nurse = rig.person("n", ("operator", ward))
    assert ask(nurse, 0, 10).json()["est"] == [100.0, 101.0, 102.0]
    change(rig, tables.session, hidden=True)
    told = ask(nurse, 0, 10).json()
    assert told["hidden"] and told["est"] == [None] * 3 and told["ref"] == [101.0, 102.0, 103.0]


def test_a_download_ends_when_who_reads_is_locked_out(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    ward = rig.ward("A")
    synced(rig)
    reader = rig.person("r", ("researcher", ward))
    whole = reader.get(f"/v1/sessions/{SESSION}/download")
    assert zipfile.is_zipfile(io.BytesIO(whole.content))
    rig.clock.forward(60)  # whenever it is asked for, a revision is the same bytes
    monkeypatch.setattr(download, "CHECK_S", 0.0)
    assert reader.get(f"/v1/sessions/{SESSION}/download").content == whole.content
    readable, looks = download._readable, []

    async def hidden_meanwhile(*about: Any) -> Any:
        looks.append(about)
        if len(looks) == 3:  # the first lets the download begin
            async with rig.service.db.begin() as conn:
                await conn.execute(update(tables.session).values(hidden=True))
        return await readable(*about)

    monkeypatch.setattr(download, "_readable", hidden_meanwhile)
    with pytest.raises(RuntimeError, match="response already started"):  # the connection breaks off
        reader.get(f"/v1/sessions/{SESSION}/download")
    assert len(looks) == 3


def test_hidden_at_the_bed_is_hidden_in_custody_before_the_next_revision_says_so(rig: Rig) -> None:
    ward = rig.ward("A")
    synced(rig)
    change(rig, tables.session, state="open")
    put_session(rig, ward, hidden=True)
    reader = rig.person("r", ("researcher", ward))
    assert reader.get(f"/v1/sessions/{SESSION}").json()["hidden"]
    assert reader.get(f"/v1/sessions/{SESSION}/download").status_code == 403
    change(
        rig, tables.session, state="sealed"
    )  # once it is closed, its record decides: shown again in Review
    assert not reader.get(f"/v1/sessions/{SESSION}").json()["hidden"]
    assert reader.get(f"/v1/sessions/{SESSION}/download").status_code == 200
    put_rows(rig, range(3))
    assert ask(reader, 0, 10).json()["est"] == [100.0, 101.0, 102.0]
