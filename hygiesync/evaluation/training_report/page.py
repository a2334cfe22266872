"""The page itself: advice first, then numbers, then what they are read off."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from hygiesync.building.evidence import TrainingEvidence
from hygiesync.building.video_quality import Advice
from hygiesync.evaluation.curves import MAX_STRIPS, STRIP_S, opening_curves
from hygiesync.evaluation.html import facts, page, section
from hygiesync.evaluation.training_report import figures
from hygiesync.evaluation.training_report.classes import ClassError, errors_by_mouth, errors_by_sound, errors_by_word
from hygiesync.evaluation.training_report.closures import Closures, closures_in_words
from hygiesync.evaluation.training_report.expectation import expectation
from hygiesync.evaluation.training_report.headline import Findings, headline
from hygiesync.evaluation.training_report.next_steps import next_steps
from hygiesync.evaluation.training_report.words import Word

N_WORDS = 8
"""Worst and best words that are shown."""

_STYLE = """
td.text { text-align: left; white-space: normal; color: #5c6470; max-width: 60ch; }
table.text td, table.text th { text-align: left; white-space: normal; vertical-align: top; }
table.text td:first-child { font-weight: 500; }
.side { display: flex; flex-wrap: wrap; gap: 1.5rem; align-items: flex-start; } figure { margin: 0 0 1rem; }
h3 { font-size: 1rem; margin: 1rem 0 .25rem; }
"""
_SUBTITLE = (
    "How the training went. All is measured on the end of each video, which the network did not learn from; distances"
    " are in % of the distance between the outer eye corners."
)
_ADVICE = "What about the videos holds the avatar back."
_NOTHING_ODD = "There is nothing odd about the video."
_LOSSES = (
    "Both curves should fall and flatten. When training goes on falling while validation rises, the network learns the"
    " video by heart: more video helps, more training does not. The dashed line is the epoch that is kept."
)
_MODES = (
    "What the mouth of this person does, as the training found it: the mean mouth, and how each mode moves it by two"
    " standard deviations, with the share of all motion that it explains. The first modes should look like opening,"
    " rounding, spreading; a mode that shears or shifts the whole mouth is head motion that was not taken off."
)
_CURVES = (
    "Distance between the inner lips. Look for peaks that are missed or too low, and for lips that do not come down at"
    " a closure (m, b, p). Grey stretches are silent."
)
_CLASSES = (
    "Where the lips are wrong. What the mouth does is told from the real lips: closed (up to 15 % of the way from this"
    " person's shut mouth to the wide one), slit (up to 35 %), wide open (from 60 %), and between them rounded (as"
    " narrow as the narrowest quarter of all mouths), spread (as broad as the broadest quarter) or half open. What is"
    " heard is told from the spectrum: silence, hissing (louder above 3.5 kHz than below 1 kHz, as s, sh, f and the"
    " burst of t are) or voiced. An opening error below 0 means that the predicted mouth is too closed."
)
_WORDS = (
    "Words that lie within the held-out parts. A word that was said once or twice can be off by chance. A closure"
    " counts as real where the real lips shut within a word that is spelt with a b, p or m, and as reached when the"
    " predicted lips come within 0.3 % of that opening at most 60 ms before or after."
)
_LAG = (
    "How well the openings correlate when the predicted lips are shifted. One clear peak near 0 is good. A peak to the"
    " right means late lips; no clear peak means that the sound does not tell this video's lips."
)
_SILENCE = (
    "Each thin line is one end of a voice, the thick ones are means; in the grey the voice is silent. The predicted"
    " lips should come down as the real ones do, and stay there. This is the network alone: when the avatar speaks, a"
    " gate also takes the mouth to rest and holds it there."
)


def make_report(evidence: TrainingEvidence, words: Sequence[Sequence[Word]] | None = None) -> bytes:
    """A page on how a training went, that needs nothing beside itself.

    Parameters
    ----------
    evidence : TrainingEvidence
    words : sequence of sequence of Word, optional
        What is said in each video, in their order, for errors by word.

    Returns
    -------
    bytes
        The content of a HTML file, UTF-8.
    """
    findings = Findings.from_evidence(evidence)
    lips = findings.comparison
    sections = [
        section("The video", _ADVICE if evidence.advice else "", _advice(evidence.advice, _NOTHING_ODD)),
        section("How good are the lips?", expectation(findings), _measures(findings)),
        section("What to do next", "", _advice(next_steps(findings), "Nothing stands out: let the avatar speak.")),
        section("Predicted against real opening", _CURVES, _openings(findings)),
        section("Which mouths and sounds are wrong?", _CLASSES, _classes(findings)),
        section("Words", _WORDS if words else "", _words(findings, words)),
        section("Lag", _LAG, _figure(figures.lag_curve(findings.stretches, lips.lag_ms), "correlation by delay")),
        section("Silence", _SILENCE if findings.silence.n_ends else "", _silence(findings)),
        section(
            "Learning",
            _LOSSES,
            _figure(
                figures.loss_curves(evidence.training_loss, evidence.validation_loss, evidence.best_epoch),
                "losses over the epochs",
            ),
        ),
        section("What this mouth does", _MODES, _figure(figures.mode_mouths(evidence.shape), "modes of the mouth")),
        section("Where this comes from", "", _origin(findings)),
    ]
    return page(f"Training of {evidence.name}", _SUBTITLE, sections, _STYLE).encode(errors="replace")


def _figure(svg: str, alternative: str) -> str:
    return f'<figure role="img" aria-label="{escape(alternative)}">{svg}</figure>'


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], kind: str = "") -> str:
    """A table of plain text."""
    top = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    body = "".join(
        "<tr>" + f"<th>{escape(row[0])}</th>" + "".join(f"<td>{escape(cell)}</td>" for cell in row[1:]) + "</tr>"
        for row in rows
    )
    return f'<table class="{kind}"><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>'


def _advice(advice: Sequence[Advice], nothing: str) -> str:
    if not advice:
        return f"<p>{escape(nothing)}</p>"
    return _table(("what", "what to do"), [(item.problem, item.what_to_do) for item in advice], "text")


def _measures(findings: Findings) -> str:
    rows = [(measure.label, measure.value, measure.good) for measure in headline(findings)]
    return _table(("", "measured", "what good looks like"), rows, "text")


def _openings(findings: Findings) -> str:
    parts = []
    for number, stretch in enumerate(findings.stretches):
        if not stretch.is_known.any():
            continue
        if len(findings.stretches) > 1:
            parts.append(f"<h3>{escape(findings.evidence.sources[number])}</h3>")
        openings = {"real": stretch.real_opening, "predicted": stretch.predicted_opening}
        svg = opening_curves(stretch.held_out.times_s, openings, stretch.held_out.is_voice)
        parts.append(_figure(svg, "opening over time"))
        if float(stretch.held_out.times_s[-1] - stretch.held_out.times_s[0]) > MAX_STRIPS * STRIP_S:
            parts.append(f'<p class="muted">The first {MAX_STRIPS * STRIP_S:.0f} s of it.</p>')
    return "".join(parts)


def _classes(findings: Findings) -> str:
    groups = [errors_by_mouth(findings.stretches, findings.mouth), errors_by_sound(findings.stretches)]
    bars = _figure(figures.class_bars(groups), "lip distance by class")
    scatter = _figure(figures.opening_scatter(findings.stretches), "predicted against real opening")
    rows = [_row(error) for group in groups for error in group]
    table = _table(("", "held out, s", "lip distance, %", "opening error, %"), rows)
    return f'<div class="side">{bars}{scatter}</div>{table}'


def _words(findings: Findings, words: Sequence[Sequence[Word]] | None) -> str:
    if not words:
        return "<p>Errors by word are shown here where training is told what is spoken when.</p>"
    errors = errors_by_word(findings.stretches, words)
    if not errors:
        return "<p>None of the words lies within the parts that were kept for measuring.</p>"
    head = ("", "said", "held out, s", "lip distance, %", "opening error, %")
    closures = f"<p>{escape(_closures_text(closures_in_words(findings.stretches, words, findings.mouth)))}</p>"
    if len(errors) <= 2 * N_WORDS:
        return closures + _table(head, [_word_row(error) for error in errors])
    worst, best = errors[:N_WORDS], errors[: -N_WORDS - 1 : -1]
    tables = [(f"The worst of {len(errors)} words", worst), ("The best", best)]
    return closures + "".join(
        f"<h3>{escape(title)}</h3>" + _table(head, [_word_row(error) for error in some]) for title, some in tables
    )


def _closures_text(closures: Closures) -> str:
    if not closures.n_real:
        return "No word with a b, p or m shuts the lips in the held-out parts."
    return (
        f"Lips shut in words with b, p or m: {closures.n_reached} of {closures.n_real} real closures are reached"
        f" ({100 * closures.share:.0f} %)."
    )


def _row(error: ClassError) -> tuple[str, ...]:
    return (error.name, f"{error.duration_s:.2f}", f"{error.lip_distance_pct:.2f}", f"{error.opening_error_pct:+.2f}")


def _word_row(error: ClassError) -> tuple[str, ...]:
    name, *numbers = _row(error)
    return (name, f"{error.n_times} ×", *numbers)


def _silence(findings: Findings) -> str:
    svg = figures.openings_at_voices_end(findings.stretches)
    if not svg:
        return "<p>No pause follows speech in the parts that were kept for measuring.</p>"
    silence = findings.silence
    text = f"Pauses after speech: {silence.n_ends}. All pauses together: {silence.duration_s:.1f} s."
    return f"<p>{text}</p>{_figure(svg, 'opening around the ends of the voice')}"


def _origin(findings: Findings) -> str:
    evidence = findings.evidence
    return facts(
        {
            "Videos": f"{', '.join(evidence.sources)} ({evidence.duration_s:.1f} s)",
            "Pictures": f"{evidence.n_usable_frames} of {evidence.n_frames} show the face well enough to learn from",
            "Preset": f"{evidence.preset}, {len(evidence.validation_loss)} epochs, the lowest"
            f" validation loss in number {evidence.best_epoch + 1}",
            "Measured on": f"{findings.held_out_s:.1f} s",
            "This person's mouth": f"{findings.mouth.shut:.1f} % shut to {findings.mouth.wide:.1f} % wide",
        }
    )
