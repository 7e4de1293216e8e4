"""Whole selections go as Nova's: filters, weights to the last bit, order, consumption.

Random hosts and specs against Nova's kept answers, and against Nova itself where it is
installed (the extra ``nova``); ``scripts/differential_nova.py`` asks thousands.
"""

import json
import warnings
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fits_contest
import hosts_contest
from generators.fits import random_fit
from generators.hosts import random_case
from peers import rounds

_PART = 100


@cache
def kept() -> rounds.Kept:
    return rounds.read()


def listed(found: list[Any]) -> Any:
    return json.loads(json.dumps(found))


def test_enough_is_kept() -> None:
    answers = [each for played in kept().selections.values() for each in played]
    assert len(answers) >= 400
    assert sum(len(each.weights) > 1 for each in answers) >= 100
    assert {each.error for each in answers} > {None, "ComputeHostMetricNotFound"}
    assert sum(
        bool(each and each[0]) for found in kept().fits.values() for each in found
    )


@pytest.mark.parametrize("first", range(0, 400, _PART))
def test_same_as_kept_selections(first: int) -> None:
    for seed in range(first, first + _PART):
        ours = hosts_contest.play(random_case(seed))
        assert not rounds.differences(ours, kept().selections[seed]), f"seed {seed}"


@pytest.mark.parametrize("first", range(0, 1600, 4 * _PART))
def test_same_as_kept_fits(first: int) -> None:
    for seed in range(first, first + 4 * _PART):
        ours = listed(fits_contest.play(random_fit(seed)))
        assert ours == kept().fits[seed], f"seed {seed}"


@pytest.fixture(scope="module")
def nova() -> Any:
    """Import Nova, which warns of what it is built on."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pytest.importorskip("nova", reason="the extra 'nova' is not installed")
        from peers import nova_hosts, nova_numa
    return nova_hosts, nova_numa


@settings(max_examples=50)
@given(seed=st.integers(0, 2**62))
def test_same_as_nova(nova: Any, seed: int) -> None:
    nova_hosts, nova_numa = nova
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        novas = nova_hosts.play(random_case(seed))
        fits = listed(nova_numa.play(random_fit(seed)))
    assert not rounds.differences(hosts_contest.play(random_case(seed)), novas)
    assert listed(fits_contest.play(random_fit(seed))) == fits
