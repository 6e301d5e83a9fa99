"""The simulation of `benchmarks/scale.py`, against nights that can be counted by hand."""

import json
from dataclasses import replace

import pytest

from benchmarks.scale import BEGIN, CALM, END, PAGE, RECORD, World, core_seconds, simulate, table

HOUR = 3600.0


def test_one_worker_takes_the_sum() -> None:
    night = simulate([HOUR], 5, 1, CALM)
    assert (night.hours, night.utilisation, night.graded, night.deaths) == (5.0, 1.0, 5, 0)


@pytest.mark.parametrize(("workers", "hours", "utilisation"), [(2, 3.0, 5 / 6), (5, 1.0, 1.0), (10, 1.0, 0.5)])
def test_workers_share_and_the_last_ones_wait(workers: int, hours: float, utilisation: float) -> None:
    night = simulate([HOUR], 5, workers, CALM)
    assert (night.hours, night.utilisation) == (pytest.approx(hours), pytest.approx(utilisation))


def test_what_lies_beside_grading_is_no_use() -> None:
    night = simulate([HOUR], 2, 1, replace(CALM, start=HOUR, beside=HOUR / 2))
    assert (night.hours, night.utilisation) == (4.0, 0.5)


def test_what_never_ends_takes_as_long_on_any_machine() -> None:
    night = simulate([HOUR], 3, 1, replace(CALM, stragglers=1.0, longest=2 * HOUR, spread=3.0))
    assert (night.hours, night.utilisation) == (6.0, 1.0)


def test_workers_that_die_cost_time_and_lose_nobody() -> None:
    calm = simulate([60.0], 2000, 8, CALM)
    rough = simulate([60.0], 2000, 8, replace(CALM, deaths_per_hour=2.0, start=30.0))
    assert rough.graded == calm.graded == 2000
    assert rough.deaths > 30 and rough.hours > calm.hours and rough.utilisation < 1.0
    lost = 8 * rough.hours * (1 - rough.utilisation)
    expected = rough.deaths * (30 + 30) / HOUR  # half a submission and a start each
    assert lost == pytest.approx(expected, abs=0.25)


def test_the_same_seed_is_the_same_night_and_another_is_another() -> None:
    nights = [simulate([1.0, 5.0], 500, 4, World(), seed) for seed in (1, 1, 2)]
    assert nights[0] == nights[1] != nights[2]


def test_seconds_on_a_busy_machine_are_counted_as_processor_time() -> None:
    assert core_seconds({"seconds": [1.0, 3.0], "cpu_seconds": 2.0}) == [0.5, 1.5]


def test_the_page_says_what_the_record_says() -> None:
    record = json.loads(RECORD.read_text("utf-8"))
    assert len(record["seconds"]) == len(set(record["students"])) >= 15 and min(record["seconds"]) > 0
    written = PAGE.read_text("utf-8").partition(BEGIN)[2].partition(END)[0]
    assert written == table(record, 100_000, (2, 16, 64, 128, 256), World())
