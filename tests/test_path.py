"""The path through the atlas, held against Viterbi's search over the whole sequence."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hygiesync.rendering import path
from hygiesync.rendering.path import JUMP_COST, PathSearch, jump_costs

TAKE = 12


def frame_numbers(n_takes: int = 10) -> np.ndarray:
    """Takes of `TAKE` pictures each, far from one another."""
    return (np.arange(n_takes)[:, None] * 1000 + np.arange(TAKE)).ravel()


def random_problem(seed: int, n_frames: int = 40) -> list[tuple[np.ndarray, np.ndarray]]:
    """Candidates and costs of each frame: a few pictures, wherever they lie."""
    rng = np.random.default_rng(seed)
    size = rng.integers(1, 7, n_frames)
    candidates = [np.sort(rng.choice(len(frame_numbers()), n, replace=False)) for n in size]
    return [(chosen, rng.exponential(JUMP_COST, len(chosen))) for chosen in candidates]


def speech_problem(seed: int, n_frames: int = 300) -> list[tuple[np.ndarray, np.ndarray]]:
    """Candidates and costs as in speech: the nearest pictures to a mouth that moves smoothly."""
    rng = np.random.default_rng(seed)

    def movement(n: int) -> np.ndarray:
        time = np.arange(n)[:, None]
        return 0.02 * np.sin(time * rng.uniform(0.1, 0.6, 4) + rng.uniform(0, 6, 4)) + rng.normal(0, 0.001, (n, 4))

    atlas = np.concatenate([movement(TAKE) for _ in range(10)])
    problem = []
    for wanted in movement(n_frames):
        distance = np.linalg.norm(atlas - wanted, axis=1)
        nearest = np.sort(np.argsort(distance)[:10])
        problem.append((nearest, distance[nearest]))
    return problem


def searched(problem: list[tuple[np.ndarray, np.ndarray]] | list[tuple[list[int], list[float]]], lag: int) -> list[int]:
    search = PathSearch(frame_numbers(), lag)
    return [choice for frame in problem for choice in search.push(*frame)] + search.flush()


def jump(before: int, after: int) -> float:
    numbers = frame_numbers()
    return 0.0 if abs(numbers[before] - numbers[after]) <= 2 else JUMP_COST


def total_cost(path: list[int], problem: list[tuple[np.ndarray, np.ndarray]]) -> float:
    own = sum(costs[list(candidates).index(choice)] for choice, (candidates, costs) in zip(path, problem, strict=True))
    return own + sum(jump(before, after) for before, after in pairwise(path))


def viterbi(problem: list[tuple[np.ndarray, np.ndarray]]) -> list[int]:
    """The cheapest path, with every best path written out."""
    candidates, costs = problem[0]
    best = [(cost, [int(picture)]) for picture, cost in zip(candidates, costs, strict=True)]
    for candidates, costs in problem[1:]:
        best = [
            min((total + jump(path[-1], picture) + cost, [*path, int(picture)]) for total, path in best)
            for picture, cost in zip(candidates, costs, strict=True)
        ]
    return min(best)[1]


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10**6))
def test_with_time_enough_it_is_the_search_over_the_whole_sequence(seed: int) -> None:
    problem = random_problem(seed)
    best = viterbi(problem)
    assert searched(problem, lag=len(problem)) == best


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10**6), st.integers(0, 20))
def test_no_lag_finds_a_path_that_is_cheaper_than_the_cheapest(seed: int, lag: int) -> None:
    problem = random_problem(seed)
    path = searched(problem, lag)
    assert all(choice in candidates for choice, (candidates, _) in zip(path, problem, strict=True))
    assert total_cost(path, problem) >= total_cost(viterbi(problem), problem) - 1e-12


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10**6), st.integers(0, 8))
def test_no_choice_waits_for_longer_than_the_lag(seed: int, lag: int) -> None:
    search, n_chosen = PathSearch(frame_numbers(), lag), 0
    for n_pushed, frame in enumerate(random_problem(seed), start=1):
        n_chosen += len(search.push(*frame))
        assert n_chosen + search.n_waiting == n_pushed
        assert search.n_waiting <= lag
    n_chosen += len(search.flush())
    assert n_chosen == n_pushed
    assert search.n_waiting == 0


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10**6))
def test_without_a_lag_each_choice_is_the_cheapest_after_the_last(seed: int) -> None:
    search, last = PathSearch(frame_numbers(), 0), None
    for candidates, costs in random_problem(seed):
        jumps = [0.0 if last is None else jump(last, picture) for picture in candidates]
        last = int(candidates[np.argmin(costs + jumps)])
        assert search.push(candidates, costs) == [last]


def test_a_little_lag_finds_nearly_the_cheapest_path() -> None:
    """In speech: a frame of lag is better than none, and with 16 there is next to nothing left to gain."""
    problems = [speech_problem(seed) for seed in range(6)]
    best = sum(total_cost(viterbi(problem), problem) for problem in problems)
    excess = [sum(total_cost(searched(problem, lag), problem) for problem in problems) / best - 1 for lag in (0, 1, 16)]
    assert excess[0] > excess[1] > excess[2]
    assert excess[0] > 0.004
    assert excess[2] < 0.001


@pytest.mark.parametrize("lag", [0, 1, 3])
def test_what_was_decided_is_what_later_choices_go_on_from(lag: int) -> None:
    """Of two takes the nearer is decided on. The other would have been better in the end, but not by a jump."""
    twins = np.array([3, TAKE * 4 + 3])
    frames = [(twins, np.array([0.0, 0.01]) * JUMP_COST)] * (lag + 1)
    frames += [(twins, np.array([0.9 / (lag + 1), 0.0]) * JUMP_COST)] * (lag + 1)
    assert searched(frames, lag=100) == [twins[1]] * len(frames)
    assert searched(frames, lag) == [twins[0]] * len(frames)


def test_a_choice_that_all_paths_share_comes_at_once() -> None:
    search = PathSearch(frame_numbers(), lag=100)
    assert search.push(np.array([5]), np.array([0.01])) == [5]
    assert search.push(np.array([6, 40]), np.array([0.5, 0.0]) * JUMP_COST) == []
    assert search.push(np.array([7, 41]), np.zeros(2)) == []
    assert search.push(np.array([8]), np.zeros(1)) == [6, 7, 8]


def test_going_on_in_a_take_is_free_and_a_jump_costs() -> None:
    numbers = np.array([0, 1, 2, 3, 500])
    costs = jump_costs(numbers[[0]], numbers)[0]
    np.testing.assert_array_equal(costs > 0, [False, False, False, True, True])
    assert costs[-1] == JUMP_COST
    np.testing.assert_array_equal(jump_costs(numbers, numbers), jump_costs(numbers, numbers).T)


@pytest.mark.parametrize(("gain", "choice"), [(0.5, 1), (1.5, TAKE)])
def test_a_jump_must_be_worth_its_cost(gain: float, choice: int) -> None:
    search = PathSearch(frame_numbers(), 0)
    assert search.push(np.array([0]), np.zeros(1)) == [0]
    assert search.push(np.array([1, TAKE]), np.array([gain * JUMP_COST, 0.0])) == [choice]


def test_a_take_is_begun_for_what_it_goes_on_to() -> None:
    """The mouth that is a little further at first is taken, since only it goes on without a jump."""
    choices = [([0, TAKE], [0.0, 0.5]), ([TAKE + 1], [0.0]), ([TAKE + 2], [0.0])]
    frames = [(np.array(candidates), np.array(costs) * JUMP_COST) for candidates, costs in choices]
    assert searched(frames, lag=2) == [TAKE, TAKE + 1, TAKE + 2]
    assert searched(frames, lag=0) == [0, TAKE + 1, TAKE + 2]


def test_after_a_flush_the_path_goes_on_and_after_a_reset_it_does_not() -> None:
    twins, nearly = np.array([1, TAKE]), np.array([0.5 * JUMP_COST, 0.0])
    search = PathSearch(frame_numbers(), 3)
    for _ in range(2):
        assert search.push(np.array([0, 30]), np.array([0.0, 0.1]) * JUMP_COST) == []
    assert search.flush() == [0, 0]
    assert search.flush() == []
    search.push(twins, nearly)
    assert search.flush() == [1]
    search.push(twins, nearly)
    search.reset()
    assert search.n_waiting == 0
    search.push(twins, nearly)
    assert search.flush() == [TAKE]


def test_a_reset_search_is_a_new_one() -> None:
    search = PathSearch(frame_numbers(), 5)
    for seed in range(3):
        problem = random_problem(seed)
        search.reset()
        path = [choice for frame in problem for choice in search.push(*frame)] + search.flush()
        assert path == searched(problem, 5)


def test_likely_followers_go_on_from_where_the_best_paths_are() -> None:
    search = PathSearch(frame_numbers(), 4)
    assert len(search.likely_followers()) == 0
    search.push(np.array([5, 20, 40]), np.array([0.0, 0.001, 0.9]))
    assert {5, 6, 20, 21, 40, 41} <= set(search.likely_followers())
    assert {5, 6} <= set(search.likely_followers(n_paths=1))
    assert not {20, 21, 40, 41} & set(search.likely_followers(n_paths=1))
    search.flush()
    assert {5, 6} <= set(search.likely_followers())
    assert not {20, 21} & set(search.likely_followers())
    search.reset()
    assert len(search.likely_followers()) == 0


@pytest.mark.parametrize("lag", [0, 3])
def test_likely_followers_are_pictures_of_the_atlas(lag: int) -> None:
    last = len(frame_numbers()) - 1
    search = PathSearch(frame_numbers(), lag)
    search.push(np.array([0, last]), np.zeros(2))
    followers = search.likely_followers()
    assert followers.min() >= 0
    assert followers.max() <= last


def test_the_thousandth_hour_is_searched_like_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Costs of which only the differences count: summed up as they come, they would soon swallow a jump's.

    All numbers are whole multiples of 2^-16, so that equal paths stay equal to the last bit.
    """
    monkeypatch.setattr(path, "JUMP_COST", 1 / 256)
    rng = np.random.default_rng(0)
    problem = [(candidates, rng.integers(0, 8, len(candidates)) / 1024) for candidates, _ in random_problem(1, 2000)]
    problem = [(candidates, costs + rng.permutation(len(costs)) / 2**16) for candidates, costs in problem]
    dear = [(candidates, costs + 2.0**20) for candidates, costs in problem]
    assert searched(dear, 16) == searched(problem, 16)


def test_float32_costs_are_summed_exactly() -> None:
    """The retriever's are, and on a long tie a float32's rounding would add up."""
    problem = [(candidates, costs.astype(np.float32)) for candidates, costs in speech_problem(3)]
    exact = [(candidates, costs.astype(np.float64)) for candidates, costs in problem]
    assert searched(problem, len(problem)) == viterbi(exact)
