"""Stretches of a file become one waveform: missing samples are gaps, overlapping ones are left out and counted."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from recorder.exchange.sources.channel_roles import role_of, says_simulated, slug
from recorder.exchange.sources.pieces import Piece, present_runs, waveform_of
from recorder.schema import Channel, StreamInfo
from recorder.schema.streams import check_id

INFO = StreamInfo("d.w", "d", "waveform", (Channel("w", "1"),), "float32", 50.0)
PERIOD_NS = 20_000_000


@given(st.lists(st.booleans(), min_size=1, max_size=60))
def test_runs_cover_exactly_what_is_there(missing):
    flags = np.array(missing)
    covered = np.concatenate(
        [np.arange(a, b) for a, b in present_runs(flags, len(flags))] or [np.empty(0, int)]
    )
    assert covered.tolist() == np.flatnonzero(~flags).tolist()


@given(st.lists(st.booleans(), min_size=1, max_size=60), st.integers(1, 7))
def test_cut_into_pieces_or_not_is_the_same(missing, size):
    flags = np.array(missing)
    values = np.arange(len(flags), dtype=np.float32)
    whole, _ = waveform_of(INFO, [Piece(0, values, flags)])
    cut = [
        Piece(k * PERIOD_NS, values[k : k + size], flags[k : k + size]) for k in range(0, len(flags), size)
    ]
    parts, _ = waveform_of(INFO, cut)
    assert (whole is None) == (parts is None) == bool(flags.all())
    if whole is not None and parts is not None:
        assert whole.values.ravel().tolist() == parts.values.ravel().tolist() == values[~flags].tolist()
        assert (whole.first_wall_ns, whole.breaks) == (parts.first_wall_ns, parts.breaks)
        times = [t + (k - a) * PERIOD_NS for a, b, t in whole.runs for k in range(a, b)]
        assert times == (np.flatnonzero(~flags) * PERIOD_NS).tolist()


def test_what_overlaps_is_left_out_and_counted():
    one = np.arange(10, dtype=np.float32)
    wave, overlapping = waveform_of(
        INFO, [Piece(0, one), Piece(5 * PERIOD_NS, one), Piece(10 * PERIOD_NS, one)]
    )
    assert (len(wave.values), wave.breaks, overlapping) == (20, (), 10)


def test_roles_by_name_and_unit():
    known = {
        ("PLETH", "NU"): "ppg", ("ABP", "mmHg"): "abp_wave", ("ART", "mmHg"): "abp_wave", ("ABP", "V"): "",
        ("CVP", "mmHg"): "cvp", ("PAP", "mmHg"): "", ("RESP", ""): "resp", ("Resp. Imp.", ""): "resp",
        ("II", "mV"): "ecg", ("V5", "mV"): "ecg", ("MLII", "mV"): "ecg", ("ECG lead II", "mV"): "ecg", ("vx", "mV"): "",
        ("MCL1", "mV"): "ecg", ("Accel X", "g"): "acc", ("CO2", ""): "", ("Volume", "mL"): "", ("avr", "mV"): "ecg",
        ("e4.bvp SIM", "NU"): "ppg", ("cnap.wave", "mmHg"): "abp_wave", ("adc.wave est. SIM", "V"): "",
        ("e4.acc x", "g"): "acc", ("e4.eda", "uS"): "", ("4.5 Hz", ""): "",
    }  # fmt: skip
    assert {key: role_of(*key) for key in known} == known


@given(st.text(max_size=60), st.lists(st.text(max_size=10), max_size=5))
def test_every_name_is_a_stream_id(name, others):
    taken = []
    for one in [name, *others, name]:
        found = slug(one, taken)
        check_id(f"wfdb.{found}", "stream id")
        assert found not in taken
        taken.append(found)


def test_simulated_is_said_in_words():
    assert says_simulated("# SIMULATED, no person was measured")
    assert not says_simulated("dissimulated", "stimulated")
