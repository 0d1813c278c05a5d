from __future__ import annotations

import pytest

from handful.report.curve_figure import Series, learning_curve
from handful.report.more_data import lead, plan_text, target_text, targets
from handful.report.page import render
from tests.report import made_up
from tests.report.test_page import Reader


def answer(status: str, **more: object) -> dict:
    return {"target": 0.95, "status": status, "more": None, "low": None, "high": None, "reason": None} | more


def test_the_page_says_what_as_many_again_bring() -> None:
    text = Reader(made_up.page(made_up.image_run)).text
    assert "With as many again (600 instead of 300), expect an accuracy of about 89%: +2.5 points" in text
    assert "To reach an accuracy of 89.3% you need about 300 more pictures (150 to more than 900)." in text
    assert "One class alone: cannot be told." in text


def test_the_page_says_that_one_cannot_tell_and_shows_the_points_all_the_same() -> None:
    page = made_up.page(made_up.table_run)
    assert "Whether more rows would help: cannot tell, because the curve falls." in Reader(page).text
    assert 'class="curve"' in page and "foreseen" not in page.split('class="curve"')[1].split("</svg>")[0]


def test_a_run_without_a_curve_says_why() -> None:
    summary, extras = made_up.image_run()
    summary |= {"learning_curve": None, "reasons": {"learning_curve": "nothing was asked"}}
    assert "nothing was asked" in Reader(render(summary, extras)).text
    assert "nothing was asked" in plan_text(summary, [])


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (answer("reached", more=0), "An accuracy of 95% is already reached"),
        (answer("needed", more=187, low=43, high=None), "about 190 more pictures (45 to more than 900)"),
        (answer("needed", more=187, low=43, high=612), "about 190 more pictures (45 to 610)"),
        (answer("beyond", low=900), "probably more than 900 more pictures"),
        (
            answer("cannot tell", reason="the curve falls"),
            "cannot tell how many more pictures it needs, because",
        ),
    ],
)
def test_each_kind_of_answer_is_a_sentence(told: dict, said: str) -> None:
    assert said in target_text(made_up.image_run()[0], told)


def test_smaller_errors_are_called_less() -> None:
    summary, _ = made_up.regression_run()
    summary["metric_info"] = {
        "name": "rmse",
        "label": "RMSE",
        "higher_is_better": False,
        "percent": False,
        "words": "",
    }
    summary["learning_curve"] = made_up.growth(["classic/svr"], 200, 50.0, -2.0)["learning_curve"]
    assert "expect an RMSE of about 48.0" in str(lead(summary)) and "less" in str(lead(summary))


def test_the_plan_for_the_terminal_has_a_line_a_size() -> None:
    summary, _ = made_up.image_run()
    text = plan_text(summary, summary["labels_needed"]["targets"])
    assert [n in text for n in ("450 in all", "600 in all", "1,200 in all")] == [True] * 3
    assert "8 of 10" in text


def test_the_figure_keeps_inside_its_frame_and_is_dashed_from_now_on() -> None:
    points = [(10.0, 0.5, 0.4, 0.6), (80.0, 0.8, 0.7, 0.9)]
    line = [(float(m), v, v - 0.1, min(1.0, v + 0.1)) for m, v in ((10, 0.5), (100, 0.82), (400, 0.9))]
    figure = str(
        learning_curve([Series("one", "mine", points, line)], 100, lambda _: "{:.1f}".format, (0, 1), "rows")
    )
    assert figure.count("foreseen") == 1 and "rows to learn from" in figure and ">now<" in figure
    numbers = [
        float(v)
        for part in figure.split('points="')[1:]
        for v in part.split('"')[0].replace(",", " ").split()
    ]
    assert min(numbers) >= 0 and max(numbers) <= 640


@pytest.mark.parametrize("low", [0, 900])
def test_a_target_out_of_sight_says_at_least_how_many_only_where_that_tells(low: int) -> None:
    said = target_text(made_up.image_run()[0], answer("beyond", low=low))
    assert "probably more than 900 more pictures, further than can be foreseen" in said


def test_that_nothing_can_be_told_is_told_once() -> None:
    summary, _ = made_up.image_run()
    told = summary["learning_curve"]["curves"][0]
    summary["labels_needed"]["targets"] = [
        answer("cannot tell", reason="the scores are luck"),
        answer("reached"),
    ]
    assert len(targets(summary)) == 2
    told["doubt"] = "the scores are luck"
    assert [("reached" in line) for line in targets(summary)] == [True]


def test_a_level_curve_has_an_axis_of_few_digits() -> None:
    summary, extras = made_up.image_run()
    summary |= made_up.growth(["ensemble/uniform"], 300, 1.0, 0.0)
    for point in summary["learning_curve"]["curves"][0]["points"]:
        point |= {"score": 0.9996, "low": 0.9996, "high": 0.9996}
    curve = render(summary, extras).split('class="curve"')[1].split("</svg>")[0]
    assert "100%" in curve and "000%" not in curve
