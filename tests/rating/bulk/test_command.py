"""The command that rates a file."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner

from appliance.cli.rating import rating
from tests.rating.books import HEADER, book, record
from tests.rating.bulk.test_engines import paths


def test_the_command(tmp_path: Path) -> None:
    made = paths(tmp_path, book(), (HEADER + record() + "x\n").encode())
    names = ("--plans", "--cdrs", "--charges", "--rejects")
    words = [word for name, path in zip(names, made, strict=True) for word in (name, str(path))]
    run = CliRunner().invoke(rating, ["file", *words, "--backend", "duckdb"], catch_exceptions=False)
    assert (run.exit_code, run.stdout) == (0, "charges: 1, rejects: 1\n")
    assert made.rejects.read_text() == "line,call_id,reason\n3,,malformed:row\n"
