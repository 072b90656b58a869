"""espeak-ng as an engine of the text-to-speech port: Mandarin for trying, on a machine without internet.

Its voices for Mandarin are two. ``cmn`` reads Chinese characters that it does not know, and tones, in English;
``cmn-latn-pinyin`` reads pinyin with the tones' numbers. So the characters become pinyin here (pypinyin knows
phrases: 银行 háng, 行走 xíng), and espeak-ng reads that. Other voices get the text as it is.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from appliance.media.faults import PromptFault

PINYIN = "cmn-latn-pinyin"
#: Read otherwise by pypinyin's own phrases (打的 is a taxi).
_PHRASES = {"拨打的": [["bō"], ["dǎ"], ["de"]], "对不起": [["duì"], ["bu"], ["qǐ"]]}
_PUNCTUATION = str.maketrans("，。！？；：、“”‘’（）《》…—～", ",.!?;:,''''()'',,,")


@dataclass(frozen=True, slots=True)
class Espeak:
    """:param name: voice of espeak-ng; from the settings, which let no option through.
    :param rate: words a minute.
    """

    name: str = PINYIN
    rate: int = 150
    timeout_s: float = 20.0
    program: str = "espeak-ng"

    @property
    def voice(self) -> str:
        """Engine, voice and rate."""
        return f"espeak-ng {self.name} {self.rate}"

    def say(self, text: str, target: Path) -> None:
        """As the port says. The text goes in on standard input, where nothing is an option; markup is read out as
        text, for ``-m`` is not given."""
        read = pinyin(text) if self.name == PINYIN else text
        voice = ["-v", self.name, "-s", str(self.rate), "-b", "1"]
        command = [self.program, *voice, "--stdin", "-w", str(target.resolve())]
        try:
            done = subprocess.run(
                command, input=read.encode(), capture_output=True, timeout=self.timeout_s, check=False
            )
        except FileNotFoundError as error:
            raise PromptFault("speech-missing", program=self.program) from error
        except OSError as error:
            raise PromptFault("speech-failed", why=error.strerror or type(error).__name__) from error
        except subprocess.TimeoutExpired as error:
            raise PromptFault("speech-slow", seconds=round(self.timeout_s)) from error
        if done.returncode or not target.is_file() or target.stat().st_size <= 44:  # a WAV header alone
            said = done.stderr.decode("utf-8", "replace").strip().splitlines()
            raise PromptFault("speech-failed", why=said[-1][:200] if said else f"code {done.returncode}")


def pinyin(text: str) -> str:
    """Characters as syllables with their tones' numbers, the neutral one 5; all else as it is.

    >>> pinyin("银行，行走 400"), pinyin("重新选择")
    ('yin2 hang2 , xing2 zou3 400', 'chong2 xin1 xuan3 ze2')
    """
    from pypinyin import Style, lazy_pinyin, load_phrases_dict

    load_phrases_dict(_PHRASES)
    syllables = lazy_pinyin(text, style=Style.TONE3, neutral_tone_with_five=True)
    # [[ ]] would be phonemes to espeak-ng: the brackets go.
    joined = " ".join(syllables).translate(_PUNCTUATION).replace("[", " ").replace("]", " ")
    return " ".join(joined.split())
