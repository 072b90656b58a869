"""``python -m webui.catalogue``: bring the Chinese texts' file up to date with the code (developers only)."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from webui.i18n import DEFAULT, catalogue_file

_SOURCES = [
    ("views/**.py", "python"),
    ("api/**.py", "python"),
    ("**.py", "python"),
    ("templates/**.html", "jinja2"),
]
_OPTIONS = {"templates/**.html": {"trimmed": "true"}}
_KEYWORDS = {"_": None, "gettext": None, "lazy_gettext": None, "ngettext": (1, 2)}


def extracted() -> Catalog:
    """Every text of the code and the templates."""
    catalogue = Catalog(project="gateway400", fuzzy=False)
    found = extract_from_dir(
        str(Path(__file__).resolve().parent), _SOURCES, options_map=_OPTIONS, keywords=_KEYWORDS
    )
    for file, _line, message, comments, context in found:
        # No line numbers: they would change the file with every edit of the code.
        catalogue.add(message, None, [(file, 0)], auto_comments=comments, context=context)
    return catalogue


def current(locale: str = DEFAULT) -> Catalog:
    """The file as it is."""
    with catalogue_file(locale).open("rb") as po:
        return read_po(po, locale=locale)


def updated(locale: str = DEFAULT) -> bytes:
    """The file as it should be: texts added and dropped, translations kept."""
    catalogue = current(locale) if catalogue_file(locale).exists() else Catalog(locale=locale)
    template = extracted()
    template.creation_date = catalogue.creation_date
    catalogue.update(template, no_fuzzy_matching=True)
    catalogue.obsolete.clear()
    catalogue.header_comment = "# The console's texts in Chinese; `python -m webui.catalogue` keeps the list."
    catalogue.project, catalogue.version = "gateway400", "console"
    catalogue.msgid_bugs_address = catalogue.last_translator = catalogue.language_team = ""
    catalogue.fuzzy = False
    catalogue.revision_date = catalogue.creation_date
    written = BytesIO()
    write_po(written, catalogue, width=110, sort_output=True, no_location=False, include_lineno=False)
    return written.getvalue()


if __name__ == "__main__":
    catalogue_file(DEFAULT).parent.mkdir(parents=True, exist_ok=True)
    catalogue_file(DEFAULT).write_bytes(updated())
