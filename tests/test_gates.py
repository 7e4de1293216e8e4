"""Gates hold as the code is, and a slowdown breaches them.

Method: some gates of ``bench/gates.toml`` are measured on small clouds, as they are and
with calls made slower on purpose; files that cannot be right are refused in one line.
"""

from dataclasses import replace
from pathlib import Path

import pytest

from kilonova.bench.gates import Gate, outcomes, read_gates
from kilonova.bench.workload import Fleet
from kilonova.errors import BadInput

GATES = Path(__file__).parent.parent / "bench" / "gates.toml"
SMALL = Fleet(500, "nested", 0.7)
# How many times slower; bounds are two to three times what was measured.
SLOWER = 25


def test_gates_are_many_and_of_all_kinds() -> None:
    gates = read_gates(GATES)
    assert len(gates) >= 25
    assert {gate.against for gate in gates} == {"numpy", "hosts", "workload"}
    assert len({gate.title for gate in gates}) == len(gates)
    assert len({gate.workload for gate in gates}) >= 15


@pytest.mark.jit
@pytest.mark.parametrize(
    "gate",
    [
        # State is not changed: the call is repeated.
        Gate("marks: all, one port", SMALL, "numpy", 0, 10),
        # State is changed: the call is drawn out.
        Gate("claims: claim", SMALL, "hosts", 100, 5),
        Gate("claims: release", SMALL, "workload", "claims: claim", 3),
    ],
    ids=lambda gate: gate.against,
)
def test_a_slowdown_is_caught(gate: Gate) -> None:
    (as_it_is,) = outcomes([gate])
    (slowed,) = outcomes([gate], {gate.workload: SLOWER})
    assert as_it_is.holds, as_it_is.line()
    assert not slowed.holds, slowed.line()
    assert slowed.line().startswith("BREACH: ")
    assert slowed.ratio > as_it_is.ratio * SLOWER / 5


@pytest.mark.jit
def test_real_bounds_catch_it() -> None:
    """Take gates as they stand in the file, on smaller clouds."""
    names = ("select: plain", "candidates: text, plain")
    chosen = [
        replace(gate, fleet=gate.fleet._replace(hosts=1_000), of=200)
        for gate in read_gates(GATES)
        if gate.workload in names
        and gate.against == "hosts"
        and gate.fleet.shape == "flat"
    ]
    assert len(chosen) == len(names)
    for found in outcomes(chosen, dict.fromkeys(names, SLOWER)):
        assert not found.holds, found.line()


CLAIM = "[[gate]]\nworkload = 'marks: all, plain'\nagainst = 'numpy'\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "at least one"),
        ("[[gate", "is not TOML"),
        ("[[gate]]\nworkload = 'marks: all, plain'\nat_most = 1", "against must be"),
        (
            "[[gate]]\nworkload = 'x'\nagainst = 'numpy'\nat_most = 1",
            "workload must be a workload, as `kilonova bench` names it, got 'x'",
        ),
        (
            "[[gate]]\nworkload = 'marks: all, plain'\nagainst = 'numpy'",
            "at_most must be a ratio above 0, got None",
        ),
        (
            "[[gate]]\nworkload = 'marks: all, plain'\nagainst = 'hosts'\nat_most = 1",
            "of must be a number of hosts in 1..1000000, got None",
        ),
        *(
            (f"{CLAIM}at_most = {value}", f"must be a ratio above 0, got {value}")
            for value in ("nan", "inf", "0", "'1'")
        ),
        *(
            (f"{CLAIM}at_most = 1\nhosts = {value}", f"hosts must be .*, got {value}")
            for value in ("'x'", "0", "-5", "1000.5", "2000000")
        ),
        (f"{CLAIM}at_most = 1\nhosts = true", "hosts must be .*, got True"),
        (f"{CLAIM}at_most = 1\nshape = 'round'", "not timed on 10000 hosts, .*'round'"),
        (f"{CLAIM}at_most = 1\nfill = 'full'", "not timed on .* fill 'full'"),
        (f"{CLAIM}at_most = 1\nof = 1", "against numpy there is no of, got 1"),
        (f"{CLAIM}at_most = 1\n{CLAIM}at_most = 1", "gate 2: there is one just like"),
        ("gate = [1]", "gate 1: it must be a table, got 1"),
        ("[[gate]]\nworkload = [1]\nagainst = 'numpy'\nat_most = 1", r"got \[1\]"),
        (
            "[[gate]]\nworkload = 'claims: claim'\nagainst = 'hosts'\nof = 10000\n"
            "at_most = 1",
            "of must be another one, got 10000",
        ),
        (
            "[[gate]]\nworkload = 'marks: all, plain'\nseconds = 1",
            "gate 1: unknown 'seconds'",
        ),
        (
            "[[gate]]\nworkload = 'marks: all, one port'\nagainst = 'numpy'\nat_most=1",
            "is not timed on",
        ),
    ],
)
def test_bad_files(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "gates.toml"
    path.write_text(text)
    with pytest.raises(BadInput, match=message) as raised:
        read_gates(path)
    assert "\n" not in str(raised.value)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be read"):
        read_gates(tmp_path / "none.toml")


@pytest.mark.jit
def test_nothing_to_compare_with() -> None:
    gate = Gate("claims: claim", SMALL, "numpy", 0, 1)
    with pytest.raises(BadInput, match="no plain numpy pass"):
        list(outcomes([gate]))
