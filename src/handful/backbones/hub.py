"""Files of the Hugging Face hub: those that are on this machine, and downloads that say first what they are.

Nothing is downloaded but what somebody asked for: a backbone by its name, a network for tables with
`--allow-download`. The hub is told which file is wanted and nothing else.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from handful.errors import SettingsError

PATIENCE = 5.0  # seconds for one first answer: by itself, the hub's client tries for half a minute


def cached(repository: str, file: str) -> Path | None:
    """Where a file of the hub lies on this machine; None where it was not downloaded yet."""
    path = _client().try_to_load_from_cache(repository, file)
    return Path(path) if isinstance(path, str) else None


def first_cached(repository: str, files: Sequence[str]) -> Path | None:
    """The first of these files that is on this machine."""
    return next((path for file in files if (path := cached(repository, file)) is not None), None)


def fetch(
    repository: str,
    files: Sequence[str],
    what: str,
    licence: str,
    instead: str,
    tell: Callable[[str], None] | None = None,
) -> Path:
    """The first of `files` that the repository holds, downloaded unless it is here already.

    Before a download begins, `tell` (a line on stderr unless given) hears what comes, its size and licence.
    Raises SettingsError where the hub gives none of them: after seconds, in one line that ends in `instead`,
    what to do then.
    """
    if (here := first_cached(repository, files)) is not None:
        return here
    client = _client()
    from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError

    try:
        for file in files:
            try:
                about = client.get_hf_file_metadata(client.hf_hub_url(repository, file), timeout=PATIENCE)
                size = f"{about.size / 1e6:.0f} MB, " if about.size else ""
                (tell or _on_stderr)(f"Downloading {what} from {repository}: {size}licence {licence}.")
                return Path(client.hf_hub_download(repository, file))
            except LocalEntryNotFoundError:
                raise
            except EntryNotFoundError:
                continue
    except Exception as error:  # the hub's client raises its own, its HTTP library's and the system's errors
        raise _refused(what, error, instead) from error
    raise SettingsError(f"the hub's repository {repository!r} holds none of {', '.join(files)}: {instead}")


def cached_folder(repository: str) -> Path | None:
    """What is on this machine of a repository, whole or not; None where nothing is."""
    try:
        return Path(_client().snapshot_download(repository, local_files_only=True))
    except Exception:  # nothing there, or no name that the hub allows
        return None


def fetch_folder(
    repository: str,
    patterns: Sequence[str],
    what: str,
    licence: str,
    instead: str,
    tell: Callable[[str], None] | None = None,
) -> Path:
    """The repository's files that match `patterns`, downloaded; told and raised as by `fetch`."""
    try:
        client = ask()
        (tell or _on_stderr)(f"Downloading {what} from {repository}: licence {licence}.")
        return Path(client.snapshot_download(repository, allow_patterns=list(patterns)))
    except Exception as error:  # as above
        raise _refused(what, error, instead) from error


def _refused(what: str, error: Exception, instead: str) -> SettingsError:
    reason = f"{type(error).__name__}: {error}".splitlines()[0].rstrip(".")
    return SettingsError(
        f"{what} is not on this machine, and {_client().constants.ENDPOINT} did not give it ({reason}). "
        f"With a network, try again; without one, {instead}"
    )


def ask() -> Any:
    """The hub's client, after one short request: by itself it tries for half a minute.

    Raises OSError where nobody answers, or where nobody may be asked.
    """
    from urllib.error import HTTPError
    from urllib.request import Request, urlopen

    client = _client()
    if client.constants.HF_HUB_OFFLINE:
        raise OSError("HF_HUB_OFFLINE is set")
    try:
        with urlopen(Request(client.constants.ENDPOINT, method="HEAD"), timeout=PATIENCE):
            pass
    except HTTPError:
        pass  # an answer, so it can be reached
    return client


def _client() -> Any:
    """huggingface_hub, told to report nothing about this machine."""
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"  # read when it is imported
    import huggingface_hub
    import huggingface_hub.constants

    huggingface_hub.constants.HF_HUB_DISABLE_TELEMETRY = True
    return huggingface_hub


def _on_stderr(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
