"""G.711, tones, WAV files, RTP, keys and the jitter buffer, without any network."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rtpsynth import RtpUtils

from appliance.miniswitch import g711, rtp, sound, tones
from appliance.miniswitch.recording import Recording, RecordingWriter
from appliance.miniswitch.rtp import JitterBuffer, KeyReader, Packet, Writer


def test_mu_law_agrees_with_another_implementation() -> None:
    """All 256 codes, and every sample to within half a step."""
    assert [int(g711.decode(0, bytes([code]))[0]) for code in range(256)] == [
        RtpUtils.ulaw2linear(code) for code in range(256)
    ]


def test_a_law_is_the_one_of_the_recommendation() -> None:
    """Values of ITU-T G.711 table 1a, 16-bit: smallest, largest, a step in between, both signs."""
    known = {0xD5: 8, 0x55: -8, 0xAA: 32256, 0x2A: -32256, 0xD4: 24, 0x80: 5504, 0xC5: 264, 0x45: -264}
    assert {code: int(g711.decode(8, bytes([code]))[0]) for code in known} == known
    assert g711.encode(8, g711.decode(8, bytes(range(256)))) == bytes(range(256))


@given(st.integers(-32768, 32767), st.sampled_from([0, 8]))
def test_coding_stays_near(sample: int, law: int) -> None:
    """No sample comes back further away than half of its step."""
    back = int(g711.decode(law, g711.encode(law, np.array([sample], dtype=np.int16)))[0])
    assert abs(back - sample) <= max(16, abs(sample) // 30)
    across = g711.transcode(law, 8 - law, g711.encode(law, np.array([sample], dtype=np.int16)))
    assert abs(int(g711.decode(8 - law, across)[0]) - sample) <= max(32, abs(sample) // 12)


def test_tones() -> None:
    """Length, pitch, silence in between, repeats, loudness."""
    tone = tones.parse("tone_stream://%(200,100,450,500);loops=3")
    assert (len(tone.samples), tone.loops) == (2400, 3)
    assert not tone.samples[1600:].any()
    pitches = np.abs(np.fft.rfft(tone.samples[:1600]))
    assert set(np.argsort(pitches)[-2:] * 5) == {450, 500}
    assert tones.parse("%(1000,4000,450);loops=-1").loops == tones.FOREVER
    assert len(tones.parse("L=2;%(100,0,440);%(50,0,880)").samples) == 2 * (800 + 400)
    quiet, loud = (np.abs(tones.parse(f"v={volume};%(100,0,440)").samples).max() for volume in (-20, 0))
    assert 9 < loud / quiet < 11


@pytest.mark.parametrize(
    "text", ["", "beep", "%(100)", "%(a,b,c)", "%(99999999,0,440)", "${system x}", "%(-1,0,4)"]
)
def test_what_is_no_tone(text: str) -> None:
    """Refused with a typed error, and to a caller a sound that is not there."""
    with pytest.raises(tones.ToneError):
        tones.parse(text)
    with pytest.raises(sound.SoundNotFound):
        sound.load(f"tone_stream://{text}", 8)


def play_all(player: sound.Player, most: int = 1000) -> list[bytes]:
    """Every frame of a player."""
    frames: list[bytes] = []
    while (frame := player.next()) is not None and len(frames) < most:
        frames.append(frame)
    return frames


def test_several_sounds() -> None:
    """One behind the other without a frame between, a silence before the first, the missing passed over."""
    tones_of = "tone_stream://%(400,0,400)", "/nowhere.wav", "tone_stream://%(600,0,600)"
    assert len(play_all(sound.Player(*sound.load_all("file_string://" + "!".join(tones_of), 8)))) == 13 + 20 + 30
    assert len(play_all(sound.Player(*sound.load_all("file_string://" + "!".join(tones_of[1:]), 8)))) == 30
    with pytest.raises(sound.SoundNotFound):
        sound.load_all("file_string:///nowhere.wav!/nor-here.wav", 8)
    player = sound.Player(*sound.load_all("file_string://" + "!".join(tones_of), 8))
    player.next()
    player.broken_off = True
    assert (play_all(player), player.done) == ([], True)


def test_playing() -> None:
    """Loops, an end, a silence of a length, one without end."""
    player = sound.Player(sound.load("tone_stream://%(40,0,440);loops=2", 8))
    frames = play_all(player)
    assert len(frames) == 4
    assert frames[:2] == frames[2:]
    assert player.done
    assert len(play_all(sound.Player(sound.load("silence_stream://50", 8)))) == 3
    assert len(play_all(sound.Player(sound.load("silence_stream://-1", 0)), 500)) == 500
    with pytest.raises(sound.SoundNotFound):
        sound.load("silence_stream://long", 8)


def write_wav(path: Path, rate: int, channels: int, hertz: float) -> None:
    """One second of a sine."""
    with wave.open(str(path), "wb") as file:
        file.setparams((channels, 2, rate, 0, "NONE", ""))
        one = (np.sin(np.arange(rate) / rate * 2 * np.pi * hertz) * 10000).astype("<i2")
        file.writeframes(np.repeat(one[:, None], channels, axis=1).tobytes())


@pytest.mark.parametrize(("rate", "channels"), [(8000, 1), (16000, 1), (44100, 2), (48000, 1)])
def test_files_of_any_rate(tmp_path: Path, rate: int, channels: int) -> None:
    """A second stays a second, the pitch stays the pitch."""
    path = tmp_path / "sound.wav"
    write_wav(path, rate, channels, 700)
    loaded = sound.load(str(path), 8)
    assert loaded.frames == 50
    samples = g711.decode(8, loaded.data)
    assert np.argmax(np.abs(np.fft.rfft(samples))) == 700
    assert 9000 < np.abs(samples).max() < 11000
    write_wav(path, rate, channels, 300)
    assert np.argmax(np.abs(np.fft.rfft(g711.decode(8, sound.load(str(path), 8).data)))) == 300


def test_a_recording(tmp_path: Path) -> None:
    """Left is the own voice, right what is heard; nothing is silence; laws may change on the way."""
    writer = RecordingWriter()
    path = tmp_path / "new" / "folder" / "call.wav"
    recording = Recording(path, stereo=True, only_while_joined=False, writer=writer)
    own = g711.encode(8, np.full(160, 4000, dtype=np.int16))
    heard = g711.encode(0, np.full(160, -8000, dtype=np.int16))
    for number in range(120):
        recording.add(own if number < 60 else None, 8, heard if number >= 60 else None, 0)
    recording.add(heard, 0, own, 8)
    recording.close()
    recording.add(own, 8, own, 8)
    with wave.open(str(path)) as file:
        frames = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 160, 2).mean(axis=1)
    assert len(frames) == 121 == recording.frames
    assert np.allclose(frames[:60], (4000, 0), atol=100)
    assert np.allclose(frames[60:120], (0, -8000), atol=200)
    assert np.allclose(frames[120], (-8000, 4000), atol=200)
    mixed = Recording(tmp_path / "mono.wav", stereo=False, only_while_joined=False, writer=writer)
    mixed.add(own, 8, heard, 0)
    mixed.close()
    with wave.open(str(tmp_path / "mono.wav")) as file:
        assert file.getnchannels() == 1
        assert abs(np.frombuffer(file.readframes(160), "<i2").mean() + 4000) < 200
    writer.stop()
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(OSError):
        Recording(tmp_path / "file" / "call.wav", True, True, writer)


def test_packets() -> None:
    """What a writer writes, a reader reads; extensions, sources and padding are passed over."""
    writer = Writer()
    first, second = (rtp.parse(writer.packet(8, b"x" * 160, marker=mark)) for mark in (True, False))
    assert first is not None and second is not None
    assert (first.kind, first.marker, first.payload) == (8, True, b"x" * 160)
    assert (second.sequence - first.sequence) & 0xFFFF == 1
    header = bytes([0x80 | 0x20 | 0x10 | 1, 96, 0, 5, 0, 0, 0, 9, 0, 0, 0, 1])
    full = header + b"csrc" + b"\xbe\xde\0\1" + b"ext!" + b"payload" + b"\0\0\3"
    found = rtp.parse(full)
    assert found is not None
    assert (found.payload, found.stamp, found.sequence) == (b"payload", 9, 5)


@given(st.binary(max_size=80))
def test_rubbish_is_no_packet(data: bytes) -> None:
    """Never an exception."""
    rtp.parse(data)


def key(code: int, end: bool, length: int = 160) -> bytes:
    """The payload of one telephone-event packet."""
    return bytes([code, 10 | end << 7, length >> 8, length & 255])


def test_keys() -> None:
    """One key an event, also when its end is lost; the same key twice is two events."""
    reader = KeyReader()
    heard = [reader.feed(key(5, end), 1000) for end in (False, False, True, True, True)]
    assert heard == ["", "", "5", "", ""]
    assert [reader.feed(key(5, end), 2000) for end in (False, True)] == ["", "5"]
    assert reader.feed(key(10, False), 3000) == ""
    assert reader.feed(key(11, True), 4000) == "*#"
    assert reader.feed(key(16, True), 5000) == ""
    assert reader.feed(b"\x01", 6000) == ""


def packets(*numbers: int, size: int = 160) -> list[Packet]:
    """Packets whose payload tells their number."""
    return [Packet(8, False, number & 0xFFFF, number * 160, bytes([number & 255]) * size) for number in numbers]


def test_the_jitter_buffer() -> None:
    """Waits for two frames, drops doubles and the late, takes any packet length, keeps a bound."""
    buffer = JitterBuffer()
    assert buffer.take() is None
    for packet in packets(65535, 65536, 65535, 65537):
        buffer.put(packet)
    assert [frame[0] for frame in (buffer.take(), buffer.take(), buffer.take()) if frame] == [255, 0, 1]
    assert buffer.take() is None
    buffer.put(packets(65538)[0])
    assert [buffer.take() for _ in range(2)] == [None, None]
    assert buffer.take() is not None  # a lone frame is not kept for ever
    buffer = JitterBuffer()
    for packet in packets(1, 2, 3, size=240):
        buffer.put(packet)
    assert sum(buffer.take() is not None for _ in range(6)) == 4
    for packet in packets(*range(10, 40)):
        buffer.put(packet)
    frame = buffer.take()
    assert frame is not None and frame[0] == 38
