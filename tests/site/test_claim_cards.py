"""Cards of claims by hand: what the paper prints, what came out, and why a claim is undecided."""

import numpy as np
import pytest

from tests.report.made import averages, make_metrics
from wstal.site import build, claim_cards, seed_differences

QUOTE = "with the background class, our method obtains a new state-of-the-art performance"


def card(full, um, text="FAC-Net is better than UM"):
    return next(one for one in claim_cards.cards(averages(full=full, um=um)) if one.text == text)


def test_a_claim_that_holds():
    found = card([60, 61, 62, 63.0], [40, 41.2, 41.9, 43])
    assert (found.verdict, found.kind, found.mark, found.number, found.measure) == ("holds", "holds", "✓", 1, "average mAP")
    assert found.printed == claim_cards.PrintedClaim(
        "FAC-Net, Table 1, on THUMOS14", "FAC-Net", "UM", "42.2 and 41.9", "+0.3", QUOTE
    )
    assert found.anchor == "claim-1" and found.dataset == "simulated THUMOS14"
    assert found.difference.startswith("+20.0 points, 95 % interval [+1") and found.why.startswith("The mean lies above 0: ")
    assert found.why.endswith("corrected for the one claim of the table, p < 0.001.") and "the same verdict" in found.official


def test_one_claim_at_several_overlaps_is_told_apart():
    rows = {row: [{"all": [x, x - 1]} for x in values] for row, values in (("wsad", [60, 61]), ("wtalc", [40, 42]))}
    found = claim_cards.cards(make_metrics(rows, "metric_table2", [0.1, 0.3], "activitynet"))
    assert [one.text.partition(", ")[2] for one in found] == ["mAP@0.1", "mAP@0.3"]
    assert [one.printed.values for one in found] == ["60.5 and 53.9", "48.4 and 45.5"]


def test_a_claim_that_fails_and_one_that_does_not_matter():
    assert card([40, 41.2, 41.9, 43], [60, 61, 62, 63.0]).why.startswith("The mean lies below 0: ")
    found = card([60, 61, 62, 63.0], [60.01, 60.99, 62, 63])
    assert found.kind == "same" and found.why.startswith("The mean lies inside ±0.3 points, where it does not matter: ")


def test_why_a_claim_is_undecided_and_how_many_seeds_would_decide_it():
    found = card([60, 70], [58, 60])
    assert found.kind == "undecided" and found.mark == "10"
    assert found.why == (
        "Seeds spread by 5.7 points (standard deviation) around +6.0: neither a mean of 0 (p = 0.374) nor one beyond ±0.3 "
        "points (p = 0.805) is ruled out, by paired t-tests over 2 seeds, corrected for the one claim of the table. If mean "
        "and spread stay so, 10 seeds would decide it with a chance of 80 %."
    )


def test_the_first_page_says_why_claims_are_undecided():
    found = [card([60, 70], [58, 60]), card([60, 80, 60.3], [60, 60, 80]), card([60, 61, 62, 63.0], [40, 41.2, 41.9, 43])]
    assert [one.needed for one in found] == [10, None, None]
    assert build.undecided(found).endswith("10 seeds would decide 1 of the 2, 200 would decide 1.")
    assert build.undecided(found[2:]) == ""


def test_seeds_that_no_number_decides_are_said_so():
    found = card([60, 80, 60.3], [60, 60, 80])
    assert found.mark == ">200" and "not even 200 seeds would decide it" in found.why


def test_one_seed_decides_nothing():
    found = card([60], [40])
    assert found.mark == "?" and found.difference == "+20.0 points" and found.why.startswith("There is one seed: ")


def test_what_no_paper_claims_stands_apart():
    metrics = averages(full=[60, 61, 62, 63.0], um=[40, 41.2, 41.9, 43], wsad=[61, 64, 60, 64.0])
    (claimed,), (asked,) = claim_cards.cards(metrics), claim_cards.ours(metrics)
    place = "FAC-Net, Table 1, on THUMOS14"
    assert asked.printed == claim_cards.PrintedClaim(place, "FAC-Net", "deep metric learning", "no values of both", "–", "")
    assert asked.anchor == "ours-1" and "corrected for the one comparison of the table that no paper makes" in asked.why
    assert claimed.text == "FAC-Net is better than UM" and "corrected for the one claim of the table, p" in claimed.why


def alike(cosine, euclidean):
    rows = {"cosine": [{"all": [x]} for x in cosine], "euclidean": [{"all": [x]} for x in euclidean]}
    made = make_metrics(rows, "metric_figures", [0.5], "activitynet")
    return next(one for one in claim_cards.cards(made) if one.text == "the cosine and the Euclidean distance are alike")


def test_a_claim_that_two_are_alike_holds_where_their_difference_does_not_matter():
    found = alike([60, 61, 62, 63.0], [60.01, 60.99, 62, 63])
    assert found.kind == "holds" and found.why.startswith("The mean lies inside ±2 points, where it does not matter: ")
    found = alike([60, 61, 62, 63.0], [40, 41.2, 41.9, 43])
    assert found.kind == "fails" and found.why.startswith("The mean lies above 0: ")


def test_a_drawing_has_a_dot_a_seed_where_it_lies():
    found = card([60, 70], [58, 60])
    span = seed_differences.reach(found)
    text = seed_differences.seeds(found)
    middle, half = seed_differences.WIDTH / 2, seed_differences.WIDTH / 2 - seed_differences.MARGIN
    assert text.count("<circle") == 2 and span == pytest.approx(1.1 * max(map(abs, (*found.seeds, *found.interval))))
    for points in found.seeds:
        assert f'cx="{round(middle + points / span * half, 1)}"' in text
    assert 'aria-label="Differences of the seeds in points: +2.0, +10.0"' in text and 'class="interval"' in text


def test_a_drawing_of_one_seed_has_no_interval():
    assert 'class="interval"' not in seed_differences.seeds(card([60], [40]))


@pytest.mark.parametrize("span", [0.3, 1, 2.4, 7, 19, 66, 100])
def test_an_axis_has_three_to_seven_round_ticks(span):
    found = seed_differences.ticks(span)
    assert 3 <= len(found) <= 7 and 0 in found and max(found) <= 0.95 * span
    assert np.allclose(found, -np.array(found[::-1]))
