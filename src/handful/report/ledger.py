"""What each technique is worth: the ledger as a part of report.json, and its section of the page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from handful.evidence.comparison import LEVEL
from handful.evidence.leaderboard import number
from handful.evidence.ledger import GREEDY, Line
from handful.report import figures, words
from handful.report.content import Content, View, beginning
from handful.report.pictures import thumbnail

# What a technique does, by the beginning of its name; the longest that fits is taken.
EXPLAINED = {
    "transfer": "a network that was trained on other data describes each example",
    "transfer: a second backbone": "another network describes each example, alone or beside the first",
    "transfer: further backbones": "other networks describe each example, alone or beside the first",
    "transfer: pictures at another size": "the network looks at each picture larger or smaller as well",
    "augmentation": "the model learns from altered copies of the examples as well",
    "test-time averaging": "altered views of a new example are judged too, and the answers averaged",
    "fine-tuning": "a network that was trained on other data is trained further on yours",
    "contrastive fine-tuning": "a network that was trained on other texts learns from pairs which of yours "
    "belong together; its answer and that of the network as it was are averaged",
    "small network": "a network of a size that fits your data, trained on your examples alone",
    "autoencoder": "a network learns to describe examples without their labels",
    "autoencoder features": "a network learned, without labels, to squeeze each example into a few numbers "
    "and to redraw it from them; the model sees those numbers",
    "principal components": "each example as the few numbers that say most of how it differs from "
    "the others, without a network",
    "pretraining": "a network first learned to redraw examples without their labels, and then to tell them "
    "apart",
    "unlabelled data": "examples without a label were learned from as well",
    "unlabelled data: self-training": "a model labels examples that have no label, and learns from those "
    "that it is sure of as well",
    "unlabelled data: label spreading": "labels spread from labelled examples to those like them without one",
    "generated examples": "the model learns from made-up examples as well; new data is never made up",
    "names of classes": "what the classes are called is learned from as well, as if each name were a text "
    "of its class",
    "class weights": "rare or dear classes weigh more while the model learns",
    "threshold for the metric": "the answer is the class that serves the metric best, not the likeliest one",
    "ensembling": "several models are asked, and their answers averaged",
    "the ": "the same model was fitted without, which tells what is brought",
    GREEDY: "the answers are averaged with weights that are chosen to fit best",
}
PICTURES = 12  # shown of a technique
TEXT = 200  # characters of a text, and of what became of it


def ledger_part(lines: Sequence[Line], metric: words.Metric, many: str) -> list[dict[str, Any]]:
    """`ledger` of report.json. A gain is in the metric's unit, and above 0 is better, for every metric."""
    return [_part(line, metric, many) for line in lines]


def _part(line: Line, metric: words.Metric, many: str) -> dict[str, Any]:
    low, high = (None, None) if line.gain is None else line.gain.interval()
    return {
        "technique": line.technique,
        "base": None if line.base is None else line.base.name,
        "with": None if line.added is None else line.added.name,
        "base_label": None if line.base is None else line.base.label,
        "with_label": None if line.added is None else line.added.label,
        "gain": None if line.gain is None else number(line.gain.value),
        "low": number(low),
        "high": number(high),
        "level": LEVEL,
        "worth": line.worth,
        "kept": line.kept,
        "pairs": line.pairs,
        "seconds": round(line.seconds, 3),
        "reason": line.reason,
        "over_best": _over_best(line),
        "repeats": line.repeats,
        "words": " ".join(
            [*_brought(line, metric, many), *_against_best(line, metric), *_so_far(line), _fate(line)]
        ),
    }


def _over_best(line: Line) -> dict[str, Any] | None:
    """The best with the technique against the best without it."""
    if line.best is None or line.over_best is None:
        return None
    low, high = line.over_best.interval()
    return {
        "with": line.best[0].name,
        "without": line.best[1].name,
        "gain": number(line.over_best.value),
        "low": number(low),
        "high": number(high),
    }


def _brought(line: Line, metric: words.Metric, many: str) -> list[str]:
    """What it brought, in a sentence or two."""
    if line.gain is None or line.base is None:
        return [f"What it is worth here is not known: {line.reason}."]
    low, high = line.gain.interval()
    tried = f" It was tried on {line.pairs} candidates; that one of them is chosen is allowed for."
    more = tried if line.pairs > 1 else ""
    if line.worth == "cannot tell":
        return [
            f"With these {many} it cannot be told apart from nothing: anything from {_place(metric, low)} to "
            f"{_place(metric, high)} is possible.{more}"
        ]
    size = metric.size(abs(line.gain.value))
    ends = [metric.difference(abs(end)).removesuffix(" points") for end in sorted((low, high), key=abs)]
    what = "brings" if line.worth == "better" else "costs"
    over = f"{'over' if line.worth == 'better' else 'against'} {words.within(line.base.label)}"
    return [f"It {what} about {size} {over}, between {ends[0]} and {ends[1]}.{more}"]


def _against_best(line: Line, metric: words.Metric) -> list[str]:
    """How the best with it does against the best without, where that is another comparison."""
    if line.best is None or line.over_best is None or line.best == (line.added, line.base):
        return []
    low, high = (_place(metric, end) for end in line.over_best.interval())
    value, rival = _place(metric, line.over_best.value), words.within(line.best[1].label)
    return [
        f"The best with it against the best without, {rival}: {value} (from {low} to {high}; that both are "
        "chosen is allowed for)."
    ]


def _so_far(line: Line) -> list[str]:
    """That it is told of fewer repeats than the others, where it was stopped."""
    if line.repeats is None:
        return []
    first = "time" if line.repeats == 1 else f"{line.repeats} times"
    return [f"Told from the first {first} that the folds were drawn, after which it was stopped early."]


def _fate(line: Line) -> str:
    """Kept or dropped, and why where that may surprise."""
    if line.technique == GREEDY:
        return (
            "Shown to compare, never served: in trials on new data such weights brought too little for "
            "nearly twice as many models."
        )
    if line.kept:
        return {
            "better": "Kept.",
            "cannot tell": f"Kept, because what uses it is among the best: {_perhaps(line)}.",
            "worse": "What serves uses it all the same, because other parts of it make up for that.",
        }.get(line.worth, "Kept, because what uses it is among the best.")
    if line.gain is None:
        return "Nothing that serves uses it."
    if line.technique.endswith("fine-tuning"):
        return "Dropped: it is dear, to learn and to ask, and scored no higher than the best without it."
    if line.worth == "better":
        return "Dropped all the same: candidates without it are better still."
    return "Dropped: nothing that serves uses it."


def _perhaps(line: Line) -> str:
    """Of what cannot be told apart from nothing, and is kept."""
    if line.gain is not None and line.gain.value < 0:
        return "what it seems to cost may be chance"
    return "it may help, and no harm is seen"


def _place(metric: words.Metric, gain: float) -> str:
    shown = metric.difference(abs(gain))
    if shown == metric.difference(0.0):
        return "no difference"
    return f"{shown} {'better' if gain > 0 else 'worse'}"


def ledger(content: Content) -> View | None:
    """A line a technique: its gain around zero, what it cost, kept or dropped."""
    found = content.summary.get("ledger")
    if not found:
        return None
    metric = content.metric
    known, unknown = ([line for line in found if (line.get("gain") is None) is way] for way in (False, True))
    domain = _domain(known)
    shown = (content.extras.get("ledger_pictures") or {}, content.extras.get("ledger_texts") or {})
    return {
        "axis": figures.axis(domain, lambda v: _tick(metric, v), f"Scale of the gain in {metric.label}")
        if known
        else None,
        "unit": f"points of {metric.label}" if metric.percent else metric.label,
        "lines": [_view(line, metric, domain, *shown) for line in known],
        "unknown": _together([_view(line, metric, domain, {}, {}) for line in unknown]),
        "level": words.odds(LEVEL),
    }


def _together(views: Sequence[View]) -> list[View]:
    """Those of which the same is said as one."""
    found: dict[str, View] = {}
    for view in views:
        first = found.setdefault(str(view["words"]), view)
        if first is not view:
            names = f"{first['technique']}; {view['technique']}"
            what = str(view["words"]).replace("What it is worth", "What each is worth", 1)
            found[str(view["words"])] = first | {"technique": names, "words": what}
    return list(found.values())


def _view(line: View, metric: words.Metric, domain: figures.Domain, pictures: View, texts: View) -> View:
    technique = str(line["technique"])
    begin = max((key for key in EXPLAINED if technique.startswith(key)), key=len, default="")
    gain, low, high = (line.get(key) for key in ("gain", "low", "high"))
    kind = "chosen" if line.get("kept") else ""
    return {
        "technique": words.capital(technique),
        "explained": words.capital(EXPLAINED.get(begin, "")),
        "words": line.get("words"),
        "with": line.get("with_label"),
        "without": line.get("base_label"),
        "kept": bool(line.get("kept")),
        "gain": None if gain is None else _signed(metric, gain),
        "span": None if low is None or high is None else f"{_signed(metric, low)} to {_signed(metric, high)}",
        "seconds": words.duration(line["seconds"]) if line.get("seconds") else "no fit",
        "track": None
        if gain is None
        else figures.interval_track(
            gain,
            low,
            high,
            domain,
            kind=f"gain {kind}",
            reference=0.0,
            title=f"{technique}: {_signed(metric, gain)}",
        ),
        "pictures": [_address(picture) for picture in (pictures.get(technique) or [])[:PICTURES]],
        "texts": [beginning(text, TEXT)[0] for text in texts.get(technique) or []],
    }


def _address(picture: Any) -> str | None:
    """A picture as a data URI; arrays `(H, W, 3)` uint8 are made into one."""
    return picture if isinstance(picture, str) else thumbnail(picture, 96)


def _signed(metric: words.Metric, gain: float) -> str:
    """`+3.1`, `−0.4`: points where the metric is per cent."""
    shown = metric.difference(gain).removesuffix(" points")
    return f"+{shown}" if gain > 0 and shown != metric.difference(0.0).removesuffix(" points") else shown


def _tick(metric: words.Metric, gain: float) -> str:
    """`+5`, `−2.5`, `0`."""
    text = f"{round(100 * gain if metric.percent else gain, 9):+g}"
    return "0" if float(text) == 0 else text.replace("-", "\N{MINUS SIGN}")


def _domain(lines: Sequence[View]) -> figures.Domain:
    """A scale with 0 in it; an interval far wider than the others runs beyond it."""
    ends = [[abs(line.get(key) or 0.0) for key in ("low", "gain", "high")] for line in lines]
    if not ends:
        return -1.0, 1.0
    reach = sorted(max(e) for e in ends)
    limit = max(4 * reach[(len(reach) - 1) // 2], max(e[1] for e in ends))
    values = [
        min(max(line.get(key) or 0.0, -limit), limit) for line in lines for key in ("low", "gain", "high")
    ]
    return figures.span_of([0.0, *values])
