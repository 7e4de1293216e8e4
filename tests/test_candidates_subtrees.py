"""Groups in several subtrees: looking ahead finds the dead ends, and nothing else.

Ports with bandwidth on a bridge and packet rate on its agent, so that both classes are
short only together. First clouds with one port too many, on which a plain search would
go on for ages; work is counted in options tried. Then random ones, with the look-ahead
from the start and never. At last what becomes of a search that has no end in sight.
"""

import random
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

import kilonova.candidates.compile
from kilonova import Cloud
from kilonova.candidates.candidates import Candidates
from kilonova.candidates.kin import group_kin
from kilonova.candidates.marking import Marking
from kilonova.errors import SearchTooLong
from kilonova.request.query import parse_query
from kilonova_kernels.columns import Cursor

BANDWIDTH = "NET_BW_EGR_KILOBIT_PER_SEC"
PACKETS = "NET_PACKET_RATE_KILOPACKET_PER_SEC"
NEVER = 1 << 40

Agent = tuple[int, Sequence[int]]


def host(agents: Sequence[Agent]) -> Cloud:
    """Make a host with agents of some packet rate, and bridges of some bandwidth.

    cn             VCPU
    +-- a0         packet rate
    |   +-- a0b0   bandwidth
    |   +-- ...
    +-- ...
    """
    providers = [provider("cn", None, "VCPU", 8)]
    for a, (packets, bridges) in enumerate(agents):
        providers.append(provider(f"a{a}", "cn", PACKETS, packets))
        providers += [
            provider(f"a{a}b{b}", f"a{a}", BANDWIDTH, amount)
            for b, amount in enumerate(bridges)
        ]
    return Cloud.from_document({"providers": providers})


def provider(name: str, parent: str | None, offer: str, total: int) -> dict[str, Any]:
    return {"name": name, "parent": parent, "inventories": {offer: {"total": total}}}


def ports(
    amounts: Sequence[tuple[int, ...]], policy: str = "none", apart: bool = True
) -> str:
    """Ask for ports: packet rate, then bandwidth of each bridge; ``apart`` or not."""
    query, subtrees = f"resources=VCPU:1&group_policy={policy}", []
    for n, (packets, *bandwidths) in enumerate(amounts):
        query += f"&resources_p{n}={PACKETS}:{packets}"
        names = [f"_p{n}"]
        for b, bandwidth in enumerate(bandwidths):
            query += f"&resources_b{n}_{b}={BANDWIDTH}:{bandwidth}"
            names.append(f"_b{n}_{b}")
        subtrees.append(",".join(names))
    if not apart:
        subtrees = [",".join(subtrees)]
    return query + "".join(f"&same_subtree={names}" for names in subtrees)


def searched(cloud: Cloud, query: str) -> Candidates:
    """Search the only tree, though marking may have left it out."""
    found = cloud.allocation_candidates(query)
    found.found.trees = np.zeros(1, np.int32)
    return found


def steps(found: Candidates) -> int:
    assert found.found.search
    return int(found.found.search.cursor[Cursor.STEPS])


@pytest.mark.parametrize(
    ("agents", "asked"),
    [
        pytest.param([(3, [1, 1])] * 4 + [(1, [3, 3])] * 4, [(1, 1)] * 13, id="pairs"),
        pytest.param([(1, [1, 1])] * 8, [(1, 1)] * 9, id="equal agents"),
        pytest.param([(3, [1, 1])] * 7, [(1, 1, 1)] * 8, id="triples"),
        pytest.param(
            [(3, [1, 1])] * 4 + [(1, [2, 3])] * 3, [(1, 1, 1)] * 8, id="unlike agents"
        ),
        pytest.param(
            [(5, [3, 2 + a % 2]) for a in range(7)], [(1, 2, 2)] * 8, id="two of three"
        ),
        pytest.param(
            [(1 + a % 4, [1 + 3 * a % 4, 1 + 5 * a % 3]) for a in range(4)],
            [(1, 1)] * 10,
            id="all unlike",
        ),
    ],
)
def test_one_too_many(agents: list[Agent], asked: list[tuple[int, ...]]) -> None:
    found = searched(host(agents), ports(asked))
    assert found.count() == 0
    assert steps(found) < 2_000_000
    assert len(host(agents).allocation_candidates(ports(asked[1:]), 1)) == 1


@pytest.mark.parametrize("part", range(6))
def test_looking_ahead_changes_no_answer(
    part: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Compare on hosts that are all but full, with agents equal now and then."""
    draw = random.Random(f"subtrees {part}")
    answers = 0
    for _ in range(60):
        kinds = [random_agent(draw) for _ in range(draw.randint(1, 2))]
        cloud = host([draw.choice(kinds) for _ in range(draw.randint(1, 4))])
        amounts = [
            (draw.randint(1, 2), *[draw.randint(1, 2)] * draw.choice([1, 1, 2]))
            for _ in range(draw.choice([1, 1, 2]))
        ]
        asked = [draw.choice(amounts) for _ in range(draw.randint(1, 3))]
        query = ports(
            asked, draw.choice(["none", "none", "isolate"]), draw.random() < 0.8
        )
        got = []
        for patience in (0, NEVER):
            monkeypatch.setattr(kilonova.candidates.compile, "PATIENCE", patience)
            # Plans are kept with their patience.
            cloud.state.facts_changed()
            got.append(list(searched(cloud, query)))
        assert got[0] == got[1]
        answers += bool(got[0])
    assert 10 < answers < 55


def random_agent(draw: random.Random) -> Agent:
    return draw.randint(1, 3), [draw.randint(1, 3) for _ in range(draw.randint(1, 2))]


def packing() -> tuple[Cloud, str]:
    """Make bins that take 14 sevens each, and groups of 113 sevens for eight of them.

    All of it together has room for them, and so have all groups of at least one size.
    """
    bins = [provider(f"d{n}", "cn", "VGPU", 98 + n % 7) for n in range(8)]
    cloud = Cloud.from_document({"providers": [provider("cn", None, "VCPU", 8), *bins]})
    sizes = [42] * 10 + [35] * 5 + [28] * 4 + [21] * 4
    assert sum(sizes) == 113 * 7
    query = "resources=VCPU:1&group_policy=none"
    return cloud, query + "".join(
        f"&resources_{n}=VGPU:{size}" for n, size in enumerate(sizes)
    )


def test_a_search_without_an_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kilonova.candidates.compile, "MOST_STEPS", 20_000)
    cloud, query = packing()
    for _ in range(2):
        with pytest.raises(SearchTooLong, match=r"within 20000 steps.* 'cn'"):
            cloud.allocation_candidates(query).count()
    found = searched(cloud, query)
    for _ in range(2):
        with pytest.raises(SearchTooLong):
            found.to_json()
    assert steps(found) < 60_000
    with pytest.raises(SearchTooLong):
        cloud.headroom(query)
    with pytest.raises(SearchTooLong):
        cloud.explain(query)


def test_what_was_given_up_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bound is for each candidate anew, and an error leaves no marks behind."""
    monkeypatch.setattr(kilonova.candidates.compile, "MOST_STEPS", 20_000)
    cloud, query = packing()
    marking = Marking(cloud.state, parse_query(query), True)
    with pytest.raises(SearchTooLong):
        marking.fits(cloud.state)
    cloud.set_inventory("d0", "VGPU", {"total": 1000})
    assert marking.fits(cloud.state).tolist() == [True]
    easy = host([(9, [9])] * 9).allocation_candidates(ports([(1, 1)] * 5), 20_000)
    assert easy.count() == 20_000
    assert steps(easy) > 20_000


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        pytest.param(
            "_a=VGPU:1&resources_b=VGPU:1&resources_c=VGPU:2", "001", id="free"
        ),
        pytest.param(
            "_a=VGPU:1&resources_b=VGPU:1&resources_c=VGPU:1&same_subtree=_a,_b",
            "001", id="one of them alone",
        ),
        pytest.param(
            "_a=VGPU:1&resources_b=VGPU:1&resources_c=FPGA:1&resources_d=FPGA:1"
            "&same_subtree=_a,_c&same_subtree=_b,_d",
            "0011", id="two pairs",
        ),
        pytest.param(
            "_a=VGPU:1&resources_b=VGPU:1&resources_c=FPGA:1&resources_d=FPGA:2"
            "&same_subtree=_a,_c&same_subtree=_b,_d",
            "0123", id="unlike pairs",
        ),
        pytest.param(
            "_a=VGPU:1&resources_b=VGPU:1&resources_c=FPGA:1"
            "&same_subtree=_a,_c&same_subtree=_b,_c",
            "012", id="one in two conditions",
        ),
    ],
)  # fmt: skip
def test_kin(query: str, numbers: str) -> None:
    request = parse_query(f"resources{query}&group_policy=none")
    assert "".join(str(kin.number) for kin in group_kin(request)) == numbers
