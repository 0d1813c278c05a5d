from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest

from handful.report import figures
from handful.report.value_figures import agreement, errors


def percent(value: float) -> str:
    return f"{100 * value:.0f}%"


def positions(svg: str, kind: str) -> list[float]:
    return [float(x) for x in re.findall(rf'class="{kind}" cx="([\d.]+)%"', svg)]


def test_ticks_are_round_and_inside() -> None:
    assert figures.ticks((0.0, 1.0)) == [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    assert figures.ticks((-0.5, 0.6)) == [-0.5, 0.0, 0.5]
    assert all(12 <= t <= 4300 for t in figures.ticks((12, 4300)))


def test_a_range_without_width_gets_one() -> None:
    low, high = figures.span_of([0.5, 0.5, None])
    assert low < 0.5 < high
    assert figures.span_of([]) == (0.0, 1.0)
    low, high = figures.span_of([1.0], inside=(0, 1))
    assert low < high <= 1


@pytest.mark.parametrize("unit", [1e-20, 1e-9, 1.0, 1e15])
def test_a_range_and_its_ticks_do_not_depend_on_the_unit(unit: float) -> None:
    low, high = figures.span_of([0.3 * unit, 0.9 * unit])
    assert (low / unit, high / unit) == pytest.approx((0.264, 0.936))
    assert [tick / unit for tick in figures.ticks((low, high))] == pytest.approx([0.4, 0.6, 0.8])
    same = figures.span_of([0.3 * unit, 0.3 * unit])
    assert same[0] / unit == pytest.approx(0.285) and same[1] / unit == pytest.approx(0.315)


def test_the_number_line_puts_value_and_interval_where_they_belong() -> None:
    svg = figures.number_line(
        0.87, 0.83, 0.91, (0, 1), percent, percent, baseline=0.1, baseline_label="guess: 10%"
    )
    assert positions(svg, "value") == [87.0]
    assert 'class="interval" x1="83.0%" x2="91.0%"' in svg
    assert 'class="baseline" x1="10.0%"' in svg
    assert "<desc>About 87%, between 83% and 91%; guess: 10%.</desc>" in svg


def test_a_hundred_squares_are_split_at_the_interval() -> None:
    svg = figures.hundred(0.83, 0.87, 0.91, "rows")
    assert [svg.count(f'<rect class="{k}"') for k in ("sure", "perhaps", "wrong")] == [83, 8, 9]
    svg = figures.hundred(0.996, 0.998, 0.999, "rows")
    assert [svg.count(f'<rect class="{k}"') for k in ("sure", "perhaps", "wrong")] == [99, 1, 0]
    svg = figures.hundred(None, 0.87, None, "rows")
    assert [svg.count(f'<rect class="{k}"') for k in ("sure", "perhaps", "wrong")] == [87, 0, 13]


def test_a_score_beyond_the_scale_is_an_arrow_at_its_end() -> None:
    svg = figures.interval_track(-58.0, -120.0, -3.0, (0.0, 1.0))
    assert "◂" in svg and positions(svg, "value") == [] and 'class="interval"' not in svg


def test_a_dumbbell_joins_training_and_held_out() -> None:
    svg = figures.dumbbell(1.0, 0.75, (0.5, 1.0))
    assert positions(svg, "ring") == [100.0]
    assert positions(svg, "value") == [50.0]
    assert 'class="gap" x1="100.0%" x2="50.0%"' in svg


def test_a_family_shows_all_its_candidates() -> None:
    strip = figures.Strip("Traditional", [("a", 0.8), ("b", 0.7), ("c", -9.0)], 0.8, 0.75, 0.85, True)
    svg = figures.family_strips([strip], (0.0, 1.0), percent, percent, 0.1)
    assert positions(svg, "other") == [80.0, 70.0]
    assert "◂" in svg
    assert "<desc>Traditional: best 80% of 3.</desc>" in svg


def test_the_band_runs_through_both_ends_of_every_interval() -> None:
    svg = agreement([1, 2, 3], [1, 2, 3], [0, 1, 2], [2, 3, 4], str)
    (corners,) = re.findall(r'points="([^"]+)"', svg)
    assert len(corners.split()) == 6


def test_a_missing_interval_end_leaves_a_gap_in_the_band_not_an_error() -> None:
    svg = agreement([1, 2], [1, 2], [0, None], [2, 3], str)
    assert svg.count('class="point"') == 2


def test_an_error_above_the_line_is_a_prediction_that_was_too_small() -> None:
    svg = errors([10, 20], [3, -4], [5, 5], str)
    small, large = (float(y) for y in re.findall(r'class="point" cx="[^"]+" cy="([^"]+)"', svg))
    (level,) = re.findall(r'class="agreement" x1="[^"]+" y1="([^"]+)"', svg)
    assert small < float(level) < large
    assert "predicted 10, 3 too small" in svg and "predicted 20, 4 too large" in svg


def test_no_error_at_all_is_drawn_on_the_line() -> None:
    assert errors([1, 2], [0, 0], None, str).count('class="point"') == 2


def test_a_measured_value_has_a_shade_in_the_place_of_a_colour() -> None:
    points = [figures.Point(0, 0, 0, False, "a", shade=0), figures.Point(1, 1, 0, True, "b", shade=5)]
    svg = figures.embedding_map(points, ringed="outside")
    assert 'class="v0"' in svg and 'class="v5"' in svg and 'class="c0"' not in svg
    assert "1 of them outside (ringed)" in svg


def test_twenty_four_classes_have_different_marks() -> None:
    marks = {
        (c, "rect" in m, "rotate" in m)
        for k in range(24)
        for m in [figures.marker(k, 0, 0)]
        for c in re.findall(r"c\d", m)[:1]
    }
    assert len(marks) == 24


def test_mistakes_are_ringed_and_drawn_on_top() -> None:
    points = [figures.Point(0, 0, 0, True, "wrong one"), figures.Point(1, 1, 1, False, "right one")]
    svg = figures.embedding_map(points)
    assert svg.count('class="wrong"') == 1
    assert svg.index("right one") < svg.index("wrong one")


def test_words_in_figures_are_escaped() -> None:
    svg = figures.interval_track(0.5, 0.4, 0.6, (0, 1), title='<b>"x" & y')
    assert "<b>" not in svg
    assert ET.fromstring(svg).findtext("title") == '<b>"x" & y'


@pytest.mark.parametrize("share, width", [(0.5, "50.0%"), (-1, "0.0%"), (7, "100.0%")])
def test_a_bar_stays_on_its_rail(share: float, width: str) -> None:
    assert f'class="fill" width="{width}"' in figures.bar(share)


def test_dots_that_fall_together_are_stacked_and_the_mark_is_a_line() -> None:
    figure = figures.dot_stack(
        [0.5, 0.5, 0.5, 0.8], (0.4, 0.9), lambda v: f"{v:.1f}", mark=0.6, mark_label="here"
    )
    places = re.findall(r'class="value" cx="([\d.]+)%" cy="(\d+)"', figure)
    assert [x for x, _ in places] == ["20.0"] * 3 + ["80.0"]
    assert len({y for x, y in places if x == "20.0"}) == 3
    assert 'class="mark" x1="40.0%"' in figure and "here" in figure


def test_many_different_values_are_put_into_columns() -> None:
    values = [i / 1000 for i in range(100)]
    figure = figures.dot_stack(values, (0.0, 0.1), lambda v: f"{v:.2f}")
    assert len(set(re.findall(r'class="value" cx="([\d.]+)%"', figure))) <= 40
