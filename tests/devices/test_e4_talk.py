"""The conversation with the E4 streaming server: order, errors, time-outs, news."""

from __future__ import annotations

import pytest

from recorder.devices.contract import DriverEvent, Notice, Send
from recorder.devices.e4_talk import LINKING_TIMEOUT_S, NO_SAMPLE_S, REPLY_TIMEOUT_S, Conversation
from recorder.protocols.e4_events import SUBSCRIPTIONS, Band, News, Reply

S = 1_000_000_000
SERVER = "127.0.0.1:28000"


def sent(events: list[DriverEvent]) -> list[str]:
    return [event.data.decode().strip() for event in events if isinstance(event, Send)]


def notices(events: list[DriverEvent]) -> list[Notice]:
    return [event for event in events if isinstance(event, Notice)]


def bands(*serials: str) -> Reply:
    return Reply("device_list", "list", bands=tuple(Band(serial) for serial in serials))


def talk_to(state: str, *, band: str = "", t: int = 0) -> Conversation:
    """A conversation that has come to ``state``."""
    talk = Conversation(SERVER, band)
    talk.begin(t)
    steps = [bands("9ff167", "7a3166"), Reply("device_connect", "ok"), Reply("pause", "on")]
    steps += [Reply("device_subscribe", "ok", name) for name in SUBSCRIPTIONS]
    steps += [Reply("pause", "off")]
    for step in steps:
        if talk.state == state:
            return talk
        talk.reply(step, t)
    assert talk.state == state
    return talk


def test_the_good_pattern_one_command_in_flight_at_a_time() -> None:
    """devices.md A.6: connect, pause, subscribe all, resume, each after the answer to the one before."""
    talk = Conversation(SERVER)
    said = sent(talk.begin(0))
    said += sent(talk.reply(bands("9ff167", "7a3166"), 0))
    said += sent(talk.reply(Reply("device_connect", "ok"), 0))
    said += sent(talk.reply(Reply("pause", "on"), 0))
    for name in SUBSCRIPTIONS:
        answer = talk.reply(Reply("device_subscribe", "ok", name), 0)
        assert len(sent(answer)) == 1
        said += sent(answer)
    last = talk.reply(Reply("pause", "off"), 0)
    assert said == [
        "device_list",
        "device_connect 9ff167",
        "pause ON",
        *(f"device_subscribe {name} ON" for name in SUBSCRIPTIONS),
        "pause OFF",
    ]
    assert [notice.kind for notice in notices(last)] == ["ready"]
    assert (talk.state, talk.serial) == ("streaming", "9ff167")


def test_the_chosen_band_is_used_even_if_it_is_not_the_first() -> None:
    talk = Conversation(SERVER, "7a3166")
    talk.begin(0)
    assert sent(talk.reply(bands("9ff167", "7a3166"), 0)) == ["device_connect 7a3166"]


@pytest.mark.parametrize(
    ("state", "reply", "word"),
    [
        ("listing", bands(), "no wristband"),
        (
            "connecting",
            Reply("device_connect", "error", "", "The device requested for connection is not available."),
            "not available",
        ),
        ("pausing", Reply("pause", "error", "", "You are not connected to any device"), "not connected"),
        (
            "subscribing",
            Reply("device_subscribe", "error", "bvp", "You are not connected to any device"),
            "not connected",
        ),
        ("resuming", Reply("pause", "other", "", "what?"), "what?"),
    ],
)
def test_a_no_ends_the_conversation_and_tells_why(state: str, reply: Reply, word: str) -> None:
    talk = talk_to(state)
    (notice,) = notices(talk.reply(reply, 0))
    assert notice.fatal
    assert word in notice.message
    assert SERVER in notice.message
    assert talk.state == "failed"
    assert talk.tick(100 * S) == []


def test_a_band_that_is_not_there_is_named_with_those_that_are() -> None:
    talk = Conversation(SERVER, "abc123")
    talk.begin(0)
    (notice,) = notices(talk.reply(bands("9ff167"), 0))
    assert notice.fatal
    assert "abc123" in notice.message
    assert "9ff167" in notice.message


def test_a_refused_side_stream_is_named_and_the_others_go_on() -> None:
    talk = talk_to("subscribing")
    talk.reply(Reply("device_subscribe", "ok", "bvp"), 0)
    events = talk.reply(Reply("device_subscribe", "error", "acc", "no"), 0)
    assert [notice.kind for notice in notices(events)] == ["refused"]
    assert not notices(events)[0].fatal
    assert sent(events) == ["device_subscribe gsr ON"]


@pytest.mark.parametrize("state", ["listing", "connecting", "pausing", "subscribing", "resuming"])
def test_no_answer_is_a_reason_to_link_again(state: str) -> None:
    talk = talk_to(state)
    assert talk.tick(int(REPLY_TIMEOUT_S * S)) == []
    (notice,) = notices(talk.tick(int(REPLY_TIMEOUT_S * S) + 1))
    assert notice.fatal
    assert notice.kind == "no-answer"


def test_replies_to_other_questions_do_not_move_the_conversation() -> None:
    talk = talk_to("subscribing")
    for stray in (Reply("device_subscribe", "ok", "tag"), Reply("pause", "on"), Reply("server_status", "ok")):
        (notice,) = notices(talk.reply(stray, 0))
        assert notice.kind == "unexpected-reply"
        assert not notice.fatal
    assert talk.state == "subscribing"


def test_either_name_of_the_list_is_accepted() -> None:
    """The vendor's page echoes ``R device_list`` to ``device_discover_list``."""
    talk = Conversation(SERVER)
    talk.begin(0)
    events = talk.reply(Reply("device_discover_list", "list", bands=(Band("9ff167"),)), 0)
    assert sent(events) == ["device_connect 9ff167"]


def test_subscribed_but_no_sample_is_tried_once_more_then_given_up() -> None:
    """ble-client-windows issue 12: everything answers OK and nothing comes."""
    talk = talk_to("streaming")
    assert talk.tick(int(NO_SAMPLE_S * S)) == []
    t = int(NO_SAMPLE_S * S) + 1
    assert sent(talk.tick(t)) == ["device_subscribe bvp OFF"]
    assert sent(talk.reply(Reply("device_subscribe", "ok", "bvp"), t)) == ["device_subscribe bvp ON"]
    (notice,) = notices(talk.reply(Reply("device_subscribe", "ok", "bvp"), t))
    assert notice.kind == "resubscribed"
    assert talk.tick(t + int(NO_SAMPLE_S * S)) == []
    (notice,) = notices(talk.tick(t + int(NO_SAMPLE_S * S) + 1))
    assert notice.fatal
    assert notice.kind == "no-samples"
    assert "installer" in notice.message


def test_ibi_does_not_feed_the_watchdog_and_bvp_does() -> None:
    """empalink issue 2: IBI is absent for long stretches, and comes while BVP is gone."""
    talk = talk_to("streaming")
    talk.sample("ibi", 6 * S)
    assert sent(talk.tick(6 * S)) == ["device_subscribe bvp OFF"]
    talk = talk_to("streaming")
    talk.sample("bvp", 4 * S)
    assert talk.tick(8 * S) == []


def test_a_lost_radio_is_waited_for_because_subscriptions_survive() -> None:
    talk = talk_to("streaming")
    (lost,) = notices(talk.news(News("link-lost", "9ff167"), S))
    assert (lost.kind, lost.fatal) == ("signal-lost", False)
    assert talk.tick(60 * S) == []
    (back,) = notices(talk.news(News("link-back", "9ff167"), 61 * S))
    assert back.kind == "signal-back"
    assert talk.tick(65 * S) == []
    assert sent(talk.tick(67 * S)) == ["device_subscribe bvp OFF"]


def test_samples_prove_that_the_radio_is_back_even_unannounced() -> None:
    talk = talk_to("streaming")
    talk.news(News("turned-off", "9ff167"), S)
    (back,) = notices(talk.sample("bvp", 9 * S))
    assert back.kind == "signal-back"
    assert talk.sample("bvp", 10 * S) == []


def test_news_of_another_band_is_not_ours() -> None:
    talk = talk_to("streaming")
    assert talk.news(News("link-lost", "7a3166"), S) == []
    assert talk.link_lost_since_ns is None


def test_a_headless_server_is_asked_to_connect_the_band() -> None:
    talk = Conversation(SERVER, connects_bands=True)
    talk.begin(0)
    assert sent(talk.reply(bands(), 0)) == ["device_discover_list"]
    found = Reply("device_discover_list", "list", bands=(Band("zz", allowed=False), Band("9ff167")))
    assert sent(talk.reply(found, 0)) == ["device_connect_btle 9ff167"]
    assert talk.tick(int(LINKING_TIMEOUT_S * S)) == [], "a wireless connection may take long"
    assert sent(talk.reply(Reply("device_connect_btle", "ok"), 0)) == ["device_list"]


@pytest.mark.parametrize(("heard", "word"), [((Band("zz", allowed=False),), "API key"), ((), "hears no E4")])
def test_a_headless_server_without_a_usable_band_says_so(heard: tuple[Band, ...], word: str) -> None:
    talk = Conversation(SERVER, connects_bands=True)
    talk.begin(0)
    talk.reply(bands(), 0)
    (notice,) = notices(talk.reply(Reply("device_discover_list", "list", bands=heard), 0))
    assert notice.fatal
    assert word in notice.message


def test_a_new_connection_begins_anew() -> None:
    talk = talk_to("streaming")
    talk.news(News("link-lost", "9ff167"), S)
    assert sent(talk.begin(2 * S)) == ["device_list"]
    assert talk.link_lost_since_ns is None
    assert talk.serial == ""


def test_where_any_band_will_do_the_one_before_is_kept_and_a_change_is_told() -> None:
    talk = talk_to("streaming")
    talk.begin(S)
    events = talk.reply(bands("7a3166", "9ff167"), S)
    assert sent(events) == ["device_connect 9ff167"]
    assert notices(events) == []
    talk.begin(2 * S)
    events = talk.reply(bands("7a3166"), 2 * S)
    assert sent(events) == ["device_connect 7a3166"]
    (notice,) = notices(events)
    assert (notice.kind, notice.fatal) == ("other-band", False)
    assert "9ff167" in notice.message
