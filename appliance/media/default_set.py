"""``python -m appliance.media.default_set FOLDER [NAME…]``: the default Mandarin set, made anew of ``texts.toml``
(developers only). It is synthetic and for trying; music is not made by it."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Collection
from pathlib import Path

from appliance.config import PROJECT_ROOT
from appliance.media.announcements import load_catalogue
from appliance.media.convert import Limits, convert
from appliance.media.espeak import Espeak
from appliance.media.speech import Speaker

DEFAULT_SET = PROJECT_ROOT / "freeswitch-scripts" / "prompts" / "zh"
#: What a number follows.
_STRUNG = ("queue-place", "queue-wait", "queue-callback", "callback-number", "callback-line", "whisper-from")


def make(folder: Path, names: Collection[str] = (), speaker: Speaker | None = None) -> list[Path]:
    """Make the prompts (all of them, where none is named) in ``folder``; what was made.

    Pinyin is given by hand, so that no dictionary's change changes the set.

    :raises PromptFault: the engine is missing or failed.
    """
    catalogue = load_catalogue(DEFAULT_SET)
    # The pinyin is read by the voice for it, which reads Latin text as pinyin whatever else is asked.
    speaker = speaker or Espeak(catalogue.voice, catalogue.rate)
    made = []
    with tempfile.TemporaryDirectory() as said:
        for one in catalogue.announcements.values():
            if not one.pinyin or (names and one.name not in names):
                continue
            raw = Path(said) / f"{one.name}.wav"
            speaker.say(one.pinyin, raw)
            made.append(folder / f"{one.name}.wav")
            # What is strung together follows without a pause.
            convert(raw, made[-1], Limits(), trim=one.group == "numbers" or one.name in _STRUNG)
    return made


if __name__ == "__main__":
    print(*make(Path(sys.argv[1]), sys.argv[2:]), sep="\n")  # noqa: T201 - its way to speak
