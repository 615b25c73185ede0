"""Every vector of the vendor's pages and of the known client mistakes, by origin (devices.md A.2 to A.7)."""

from __future__ import annotations

import pytest

from recorder.protocols.e4_events import Band, Command, Malformed, News, Reply, Sample
from recorder.protocols.e4_server import (
    CommandDecoder,
    E4Decoder,
    as_float,
    battery_fraction,
    format_command,
    format_reply,
    format_sample,
    parse_line,
)

STAMP_US = 123345627891_123000


def one(line: str) -> object:
    events = E4Decoder().feed(line.encode() + b"\r\n")
    assert len(events) == 1
    return events[0]


# --- vendor: data lines --------------------------------------------------------------------------------------


def test_vendor_acc_in_64ths_of_g() -> None:
    sample = one("E4_Acc 123345627891.123 51 -2 -10")
    assert sample == Sample("acc", STAMP_US, ((51, 0), (-2, 0), (-10, 0)))
    assert [m / 64 for m, _ in sample.values] == [0.796875, -0.03125, -0.15625]


@pytest.mark.parametrize(
    ("line", "kind", "value"),
    [
        ("E4_Bvp 123345627891.123 31.128", "bvp", 31.128),
        ("E4_Gsr 123345627891.123 3.129", "gsr", 3.129),
        ("E4_Gsr 123345627891,123 3,129", "gsr", 3.129),
        ("E4_Temperature 123345627891.123 35.82", "tmp", 35.82),
        ("E4_Temp 123345627891.123 35.82", "tmp", 35.82),
        ("E4_Ibi 123345627891.123 0.822", "ibi", 0.822),
        ("E4_Hr 123345627891.123 142.2156", "hr", 142.2156),
        ("E4_Battery 123345627891.123 0.2", "bat", 0.2),
    ],
)
def test_vendor_single_values(line: str, kind: str, value: float) -> None:
    sample = one(line)
    assert isinstance(sample, Sample)
    assert (sample.kind, sample.stamp_us) == (kind, STAMP_US)
    assert as_float(sample.values[0]) == value


def test_vendor_ibi_is_73_beats_a_minute() -> None:
    sample = one("E4_Ibi 123345627891.123 0.822")
    assert isinstance(sample, Sample)
    assert round(60 / as_float(sample.values[0]), 2) == 72.99


def test_vendor_battery_and_the_percent_alias() -> None:
    for line in ("E4_Battery 123345627891.123 0.2", "E4_Batt 123345627891.123 20"):
        sample = one(line)
        assert isinstance(sample, Sample)
        assert battery_fraction(sample.values[0]) == 0.2


def test_vendor_tag_with_and_without_a_value() -> None:
    assert one("E4_Tag 123345627891.123") == Sample("tag", STAMP_US)
    assert one("E4_Tag 123345627891.123 1") == Sample("tag", STAMP_US, ((1, 0),))


# --- vendor: replies -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        (
            "R device_list 2 | 9ff167 Empatica_E4 | 7a3166 Empatica_E4",
            Reply("device_list", "list", bands=(Band("9ff167"), Band("7a3166"))),
        ),
        ("R device_list 0", Reply("device_list", "list")),
        (
            "R device_discover_list 2 | 9ff167 Empatica_E4 allowed | 7a3166 Empatica_E4 not_allowed",
            Reply("device_discover_list", "list", bands=(Band("9ff167"), Band("7a3166", allowed=False))),
        ),
        (
            "R device_subscribe bvp ERR You are not connected to any device",
            Reply("device_subscribe", "error", "bvp", "You are not connected to any device"),
        ),
        ("R device_subscribe gsr OK", Reply("device_subscribe", "ok", "gsr")),
        ("R pause ON", Reply("pause", "on")),
        ("R pause OFF", Reply("pause", "off")),
        (
            "R pause ERR You are not connected to any device",
            Reply("pause", "error", "", "You are not connected to any device"),
        ),
        ("R device_connect OK", Reply("device_connect", "ok")),
        (
            "R device_connect ERR The device requested for connection is not available.",
            Reply("device_connect", "error", "", "The device requested for connection is not available."),
        ),
        (
            "R device_connect ERR the device requested for connection is not available",
            Reply("device_connect", "error", "", "the device requested for connection is not available"),
        ),
        (
            "R device_connect_btle ERR The device is not registered with the API key",
            Reply("device_connect_btle", "error", "", "The device is not registered with the API key"),
        ),
        ("R device_disconnect OK", Reply("device_disconnect", "ok")),
        (
            "R device_disconnect ERR No connected device.",
            Reply("device_disconnect", "error", "", "No connected device."),
        ),
        ("R server_status OK", Reply("server_status", "ok")),
    ],
)
def test_vendor_replies_both_ways(line: str, reply: Reply) -> None:
    assert one(line) == reply
    assert format_reply(reply) == line.encode() + b"\r\n"


@pytest.mark.parametrize(
    ("line", "news"),
    [
        ("R connection lost to device 9ff167", News("link-lost", "9ff167")),
        ("R connection re-established to device 9ff167", News("link-back", "9ff167")),
        ("R device 9ff167 turned off via button", News("turned-off", "9ff167")),
    ],
)
def test_vendor_news_both_ways(line: str, news: News) -> None:
    """open-e4-client crashes on the first of these."""
    assert one(line) == news
    assert format_reply(news) == line.encode() + b"\r\n"


# --- known client mistakes -----------------------------------------------------------------------------------


def test_pyempatica_keeps_only_the_first_record_of_a_read() -> None:
    data = b"".join(b"E4_Bvp 1.%d 2.5\n" % i for i in range(300))
    assert len(E4Decoder().feed(data)) == 300


def test_e4_lsl_loses_a_line_cut_between_two_reads() -> None:
    decoder = E4Decoder()
    events = [
        *decoder.feed(b"E4_Bvp 1.0 2."),
        *decoder.feed(b"5\r\nR pause OFF\r\nE4_G"),
        *decoder.feed(b"sr 1.0 0.1\r\n"),
    ]
    assert events == [
        Sample("bvp", 1_000_000, ((25, 1),)),
        Reply("pause", "off"),
        Sample("gsr", 1_000_000, ((1, 1),)),
    ]


def test_malformed_lines_are_counted_and_the_stream_goes_on() -> None:
    decoder = E4Decoder()
    events = decoder.feed(b"E4_Bvp abc\r\n\r\n\xff\xfe\r\nE4_Bvp 1.0 2.5\r\n")
    assert [type(e) for e in events] == [Malformed, Malformed, Malformed, Sample]
    assert decoder.n_malformed == 3


# --- exactness -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stamp", ["1.1234567", "1e9", "-1.0", "nan", "", "1.2.3", "٣.0", "0x10", "1_000.0"])
def test_a_stamp_is_never_rounded_or_guessed(stamp: str) -> None:
    assert isinstance(parse_line(f"E4_Bvp {stamp} 1.0".encode()), Malformed)


@pytest.mark.parametrize(
    "value", ["nan", "inf", "--1", "1.2.3", "٣.0", "1_0.0", "0x1", "1e", "e5", "1e99", "."]
)
def test_a_value_is_a_decimal_number(value: str) -> None:
    assert isinstance(parse_line(f"E4_Bvp 1.0 {value}".encode()), Malformed)


def test_a_tiny_conductance_in_scientific_notation_is_exact() -> None:
    assert parse_line(b"E4_Gsr 1.0 9.155273E-05") == Sample("gsr", 1_000_000, ((9155273, 11),))


@pytest.mark.parametrize(
    "line", ["E4_Acc 1.0 1 2", "E4_Acc 1.0 1 2 3 4", "E4_Acc 1.0 1.5 2 3", "E4_Acc 1.0 1 2 40000"]
)
def test_acceleration_is_three_whole_numbers(line: str) -> None:
    assert isinstance(parse_line(line.encode()), Malformed)


def test_a_line_without_end_costs_no_memory_and_one_count() -> None:
    decoder = E4Decoder()
    for _ in range(100):
        assert decoder.feed(b"x" * 1000) in (
            [],
            [Malformed("the line is longer than any of this protocol", "")],
        )
    assert decoder.n_malformed == 1
    assert decoder.feed(b"tail\nE4_Bvp 1.0 2.5\n") == [Sample("bvp", 1_000_000, ((25, 1),))]


# --- the other side ------------------------------------------------------------------------------------------


def test_commands_both_ways() -> None:
    assert format_command(Command("device_subscribe", ("bvp", "ON"))) == b"device_subscribe bvp ON\r\n"
    decoder = CommandDecoder()
    assert decoder.feed(b"device_list\r\n\r\npause O") == [Command("device_list")]
    assert decoder.feed(b"N\n") == [Command("pause", ("ON",))]


def test_samples_as_the_server_writes_them() -> None:
    sample = Sample("bvp", 1700000000_015625, ((-25, 2),))
    assert format_sample(sample) == b"E4_Bvp 1700000000.015625 -0.25\r\n"
    assert format_sample(sample, comma=True) == b"E4_Bvp 1700000000,015625 -0,25\r\n"
