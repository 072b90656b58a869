"""Chinese first, English second.

Texts stand in the code in English; ``translations/zh_Hans_CN`` has the Chinese. The ``.po`` file is compiled in
memory when a process first needs it, so that a text edited there is seen without another step.
``python -m webui.catalogue`` brings the file up to date with the code; a test fails when a text is missing.
"""

from __future__ import annotations

from functools import cache, cached_property
from io import BytesIO
from pathlib import Path
from typing import Any

import flask_babel
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from flask import Flask, has_request_context, session
from flask_babel import Babel, Domain, get_locale

#: Locale → its name in its own language, in the order of the switch.
LANGUAGES = {"zh_Hans_CN": "中文", "en": "English"}
DEFAULT = "zh_Hans_CN"
TRANSLATIONS = Path(__file__).resolve().parent / "translations"
_HTML = {"zh_Hans_CN": "zh-CN", "en": "en"}


def catalogue_file(locale: str) -> Path:
    """Where a locale's texts are."""
    return TRANSLATIONS / locale / "LC_MESSAGES" / "messages.po"


@cache
def compiled(locale: str) -> NullTranslations:
    """A locale's texts, ready to be looked up; English needs none."""
    file = catalogue_file(locale)
    if not file.exists():
        return NullTranslations()
    with file.open("rb") as po:
        catalogue = read_po(po, locale=locale)
    mo = BytesIO()
    write_mo(mo, catalogue)
    mo.seek(0)
    return Translations(mo)


class _Texts(Domain):  # type: ignore[misc]  # Flask-Babel has no types
    def get_translations(self) -> NullTranslations:
        return compiled(str(get_locale() or DEFAULT))


class _Babel(Babel):  # type: ignore[misc]
    @cached_property
    def domain_instance(self) -> _Texts:
        return _Texts()


def init_i18n(app: Flask) -> None:
    """Put the languages on the app."""
    _Babel(app, default_locale=DEFAULT, default_timezone="Asia/Shanghai", locale_selector=language)
    app.jinja_env.globals.update(languages=LANGUAGES, language=language, html_lang=lambda: _HTML[language()])
    app.jinja_env.policies["ext.i18n.trimmed"] = True


def gettext(text: str, **values: Any) -> str:
    """A text in the language of this request; ``%(name)s`` in it is replaced by the value of that name."""
    return str(flask_babel.gettext(text, **values))


def lazy_gettext(text: str) -> Any:
    """A text that is looked up when it is shown: for tables of words."""
    return flask_babel.lazy_gettext(text)


def language() -> str:
    """The language chosen; Chinese until somebody chooses."""
    chosen = session.get("language") if has_request_context() else None
    return chosen if chosen in LANGUAGES else DEFAULT
