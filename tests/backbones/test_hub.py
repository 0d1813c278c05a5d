"""Downloads say what they are before they begin, and fail soon."""

from __future__ import annotations

import os
import time
from pathlib import Path
from types import SimpleNamespace

import huggingface_hub
import pytest
from huggingface_hub import constants
from huggingface_hub.errors import EntryNotFoundError

from handful.backbones import hub
from handful.errors import SettingsError

ASKED = ("timm/a", ("first.safetensors", "second.bin"), "the backbone 'a'", "MIT", "use another.")


@pytest.fixture
def holds_second(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """A hub that holds the second file only; what was downloaded from it."""
    downloaded: list[str] = []

    def about(url: str, timeout: float) -> SimpleNamespace:
        if url.endswith("first.safetensors"):
            raise EntryNotFoundError("404")
        return SimpleNamespace(size=12_300_000)

    def download(repository: str, file: str) -> str:
        downloaded.append(file)
        return str(tmp_path / file)

    monkeypatch.setattr(hub, "cached", lambda repository, file: None)
    monkeypatch.setattr(huggingface_hub, "get_hf_file_metadata", about)
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    return downloaded


def test_size_and_licence_are_told_before_a_download_begins(holds_second: list[str], tmp_path: Path) -> None:
    told = []

    def tell(line: str) -> None:
        assert holds_second == []
        told.append(line)

    assert hub.fetch(*ASKED, tell=tell) == tmp_path / "second.bin"
    assert told == ["Downloading the backbone 'a' from timm/a: 12 MB, licence MIT."]


def test_unless_somebody_else_hears_it_stderr_does(
    holds_second: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    hub.fetch(*ASKED)
    assert capsys.readouterr().err == "Downloading the backbone 'a' from timm/a: 12 MB, licence MIT.\n"


def test_what_is_here_is_not_downloaded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(hub, "cached", lambda repository, file: tmp_path if file == "second.bin" else None)
    assert hub.fetch(*ASKED, tell=lambda line: pytest.fail(line)) == tmp_path


def test_without_a_network_one_line_says_what_to_do_within_seconds(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")  # nobody listens there
    begun = time.monotonic()
    with pytest.raises(SettingsError, match=r"^the backbone 'a' is not .*without one, use another\.$"):
        hub.fetch(*ASKED)
    assert time.monotonic() - begun < hub.PATIENCE + 1


def test_the_hub_is_told_nothing_about_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_DISABLE_TELEMETRY", "0")
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_TELEMETRY", False)
    hub.cached("timm/a", "first.safetensors")
    assert os.environ["HF_HUB_DISABLE_TELEMETRY"] == "1"
    assert constants.HF_HUB_DISABLE_TELEMETRY is True
