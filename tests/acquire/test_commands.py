"""The command desk: a retry is carried out once, one client controls, every answer is a reply."""

import pytest

from recorder.acquire import wire
from recorder.acquire.commands import REMEMBERED, CommandDesk, Control, Verb
from recorder.acquire.wire import Request
from recorder.errors import ConfigError, SessionRefused, StationError


class Desk:
    def __init__(self) -> None:
        self.changes: list[tuple[str, str]] = []
        self.runs: list[str] = []
        verbs = {
            "look": Verb(self.run, once=False),
            "mark": Verb(self.run),
            "start": Verb(self.run, control=True),
            "refuse": Verb(self.refuse),
        }
        self.desk = CommandDesk(verbs, Control(lambda new, old: self.changes.append((new, old))))

    def run(self, request: Request) -> dict:
        self.runs.append(request.request_id)
        return {"n": len(self.runs)}

    def refuse(self, request: Request) -> dict:
        self.runs.append(request.request_id)
        raise SessionRefused("no")

    def ask(self, verb: str, request_id: str = "1", client: str = "window") -> dict:
        request = Request(request_id, client, verb)
        known = self.desk.remembered(request)
        return wire.unpack_reply(known if known is not None else self.desk.answer(request))


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_a_retry_gets_the_first_answer_and_runs_once(desk: Desk) -> None:
    assert desk.ask("mark", "a") == desk.ask("mark", "a") == {"n": 1}
    assert desk.runs == ["a"]


def test_looking_is_not_remembered(desk: Desk) -> None:
    assert desk.ask("look", "a") == {"n": 1} and desk.ask("look", "a") == {"n": 2}


def test_a_refused_command_may_be_asked_again(desk: Desk) -> None:
    for _ in range(2):
        with pytest.raises(SessionRefused):
            desk.ask("refuse", "a")
    assert desk.runs == ["a", "a"]


def test_memory_is_bounded(desk: Desk) -> None:
    for n in range(REMEMBERED + 1):
        desk.ask("mark", str(n))
    assert desk.desk.remembered(Request("0", "window", "mark")) is None
    assert desk.desk.remembered(Request("1", "window", "mark")) is not None


def test_the_first_to_control_holds_it_and_a_second_must_take_it(desk: Desk) -> None:
    desk.ask("start", "1", client="window")
    with pytest.raises(StationError, match="window controls this station") as caught:
        desk.ask("start", "2", client="ward")
    assert caught.value.advice == "take-control"
    assert desk.ask("mark", "3", client="ward") == {"n": 2}  # markers come from anywhere
    desk.desk.control.take("ward")
    assert desk.ask("start", "4", client="ward") == {"n": 3}
    with pytest.raises(StationError, match="ward controls"):
        desk.ask("start", "5", client="window")
    assert desk.changes == [("window", ""), ("ward", "window")]


def test_control_is_given_back_only_by_its_holder(desk: Desk) -> None:
    desk.desk.control.take("window")
    desk.desk.control.release("ward")
    assert desk.desk.control.holder == "window"
    desk.desk.control.release("window")
    assert desk.desk.control.holder == "" and desk.changes[-1] == ("", "window")


def test_an_unknown_verb_names_those_there_are(desk: Desk) -> None:
    with pytest.raises(ConfigError, match="verb 'dance' is unknown; it knows look, mark, refuse, start"):
        desk.ask("dance")
