"""Explain agrees with an oracle that tries everything.

Random clouds, and devices with odd limits, of which random clouds have too few: each
constraint by itself, every smaller amount one by one, and every request with one thing
less, or two.
"""

from collections.abc import Iterator

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from generators.cases import Case, random_case, readable, state_of
from generators.document import Document, Inventory, Provider
from kilonova.candidates.cloud import Cloud
from kilonova.request.group import Request, RequestGroup
from oracle import explain as oracle


@st.composite
def limit_cases(draw: st.DrawFn) -> Case:
    """Draw devices with odd limits, and groups that ask them for too much.

    cn0            nothing
    +-- cn0:d0     VGPU
    +-- ...
    """
    document: Document = {"providers": [_provider("cn0", None, {})], "consumers": []}
    for number in range(draw(st.integers(1, 3))):
        total = draw(st.integers(1, 20))
        offer: Inventory = {
            "total": total,
            "step_size": draw(st.sampled_from([1, 2, 3, 5])),
            "min_unit": draw(st.sampled_from([1, 2, 4])),
            "max_unit": draw(st.sampled_from([total, 4, 7, 100])),
        }
        name = f"cn0:d{number}"
        document["providers"].append(_provider(name, "cn0", {"VGPU": offer}))
        if used := draw(st.integers(0, total)):
            document["consumers"].append({name: {"VGPU": used}})
    amounts = draw(st.lists(st.integers(1, 24), min_size=1, max_size=3))
    groups = [RequestGroup(f"_{i}", {"VGPU": n}) for i, n in enumerate(amounts)]
    policy = draw(st.sampled_from(["none", "isolate"]))
    request = Request(tuple(groups), policy)
    return Case(readable(document), state_of(document), request)


def _provider(
    name: str, parent: str | None, inventories: dict[str, Inventory]
) -> Provider:
    return {
        "name": name,
        "parent": parent,
        "inventories": inventories,
        "traits": [],
        "aggregates": [],
    }


@st.composite
def cases(draw: st.DrawFn) -> Case:
    return random_case(draw(st.integers(0, 2**20)), draw(st.integers(0, 40)))


@st.composite
def cases_without_candidates(draw: st.DrawFn) -> Case:
    """Draw a request that has no candidates; most random ones have some."""
    seed = draw(st.integers(0, 2**20))
    for number in range(30):
        case = random_case(seed, number)
        if not oracle.fitting(case.state, case.request):
            return case
    assume(False)
    raise AssertionError("hypothesis goes on elsewhere")


@settings(max_examples=200)
@given(cases())
def test_first_failing_as_oracle(case: Case) -> None:
    found = Cloud.from_document(case.document).explain(case.request)
    wanted = oracle.first_failing(case.state, case.request)
    got = {root: c and (c.kind, c.suffix, c.names) for root, c in found.trees.items()}
    assert got == wanted
    counted = {
        each.constraint: sum(c == each.constraint for c in found.trees.values())
        for each in found.removed
    }
    # Where a clause is repeated, the second of the two has no tree of its own.
    assert sum(each.trees for each in found.removed) == (
        found.tree_count - found.fitting_count
    )
    assert all(each.trees in (0, counted[each.constraint]) for each in found.removed)


@settings(max_examples=200)
@given(st.one_of(cases_without_candidates(), limit_cases()))
def test_single_steps_as_oracle(case: Case) -> None:
    assume(not oracle.fitting(case.state, case.request))
    found = Cloud.from_document(case.document).explain(case.request)
    got = {
        (step.kind, step.suffix, step.names): (step.amount, each.trees, each.request)
        for each in found.relaxations
        if len(each.steps) == 1
        for step in each.steps
    }
    wanted: dict[oracle.Key, tuple[int | None, int, Request]] = {}
    for key, tries in oracle.smaller_amounts(case.request):
        for amount, smaller in tries:
            if count := len(oracle.fitting(case.state, smaller)):
                wanted[key] = (amount, count, smaller)
                break
    for key, without in oracle.without_one(case.request):
        count = len(oracle.fitting(case.state, without)) if without else 0
        if without and count:
            wanted[key] = (None, count, without)
    named = oracle.first_of_alike(case.request)
    assert got == {key: value for key, value in wanted.items() if key[1] in named}


@settings(max_examples=100)
@given(st.one_of(cases_without_candidates(), limit_cases()))
def test_pairs_as_oracle(case: Case) -> None:
    assume(not oracle.fitting(case.state, case.request))
    found = Cloud.from_document(case.document).explain(case.request)
    for each in found.relaxations:
        fitting = oracle.fitting(case.state, each.request)
        assert len(fitting) == each.trees > 0
    if found.relaxations:
        return
    for smaller in smaller_requests(case.request):
        for least in smaller_requests(smaller):
            assert not oracle.fitting(case.state, least)


def smaller_requests(request: Request) -> Iterator[Request]:
    """Yield what asks for one thing less; of amounts those worth a second step."""
    for _, smaller in oracle.without_one(request):
        if smaller is not None:
            yield smaller
    for _, tries in oracle.smaller_amounts(request):
        # The oracle tries them all; so many that pairs of them take too long.
        yield from (smaller for _, smaller in tries[:30])
