"""What a carrier's file, and whoever names its encoding, cannot do to a terminal."""

from __future__ import annotations

import pytest

from appliance.errors import RatingError
from appliance.rating.carrier.form import Mapped, checked


@pytest.mark.parametrize("encoding", ["base64", "rot13", "hex", "zlib", "bz2", "morse", "utf-8\0", "\ud800"])
def test_only_encodings_of_text(encoding: str) -> None:
    with pytest.raises(RatingError, match="no encoding of text"):
        checked(Mapped(encoding=encoding))


@pytest.mark.parametrize("encoding", ["utf-8", "gbk", "big5", "utf-16-le"])
def test_encodings_of_text(encoding: str) -> None:
    assert checked(Mapped(encoding=encoding)).encoding == encoding
