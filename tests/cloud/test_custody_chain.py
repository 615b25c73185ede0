"""The whole chain with the bedside's own courier: handed over, damaged and mended, erased on both sides."""

from __future__ import annotations

import io
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from hemoview.cloud.custody.scrub import scrub
from recorder import session as store
from recorder.sync import wire
from recorder.sync.orders import Desk, finder
from tests.cloud.cloud_rig import Rig
from tests.cloud.custody_rig import on_disk
from tests.cloud.sockets import real_socket
from tests.cloud.stores import lying
from tests.sync.sync_rig import Bedside, enrolled, session


@pytest.fixture
def bedside(rig: Rig, tmp_path: Path) -> Iterator[Bedside]:
    """Enrolled at a bed of the rig, over a real socket."""
    operator = rig.person("keeper", ("operator", rig.ward("A")))
    code = operator.post(f"/v1/beds/{rig.beds['A-1']}/enrolment").json()["code"]
    with real_socket(rig) as (host, port):
        yield enrolled(tmp_path / "home", f"http://{host}:{port}", code)


def obey(bedside: Bedside, folder: Path) -> list[str]:
    """A heartbeat, and what it asks for; kinds of the orders, each done."""
    with bedside.gear() as gear:
        me, now_us = bedside.identity, gear.now_us
        find = finder(lambda: [folder])
        desk = Desk(gear.outbox, gear.vault, me, bedside.station_folder, find, lambda _: False, now_us)
        beat = wire.Heartbeat(now_us(), time.monotonic_ns(), "recorder")
        orders = gear.service.heartbeat(beat).orders
        done = tuple(desk.carry_out(order) for order in orders)
        assert [one.outcome for one in done] == ["done"] * len(orders)
        again = wire.Heartbeat(now_us(), time.monotonic_ns(), "recorder", acknowledged=done)
        assert gear.service.heartbeat(again).orders == ()
    return [order.kind for order in orders]


def test_handed_over_damaged_mended_given_back_and_erased(rig: Rig, bedside: Bedside, tmp_path: Path) -> None:
    folder = session(tmp_path / "sessions" / ("a" * 32), 4)
    (first,) = bedside.bring(folder)
    assert (first.rev, first.sent > 0) == (1, True)
    name = min(on_disk(rig))
    blob = lying(rig.service.settings, name)
    content = bytearray(blob.read_bytes())
    content[0] ^= 1
    blob.write_bytes(bytes(content))
    assert rig.call(scrub, rig.service, 1.0).damaged == (name,)
    assert obey(bedside, folder) == ["resend"]
    (mended,) = bedside.bring(folder)
    assert mended.sent + mended.others_sent == 1
    assert rig.call(scrub, rig.service, 1.0).damaged == ()

    where = f"/v1/sessions/{first.session_id}"
    reply = rig.person("r", ("researcher", None)).get(f"{where}/download")
    with zipfile.ZipFile(io.BytesIO(reply.content)) as archive:
        archive.extractall(tmp_path / "back")
    report = store.verify(tmp_path / "back" / first.session_id)
    assert (report.ok, report.segments) == (True, store.verify(folder).segments)

    admin = rig.person("admin", ("admin", None))
    assert admin.post(f"{where}/erase", json={"reason": "consent withdrawn"}).status_code == 200
    assert obey(bedside, folder) == ["erase"]
    assert sorted(p.name for p in folder.iterdir()) == ["tombstone.json"]
    assert on_disk(rig) == set()
