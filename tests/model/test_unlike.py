from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer

from handful.data.dataset import Images
from handful.model.new_words import NewWords
from handful.model.unlike import Either, Unlike, unlike
from handful.strategies.chain import Chain, Stateless
from handful.strategies.embedding import Embedding
from tests.conftest import pictures


def cancer() -> tuple[pd.DataFrame, pd.DataFrame]:
    frame = load_breast_cancer(as_frame=True).data.sample(frac=1, random_state=0)
    return frame.iloc[:200], frame.iloc[200:]


def mixed(n: int, seed: int) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "size": np.where(random.random(n) < 0.1, np.nan, random.normal(size=n)),
            "colour": random.choice(np.array(["red", "blue", None], dtype=object), n),
        }
    )


def flags(flag: Unlike | None, X: object) -> float:
    assert flag is not None
    return float((flag.distance(X) > 1).mean())


def test_about_one_in_a_hundred_rows_of_the_same_kind_is_flagged() -> None:
    known, new = cancer()
    flag = unlike(known, np.arange(200), "table", [])
    assert flags(flag, new) < 0.04
    assert flags(flag, known) == 0 or flags(flag, known) <= 0.01


def test_rows_far_outside_are_flagged() -> None:
    known, new = cancer()
    flag = unlike(known, np.arange(200), "table", [])
    far = new.assign(**{"mean radius": 20 * known["mean radius"].std()})
    assert flags(flag, far) == 1
    assert flags(flag, new * 1e9) == 1


def test_a_category_that_was_never_seen_is_flagged_and_gaps_are_not() -> None:
    flag = unlike(mixed(150, 0), np.arange(150), "table", [])
    assert flags(flag, mixed(300, 1)) < 0.05
    assert flags(flag, mixed(300, 1).assign(colour="ultraviolet")) == 1


def test_one_rare_gap_in_the_training_data_does_not_blind_the_flag() -> None:
    random = np.random.default_rng(0)
    known = pd.DataFrame(random.normal(size=(120, 3)), columns=list("abc"))
    known.loc[0, ["a", "b", "c"]] = np.nan
    flag = unlike(known, np.arange(120), "table", [])
    assert flags(flag, pd.DataFrame(random.normal(size=(200, 3)), columns=list("abc"))) < 0.05
    assert flags(flag, pd.DataFrame(np.full((5, 3), 6.0), columns=list("abc"))) == 1


def test_names_that_differ_in_every_row_do_not_make_every_row_strange() -> None:
    known = mixed(150, 0).assign(name=[f"a{i}" for i in range(150)])
    new = mixed(300, 1).assign(name=[f"b{i}" for i in range(300)])
    assert flags(unlike(known, np.arange(150), "table", []), new) < 0.05


def test_rows_that_are_all_copies_of_each_other_give_a_threshold() -> None:
    known = mixed(1, 0).loc[[0] * 40].reset_index(drop=True)
    flag = unlike(known, np.arange(40), "table", [])
    assert flags(flag, known) == 0


def test_distances_are_measured_to_other_groups() -> None:
    random = np.random.default_rng(0)
    centres = random.normal(size=(30, 5))
    unit = np.repeat(np.arange(30), 5)
    known = pd.DataFrame(centres[unit] + 0.01 * random.normal(size=(150, 5)), columns=list("abcde"))
    new = pd.DataFrame(random.normal(size=(300, 5)), columns=list("abcde"))
    assert flags(unlike(known, unit, "table", []), new) < 0.1
    assert flags(unlike(known, np.arange(150), "table", []), new) > 0.9  # what it would be without


@pytest.mark.parametrize("network", [False, True])
def test_noise_is_flagged_among_pictures(network: bool) -> None:
    X = pictures(per_class=20).X
    members = [Chain([Embedding("lite0")], None)] if network else []
    flag = unlike(X[np.arange(0, 60, 2)], np.arange(30), "image", members)
    assert isinstance(flag.space_, Embedding) == network
    noise = np.random.default_rng(0).integers(0, 256, (10, 32, 32, 3), dtype=np.uint8)
    assert flags(flag, Images.from_array(noise)) == 1
    assert flags(flag, X[np.arange(1, 60, 2)]) < 0.1


def test_with_hardly_any_samples_nothing_is_said() -> None:
    assert unlike(mixed(8, 0), np.arange(8), "table", []) is None
    assert unlike(notes(8, 0), np.arange(8), "text", []) is None


TEXT = "the printer on floor two prints every page twice and the paper tray jams after ten sheets again"
ENGLISH = TEXT.split()


def notes(n: int, seed: int) -> np.ndarray:
    """Texts of twelve words each, of a vocabulary of seventeen and now and then a name of their own."""
    random = np.random.default_rng(seed)
    found = np.empty(n, dtype=object)
    for i in range(n):
        found[i] = " ".join([*random.choice(ENGLISH, 11), f"room{seed}x{i}"])
    return found


def test_texts_of_the_same_kind_are_not_flagged_and_another_language_is() -> None:
    flag = unlike(notes(60, 0), np.arange(60), "text", [])
    assert isinstance(flag, NewWords)
    assert flags(flag, notes(100, 1)) == 0
    german = np.array(["der Drucker druckt jede Seite zweimal", "xq zzv kkwp"], dtype=object)
    assert flags(flag, german) == 1


def test_words_of_a_text_of_the_same_group_are_no_old_acquaintances() -> None:
    copied = np.repeat(notes(20, 0), 2)
    apart = unlike(copied, np.arange(40), "text", [])
    together = unlike(copied, np.repeat(np.arange(20), 2), "text", [])
    assert isinstance(apart, NewWords) and isinstance(together, NewWords)
    assert apart.threshold_ < together.threshold_


def test_texts_are_measured_through_the_network_that_a_member_uses() -> None:
    class Frozen(Stateless):
        def __init__(self, backbone: str = "none") -> None:
            self.backbone = backbone

        def transform(self, X: object) -> np.ndarray:
            return np.array([[len(text), text.count(" ") + 1] for text in X], dtype=float)  # type: ignore[attr-defined]

    flag = unlike(notes(60, 0), np.arange(60), "text", [Chain([Frozen()], None)])
    assert isinstance(flag, Either)
    words, network = flag.flags_
    assert isinstance(words, NewWords) and isinstance(network, Unlike)
    assert network.unit_length and isinstance(network.space, Frozen)
    german = np.array(["der Drucker druckt jede Seite zweimal"], dtype=object)
    assert flag.distance(german) == np.maximum(words.distance(german), network.distance(german)) > 1


def test_texts_without_spaces_are_no_news_by_themselves() -> None:
    said = {"printer": "打印机坏了卡纸不动红灯闪没有墨水", "bill": "账单多扣款请退钱发票金额写错重复付"}
    random = np.random.default_rng(0)

    def drawn(n: int) -> np.ndarray:
        kinds = random.choice(list(said), n)
        return np.array(["".join(random.choice(list(said[k]), 12)) + "，谢谢" for k in kinds], dtype=object)

    flag = NewWords().fit(drawn(80), np.arange(80))
    assert (flag.distance(drawn(100)) > 1).mean() < 0.05
    strange = np.array(["the printer is broken", "電源が入りませんでした"], dtype=object)
    assert (flag.distance(strange) > 1).all()
