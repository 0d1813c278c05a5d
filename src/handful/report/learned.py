"""What was learned without labels, and what was made up: the section's content from what `inside` found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from handful.report import figures, words
from handful.report.content import Content, View, table_cells
from handful.report.inside import COPY, ENTERED, FAR, OTHER
from handful.report.pictures import is_small, thumbnail
from handful.report.training_figures import loss_figure
from handful.scoring import per_cent

# Techniques that this section is about, by the beginning of their names in the ledger.
ABOUT = ("autoencoder", "principal components", "pretraining", "unlabelled data", "generated examples")
CODES = "Codes that were learned without labels"
CODES_OF_A_MAKER = "The codes behind what is made up"
SIDE = 64  # of a picture, in pixels of the screen
ON_THE_MAP = 40
COLUMNS = 6  # of a made-up row that are shown at first

FATES = {
    ENTERED: "passed",
    COPY: "stopped: a copy",
    OTHER: "stopped: looks like another class",
    FAR: "stopped: far outside",
}
TERMS = {
    "reconstruction": (
        "How far what it redraws is from the original",
        "The part of the loss that asks for a faithful drawing. Down is better.",
    ),
    "kl": (
        "What the codes may hold",
        "The part of the loss that keeps the codes simple, so that new ones can be made up. It is not meant "
        "to reach 0: then the codes would say nothing.",
    ),
    "loss": ("The loss, which training makes small", "How far what it redraws is from the original."),
}


def learned(content: Content) -> View | None:
    """Codes, reconstructions, made-up examples, and what they were worth; None where none was tried."""
    inside = content.extras.get("inside") or {}
    networks = [_network(content, line) for line in inside.get("networks") or []]
    generators = [_generator(content, line) for line in inside.get("generators") or []]
    worth = [
        {"technique": words.capital(str(line["technique"])), "words": line.get("words")}
        for line in content.summary.get("ledger") or []
        if str(line.get("technique")).startswith(ABOUT)
    ]
    if not (networks or generators or worth):
        return None
    absent = [
        f"{what} cannot be shown: {why}."
        for name, what, found in (
            ("autoencoder", "What a network learned without labels", networks),
            ("generated", "Made-up examples", generators),
        )
        if not found and (why := content.reason(name)) and any(_is_about(name, w) for w in worth)
    ]
    return {
        "worth": worth,
        "networks": networks,
        "generators": generators,
        "absent": absent,
        "many": words.noun(content.summary),
        "one": words.noun(content.summary, 1),
        "image": content.dataset.get("modality") == "image",
        "has_code": bool(networks),
    }


def _is_about(name: str, line: View) -> bool:
    generated = line["technique"].startswith("Generated")
    return generated if name == "generated" else not generated


def _network(content: Content, line: View) -> View:
    many, one = words.noun(content.summary), words.noun(content.summary, 1)
    generator = str(line.get("technique")).startswith("generated")
    return {
        "title": CODES_OF_A_MAKER if generator else CODES,
        "said": [f"Shown is that of: {line.get('label') or line.get('candidate')}.", *_said(line, many, one)],
        "redrawn": [_pair(pair) for pair in line.get("redrawn") or []],
        "told_class": bool(line.get("told_class")),
        "map": _map(content, line.get("map")),
        "paths": [
            {
                "from": path["from"],
                "to": path["to"],
                "pictures": [thumbnail(pixels, SIDE) for pixels in path["pictures"]],
                "small": is_small(path["pictures"][0]),
            }
            for path in line.get("paths") or []
        ],
        "losses": _losses(line.get("losses")),
    }


def _said(line: View, many: str, one: str) -> list[str]:
    """What is known of the codes, in sentences."""
    latent, active = line.get("latent"), line.get("active")
    said = [f"It turns each {one} into a code of {words.plural(latent, 'number')}."] if latent else []
    kept = line.get("kept")
    if kept is not None:
        said.append(
            f"What it redraws from the codes of {many} that it had not seen keeps "
            f"{per_cent(max(0.0, kept))}% of what differs between them."
        )
    if line.get("collapsed"):
        said.append(
            "The codes hold nothing (a posterior collapse): the network found it cheapest to draw the same "
            f"for every {one}{' of a class' if line.get('told_class') else ''}. What it makes up is not to "
            "be relied on; a smaller beta, or more examples, may help."
        )
    elif active is not None and latent and active < latent:
        held = "only one of them says" if active == 1 else f"{active} of them say"
        said.append(f"Of these, {held} something about a {one}; the others it left unused.")
    same, chance = line.get("nearest_alike"), line.get("nearest_alike_by_chance")
    if same is not None and chance is not None:
        said.append(
            f"It was told no labels. Still, for {per_cent(same)} of 100 new {many} the one with the nearest "
            f"code is of the same class; by chance it would be {per_cent(chance)}."
        )
    return said


def _pair(pair: View) -> View:
    """A real sample beside another: both as pictures, or their columns side by side."""
    real, made = pair["real"], pair["made"]
    shared = {"class": pair.get("class"), "of": pair.get("of"), "id": str(pair.get("id"))}
    shared |= {"fate": FATES.get(pair.get("fate") or ""), "entered": pair.get("fate") == ENTERED}
    if not isinstance(real, dict):
        shared |= {"real": thumbnail(real, SIDE), "made": thumbnail(made, SIDE), "small": is_small(real)}
        return shared | {"rows": None}
    columns = table_cells(real), dict(table_cells(made))
    rows = [(name, value, columns[1].get(name, words.MISSING)) for name, value in columns[0]]
    return shared | {"rows": rows[:COLUMNS], "more": rows[COLUMNS:60], "real": None, "made": None}


def _map(content: Content, given: View | None) -> View | None:
    if not given or not given.get("xy"):
        return None
    labels = [str(v) for v in given["label"]]
    classes = [str(c) for c in content.dataset.get("classes") or dict.fromkeys(sorted(labels))]
    distinct = len(classes) <= figures.COLOURS * len(figures.MARKERS)
    look_of = {name: i if distinct else 0 for i, name in enumerate(classes)}
    pictures = given.get("pictures")
    points = [
        figures.Point(
            float(x),
            float(y),
            look_of.get(label, 0),
            bool(new),
            f"{name}: {label}",
            None if pictures is None else thumbnail(pictures[i], ON_THE_MAP),
        )
        for i, ((x, y), label, name, new) in enumerate(
            zip(given["xy"], labels, given["id"], given["held_out"], strict=True)
        )
    ]
    legend = [(name, figures.legend_mark(look)) for name, look in look_of.items()] if distinct else []
    return {
        "figure": figures.embedding_map(points, "Map of the codes", "not learned from"),
        "legend": legend,
        "pictures": pictures is not None,
    }


def _losses(curve: View | None) -> list[View]:
    """A figure for each term of the loss, or one for the whole."""
    found = []
    for term in (curve or {}).get("terms") or ["loss"]:
        figure = loss_figure(curve, term) if curve else None
        if curve and figure is not None:
            title, caption = TERMS.get(term, (f"{words.capital(term)}, a part of the loss", ""))
            found.append(
                {
                    "title": title,
                    "figure": figure,
                    "caption": caption,
                    "validated": curve.get(f"val_{term}") is not None,
                    "splits": curve["splits"],
                }
            )
    return found


def _generator(content: Content, line: View) -> View:
    stopped = [_pair(pair) for pair in line.get("stopped") or []]
    classes = [
        {
            "class": shelf["class"],
            "said": f"{shelf['entered']} of {shelf['examined']} passed" if line.get("customs") else "",
            "pairs": [_pair(pair) for pair in shelf["pairs"]],
        }
        for shelf in line.get("classes") or []
    ]
    return {
        "technique": words.capital(str(line.get("technique") or "generated examples")),
        "label": line.get("label"),
        "said": customs_words(line, words.noun(content.summary)),
        "classes": classes,
        "hidden": line.get("space") == "features",
        "stopped": stopped,
        "customs": bool(line.get("customs")),
    }


def customs_words(line: View, many: str) -> str:
    """What became of the made-up examples of a generator, in a sentence or two."""
    examined, made, entered = line["examined"], line["made"], line["entered"]
    begin = f"From one training part {made:,} {many} were made up"
    if not line.get("customs"):
        return f"{begin}, and all were let in: with this candidate they were not examined."
    reasons = [
        f"{line[key]:,} {text}"
        for key, text in (
            ("copies", "as copies of real ones" if line["copies"] > 1 else "as a copy of a real one"),
            ("other_class", "because of looking like another class"),
            ("far", "because of lying far outside of all real ones"),
        )
        if line[key]
    ]
    of = "" if examined == made else f" of {examined:,} that were examined again for this page"
    passed = f"{begin}; {'all' if entered == examined else f'{entered:,}'}{of} passed one by one."
    return " ".join([passed, *([f"Stopped were {words.listed(reasons)}."] if reasons else []), *_proof(line)])


def _proof(line: View) -> list[str]:
    """In how many trainings those that passed were learned from."""
    trainings, proved = line.get("trainings"), line.get("proved")
    if trainings is None or proved is None:
        return []
    begin = "Then they must show, on real examples set aside, that the model gets better with them: "
    if proved == 0:
        return [f"{begin}they never did, in {trainings} trainings, so that the model learned from none."]
    rest = "" if proved == trainings else ", and was trained without them in the others"
    return [f"{begin}they did in {proved} of {trainings} trainings. There the model learned from them{rest}."]


def generated_pictures(generators: Sequence[View]) -> dict[str, list[Any]]:
    """Made-up pictures that were let in, by technique, for the ledger."""
    found: dict[str, list[Any]] = {}
    for line in generators:
        made = [p["made"] for shelf in line["classes"] for p in shelf["pairs"][:2] if p["fate"] == ENTERED]
        if line.get("technique") and made and not isinstance(made[0], dict):
            found.setdefault(line["technique"], made)
    return found
