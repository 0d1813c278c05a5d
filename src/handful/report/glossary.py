"""The words of the page that not everybody uses."""

from __future__ import annotations

from handful.report import words
from handful.report.content import Content, View

ALWAYS = {
    "Candidate": "One complete recipe, from the raw example to the prediction. All candidates are tried on "
    "the same data.",
    "Cross-validation": "The data are cut into parts, called folds. A model is trained on all parts but one "
    "and examined on the part that it has not seen; then the next part is held out. So every example is "
    "predicted by a model that did not know it.",
    "Held out": "Kept away from training, to see how the model does on something new.",
    "Overfitting": "A model learns its training examples by heart instead of what they have in common: it "
    "is good on those, and worse on new ones.",
    "Baseline": "A guess that does not look at the example, such as always naming the commonest class or "
    "the mean. A model that does not beat it has learned nothing.",
    "Cannot be told apart": "The difference between two scores is no larger than chance alone can make it "
    "with this much data.",
}
FROZEN = (
    "A network that was trained on very many other examples turns each of yours into a list of numbers. The "
    "network itself is not changed; only a small model on top of these numbers is trained. The candidate is "
    "named after the network; 'handful backbones' says what that is and where it comes from."
)
CODES = {
    "Autoencoder": "A network that learns to squeeze each example into a few numbers and to make the example "
    "again from those alone. It needs no labels for that.",
    "Code": "The few numbers into which a network squeezes an example. Examples that the network finds alike "
    "have codes that are near to each other.",
    "Reconstruction": "What a network makes of a code again. What is missing in it, the code does not hold.",
}
MADE_UP = {
    "Made-up example": "An example that does not exist: drawn by a rule or a network that learned what real "
    "ones of a class look like. Models may learn from some of them; no model is ever examined on one.",
    "Let in, or stopped": "A made-up example is let in among the examples to learn from only if models that "
    "know the real ones agree with its class, it is not a copy of a real one, and it is not far outside of "
    "all of them.",
}
UNLABELLED = (
    "Examples of which nobody has said what they are. They are cheap, and what they have in common can still "
    "be learned."
)
AVERAGE = "Several models are asked, and their answers are averaged."
GROUP = (
    "Examples that belong together, such as pictures of one patient or copies of one file. A group is never "
    "split between training and examination."
)


def glossary(content: Content) -> View:
    """The words that this page uses, in alphabetical order."""
    summary, metric = content.summary, content.metric
    families = {row.get("family") for row in summary.get("leaderboard") or []}
    odds = words.odds((summary.get("expected") or {}).get("level")) or "most"
    terms = ALWAYS | {
        "Interval": "A score measured on few examples is uncertain. The interval is the range in which the "
        f"true score lies in {odds} such cases.",
    }
    if metric.words:
        terms[words.capital(metric.label)] = f"{words.capital(metric.words).rstrip('.')}."
    if families & {"transfer", "finetune"}:
        terms["Frozen features"] = FROZEN
    inside = content.extras.get("inside") or {}
    terms |= CODES if inside.get("networks") else {}
    terms |= MADE_UP if inside.get("generators") or "synthesis" in families else {}
    if any("unlabelled" in str(line.get("technique")) for line in summary.get("ledger") or []):
        terms["Unlabelled example"] = UNLABELLED
    if "ensemble" in families:
        terms["Average of models"] = AVERAGE
    protocol = summary.get("protocol") or {}
    if protocol.get("grouped"):
        terms["Group"] = GROUP
    if protocol.get("own_splits"):
        del terms["Cross-validation"]
    return {"terms": sorted(terms.items())}
