"""Who guesses at two replicas has the guesses of one."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, select

from hemoview.cloud import tables
from hemoview.cloud.identity import codes, throttle
from recorder.sync import signing
from tests.cloud.cloud_rig import Rig
from tests.cloud.people import account, browser, sign_in
from tests.services.mosquitto_rig import Broker, own_broker
from tests.services.replicas_rig import replica, settings_for, until

pytestmark = pytest.mark.services
Pair = tuple[Rig, Rig]


@pytest.fixture(scope="module")
def broker() -> Iterator[Broker]:
    with own_broker() as broker:
        yield broker


@pytest.fixture
def pair(tmp_path: Path, broker: Broker) -> Iterator[Pair]:
    settings = settings_for(tmp_path, broker)
    with replica(settings, 1) as one:
        one.ward("A", beds=3)
        until(lambda: one.service.lead.held)
        with replica(settings, 2, one) as two:
            yield one, two


def kept(rig: Rig) -> list[Any]:
    async def read(conn: Any) -> list[Any]:
        return list((await conn.execute(select(tables.wrong_try))).all())

    return rig.do(read)


def test_passwords(pair: Pair) -> None:
    one, two = pair
    account(one, "nurse")
    free = throttle.ACCOUNT.free
    at = cycle([browser(one, "10.0.0.1"), browser(two, "10.0.0.2")])
    said = [sign_in(next(at), "nurse", "wrong").status_code for _ in range(free + 2)]
    assert said == [401] * free + [429, 429]
    assert sign_in(browser(two, "10.0.0.3"), "nurse").status_code == 429
    assert not [row for row in kept(one) if "nurse" in str(row) or "10.0.0" in str(row)]
    for rig in pair:
        rig.clock.forward(throttle.ACCOUNT.first_s + 1)
    assert sign_in(browser(two, "10.0.0.3"), "nurse").status_code == 200
    assert sign_in(browser(one, "10.0.0.4"), "nurse", "wrong").status_code == 401  # counted anew, at both
    assert sign_in(browser(one, "10.0.0.4"), "nurse").status_code == 200


def test_a_right_one_writes_nothing_of_tries(pair: Pair) -> None:
    one, _ = pair
    account(one, "nurse")
    written: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        if "wrong_try" in statement and not statement.startswith("SELECT"):
            written.append(statement)

    engine = one.service.db.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    assert sign_in(browser(one, "10.0.0.1"), "nurse").status_code == 200
    assert (written, kept(one)) == ([], [])
    assert sign_in(browser(one, "10.0.0.1"), "nurse", "wrong").status_code == 401
    assert len(kept(one)) == 2 and written  # of the account and of the address
    event.remove(engine, "before_cursor_execute", note)


def test_a_browser_that_is_known_is_counted_by_itself_at_both(pair: Pair) -> None:
    one, two = pair
    account(one, "nurse")
    tablet = browser(one, "10.0.0.1")
    assert sign_in(tablet, "nurse").status_code == 200
    tablet.post("/v1/logout")
    at = cycle([browser(one, "10.0.0.9"), browser(two, "10.0.0.9")])
    for _ in range(throttle.ACCOUNT.free + 1):
        sign_in(next(at), "nurse", "wrong")
    there = browser(two, "10.0.0.1")
    there.cookies = tablet.cookies
    assert sign_in(there, "nurse").status_code == 200


def test_codes_of_enrolment(pair: Pair) -> None:
    at, key = cycle(pair), signing.new_key()

    def enrol() -> int:
        asked = signing.sign_enrolment(key, codes.new_code(), "pc", "bed-1")
        return int(next(at).http.post("/v1/enrol", json=asked.to_json()).status_code)

    said = [enrol() for _ in range(throttle.ADDRESS.free + 2)]
    assert said == [403] * throttle.ADDRESS.free + [429, 429]
