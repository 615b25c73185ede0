"""Bedsides over the broker where a service is two replicas: whichever leads takes them in, and all show them."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.testclient import WebSocketTestSession

from recorder.sync.uplink import topics as uplink_topics
from recorder.sync.uplink.transport import LinkEnded
from tests.cloud.cloud_rig import Bedside
from tests.cloud.live_rig import message
from tests.services.broker_rig import Given, MqttTransport, device_pass, pass_of
from tests.services.mosquitto_rig import Broker, own_broker
from tests.services.replicas_rig import browser, count, replica, settings_for, until

pytestmark = pytest.mark.services

EVERY_S = 0.4


@contextmanager
def telling(broker: Broker, keys: Path, bedside: Bedside) -> Iterator[list[LinkEnded]]:
    """A bedside over the broker, that comes again when its link has ended; why each did."""
    raw = bedside.key.public_key().public_bytes_raw()
    name = uplink_topics.name_of(bedside.id, raw)
    pem = device_pass(keys, name, raw)
    given = pass_of(broker, bedside.id, bedside.key, pem)
    transport = MqttTransport(Given(lambda: given), name)
    over, ended, seqs = threading.Event(), [], itertools.count(1)

    def tell() -> None:
        while not over.is_set():
            link = None
            try:
                link = transport.open(lambda: None)
                for n in itertools.count():
                    if over.wait(EVERY_S):
                        return
                    told = message(next(seqs))
                    whole = n % 10 == 0
                    kept = told if whole else {k: v for k, v in told.items() if k not in ("head", "footer")}
                    link.send(json.dumps(kept))
            except LinkEnded as why:
                ended.append(why)
                over.wait(EVERY_S)
            finally:
                if link is not None:
                    link.close()

    thread = threading.Thread(target=tell)
    thread.start()
    try:
        yield ended
    finally:
        over.set()
        thread.join()


def seq_of(page: WebSocketTestSession, bed_id: str, wait_s: float = 20.0) -> int:
    """Of the next message that is shown of a bed."""
    until_s = time.monotonic() + wait_s
    while time.monotonic() < until_s:
        told = json.loads(page.receive_text())
        if told["type"] == "bed" and told["bed_id"] == bed_id:
            return int(told["msg"]["seq"])
    raise AssertionError("it never came")


def test_whichever_replica_leads_takes_bedsides_in_and_all_show_them(tmp_path: Path) -> None:
    listens = "hemoview_live_broker_listening"
    with own_broker(tmp_path / "keys") as broker, ExitStack() as stack, ExitStack() as first:
        settings = replace(settings_for(tmp_path, broker), bus_public_url=broker.settings.bus_public_url)
        one = first.enter_context(replica(settings, 1))
        ward_id = one.ward("A", beds=2)
        until(lambda: count(one, listens) == 1)
        two = stack.enter_context(replica(settings, 2, one))
        bedside, bed_id = one.bedside("A-1"), one.beds["A-1"]
        with telling(broker, tmp_path / "keys", bedside) as ended:
            with browser(one, ward_id, "n1") as near, browser(two, ward_id, "n2") as far:
                seqs = [seq_of(near, bed_id) for _ in range(4)]
                assert seqs == list(range(seqs[0], seqs[0] + 4))
                assert seq_of(far, bed_id) > 0
                assert count(two, listens) == 0 and not ended
            first.close()  # the leader ends, as in an update
            until(lambda: count(two, listens) == 1)
            with browser(two, ward_id, "n3") as page:
                later = [seq_of(page, bed_id) for _ in range(4)]
            assert later == list(range(later[0], later[0] + 4)) and later[0] > seqs[-1]
            assert all(not why.told for why in ended), "nobody was shown out"
            # revoked at a replica while it leads: told by it
            admin = two.person("admin", ("admin", None))
            admin.post(f"/v1/devices/{bedside.id}/revoke").raise_for_status()
            until(lambda: any("revoked" in why.why for why in ended), wait_s=60)
