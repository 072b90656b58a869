"""What can be wrong with a prompt, in the words of whoever is told: English and Chinese."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from appliance.errors import MediaError

Language = Literal["en", "zh"]

MESSAGES: Mapping[str, tuple[str, str]] = {
    # The file
    "too-large": ("the file is larger than {most_mb} MB", "文件超过 {most_mb} MB"),
    "too-long": ("the recording is longer than {most_s} seconds", "录音超过 {most_s} 秒"),
    "too-short": ("the recording is shorter than a tenth of a second", "录音不足 0.1 秒"),
    "not-sound": (
        "not a sound file that can be read (WAV, MP3, FLAC, OGG), whatever its name says",
        "不是可识别的音频文件（WAV、MP3、FLAC、OGG），与扩展名无关",
    ),
    "too-many-channels": ("the recording has more than 8 channels", "录音超过 8 个声道"),
    "strange-rate": (
        "the recording's sampling rate is not between 4 and 192 kHz",
        "录音的采样率不在 4 至 192 kHz 之间",
    ),
    "damaged": ("the file is damaged: it cannot be read to its end", "文件已损坏，无法完整读取"),
    "silent": ("there is nothing to hear in the recording", "录音中没有声音"),
    "not-written": (
        "the prompt cannot be written: is the disk full?",
        "语音无法写入，请检查磁盘空间",
    ),
    "no-file": ("no file was chosen", "没有选择文件"),
    # Names
    "bad-name": (
        "not a prompt's name (small letters, digits, -, at most 60): {name}",
        "不是合法的语音名称（小写字母、数字、-，最多 60 个）：{name}",
    ),
    "bad-title": ("the title is longer than 100 characters", "标题超过 100 个字"),
    "unknown-name": (
        "nothing plays a prompt of this name; add it by itself if it is meant: {name}",
        "没有用到名为 {name} 的语音；如确需新增，请单独添加",
    ),
    "twice": ("there are two files for {name}; the first one was taken", "{name} 有两个文件，已采用第一个"),
    "unknown-account": ("there is no account {account}", "没有企业 {account}"),
    # Versions
    "unknown-prompt": ("the account has no prompt {name} of its own", "企业没有自己的语音 {name}"),
    "unknown-version": ("{name} has no version {version}", "{name} 没有版本 {version}"),
    "version-gone": (
        "the file of version {version} of {name} is missing or was changed",
        "{name} 版本 {version} 的文件缺失或被改动",
    ),
    "no-version-before": ("{name} has no version before this one", "{name} 没有更早的版本"),
    "no-default": (
        "there is no default {name}; a caller would hear nothing: {used_by}",
        "没有默认语音 {name}，主叫将听不到声音：{used_by}",
    ),
    # Folders and archives
    "not-a-zip": ("the ZIP archive cannot be read", "ZIP 压缩包无法读取"),
    "zip-encrypted": ("the ZIP archive is encrypted", "ZIP 压缩包已加密"),
    "too-many-files": ("more than {most} files at once", "一次超过 {most} 个文件"),
    "too-much": ("more than {most_mb} MB at once", "一次超过 {most_mb} MB"),
    # Text-to-speech
    "speech-off": (
        "text-to-speech is switched off on this box (setting tts_engine)",
        "本机未启用语音合成（设置 tts_engine）",
    ),
    "speech-missing": (
        "{program} is not installed on this box: apt-get install espeak-ng",
        "本机未安装 {program}：apt-get install espeak-ng",
    ),
    "speech-failed": ("text-to-speech failed: {why}", "语音合成失败：{why}"),
    "speech-slow": ("text-to-speech took longer than {seconds} seconds", "语音合成超过 {seconds} 秒未完成"),
    "text-empty": ("there is no text to say", "没有要合成的文字"),
    "text-long": ("the text is longer than {most} characters", "文字超过 {most} 个字"),
}


class PromptFault(MediaError):
    """Nothing was changed; ``code`` and ``values`` say why. As a text it is English."""

    def __init__(self, code: str, **values: object) -> None:
        super().__init__(render(code, values))
        self.code = code
        self.values = values

    def words(self, language: Language) -> str:
        """Why, in a language."""
        return render(self.code, self.values, language)


def render(code: str, values: Mapping[str, object], language: Language = "en") -> str:
    """The text of ``code`` with ``values`` put in."""
    return MESSAGES[code][language == "zh"].format(**values)
