"""Filters and weighers read no more of a host and a spec than they say.

An engine keeps their answers by what they say. Hosts that note each look are put to all
of them; specs with equal keys must get equal answers.
"""

from dataclasses import fields
from typing import Any

import pytest

from generators.hosts import NOW, Case, random_case
from kilonova.cloud.host import Host
from kilonova.errors import KilonovaError
from kilonova.hosts import clock
from kilonova.hosts.filters import register as filters
from kilonova.hosts.weighers import register as weighers

NAMES = frozenset(field.name for field in fields(Host))
SEEDS = range(100)


class Watched(Host):
    """A host that notes which of its attributes were looked at."""

    def __getattribute__(self, name: str) -> Any:
        if name in NAMES:
            LOOKS.add(name)
        return super().__getattribute__(name)


LOOKS: set[str] = set()


def watched(host: Host) -> Host:
    return Watched(**{name: getattr(host, name) for name in NAMES})


def answer(ask: Any, host: Host, case: Case) -> Any:
    try:
        with clock.using(lambda: NOW):
            return ask(host, case.spec, case.options)
    except KilonovaError as error:
        return type(error)


@pytest.mark.parametrize("each", filters.registered(), ids=lambda each: each.name)
def test_filters_read_what_they_say(each: filters.Filter) -> None:
    seen: set[str] = set()
    for case in map(random_case, SEEDS):
        allowed = each.looks_at(case.spec, case.options)
        assert allowed <= each.reads
        for host in case.hosts:
            LOOKS.clear()
            answer(each.passes, watched(host), case)
            looks = LOOKS & NAMES
            if not isinstance(answer(each.passes, host, case), type):
                assert looks <= allowed
            seen |= looks
    # What is said to be read is read by some: a long list would cost an engine time.
    # No drawn image asks for address bits, at which Nova fails.
    assert each.reads - seen <= {"cpu_info"} or each.reads_for is not None


@pytest.mark.parametrize("each", weighers.registered(), ids=lambda each: each.name)
def test_weighers_read_what_they_say(each: weighers.Weigher) -> None:
    seen: set[str] = set()
    for case in map(random_case, SEEDS):
        for host in case.hosts:
            LOOKS.clear()
            weight = answer(each.raw, watched(host), case)
            if not isinstance(weight, type):
                assert each.reads >= LOOKS
                seen |= LOOKS
            if each.asks(case.spec, case.options) is None:
                assert weight == 0
    assert seen <= each.reads


@pytest.mark.parametrize("each", filters.registered(), ids=lambda each: each.name)
def test_equal_keys_get_equal_answers(each: filters.Filter) -> None:
    hosts = [host for case in map(random_case, range(20)) for host in case.hosts]
    answers: dict[Any, tuple[int, list[Any]]] = {}
    for seed in SEEDS:
        case = random_case(seed)
        key = each.asks(case.spec, case.options)
        found = [answer(each.passes, host, case) for host in hosts]
        if key is None:
            assert all(found), f"seed {seed}"
        first, known = answers.setdefault(key, (seed, found))
        assert found == known, f"seeds {first} and {seed}"


@pytest.mark.parametrize(
    "each",
    [each for each in filters.registered() if each.threshold],
    ids=lambda each: each.name,
)
def test_thresholds_are_the_filters(each: filters.Filter) -> None:
    assert each.threshold is not None
    for case in map(random_case, SEEDS):
        for host in case.hosts:
            limit = each.threshold.limit(host.aggregates, case.options)
            column = getattr(host, each.threshold.column)
            assert answer(each.passes, host, case) is (column < limit)
