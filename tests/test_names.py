"""Names keep their rows through every change, in 17 bytes where they are UUIDs.

A column of names goes through random changes beside a plain list of strings.
"""

import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kilonova.cloud.names import NameColumn, decode, encode
from kilonova.cloud.vocabulary import Vocabulary
from kilonova.errors import BadInput

UUID = "0f0e0d0c-0b0a-0908-0706-050403020100"
POOL = ["a", "b", "aa", "ab", "é", "日本", UUID, UUID.upper(), "x" * 300, "a\0", " "]
# Enough of them that some meet in the hash table.
POOL += [f"n{number}" for number in range(30)]


def column(*names: str) -> NameColumn:
    made = NameColumn()
    made.append(names)
    return made


def packed_and_loaded(names: NameColumn) -> NameColumn:
    text, lengths = names.packed()
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    made = NameColumn()
    made.load(text.copy(), offsets)
    return made


@pytest.mark.parametrize(
    ("name", "size"),
    [
        pytest.param(UUID, 17, id="canonical"),
        pytest.param(UUID.upper(), 36, id="upper case"),
        pytest.param(UUID.replace("-", ""), 32, id="no dashes"),
        pytest.param("0f0e0d0c-0b0a-0908-0706-05040302010g", 36, id="not a digit"),
        pytest.param("0f0e0d0c-" + "b" * 27, 36, id="dashes missing"),
        pytest.param("ÿ", 2, id="the byte that marks a UUID"),
        pytest.param("", 0, id="empty"),
    ],
)
def test_encoding(name: str, size: int) -> None:
    assert len(encode(name)) == size
    assert decode(encode(name)) == name


@given(st.text())
def test_any_text_comes_back(name: str) -> None:
    assert decode(encode(name)) == name


def test_inserted_before_is_packed_in_order() -> None:
    # The text was appended all the same, and its length said nothing of the order.
    names = column("b")
    names.insert(0, ["a"])
    assert names.to_list() == packed_and_loaded(names).to_list() == ["a", "b"]


def test_longest_name() -> None:
    longest = "x" * 65535
    names = column(longest, "y")
    assert names.find(longest) == 0
    assert packed_and_loaded(names).to_list() == [longest, "y"]


@pytest.mark.parametrize("way", ["append", "insert", "set"])
@pytest.mark.parametrize(
    "bad",
    [
        pytest.param("x" * 65536, id="too long"),
        pytest.param("\ud800", id="half a surrogate pair"),
        pytest.param("b", id="taken"),
    ],
)
def test_refused_name_changes_nothing(way: str, bad: str) -> None:
    names = column("a", "b")
    ways: dict[str, Callable[[], None]] = {
        "append": lambda: names.append(["c", bad]),
        "insert": lambda: names.insert(0, ["c", bad]),
        "set": lambda: names.set(0, bad),
    }
    with pytest.raises(BadInput):
        ways[way]()
    assert names.to_list() == ["a", "b"]
    assert [names.find(name) for name in ("a", "b", "c", bad)][:3] == [0, 1, -1]
    names.append(["c"])
    assert names.find("c") == 2


def test_unknown_names() -> None:
    names = column("a", "")
    assert [names.find(name) for name in ("", "b", "\ud800", "x" * 70000)] == [-1] * 4
    assert NameColumn().find("a") == -1
    assert names.named().tolist() == [True, False]


def test_copies_stay_as_they_were() -> None:
    names = column("a", UUID, "", "日本", "é")
    copied = names.copied(np.array([4, 1, 2, 0], np.int32))
    none = names.copied(np.zeros(0, np.int32))
    names.remove(0, 5)
    names.append(["zz", "yyyyyyyyyyyyyyyyy"])
    assert copied.to_list() == ["é", UUID, "", "a"]
    assert copied.named().tolist() == [True, True, False, True]
    assert none.to_list() == []


def test_a_name_given_again_and_again_leaves_no_text_behind() -> None:
    names = column("a", "b")
    for number in range(20_000):
        names.set(0, f"name {number}")
    assert names.find("name 19999") == 0
    assert names.find("name 19998") == -1
    assert names.find("b") == 1
    assert names.nbytes < 50_000


@pytest.mark.parametrize("count", [10_000, 13_107, 13_109])
def test_size_of_uuids(count: int) -> None:
    # Around the count at which the hash table doubles.
    uuids = [f"{number:08x}-0000-4000-8000-000000000000" for number in range(count)]
    names = NameColumn()
    names.append(uuids)
    assert names.find(uuids[-1]) == count - 1
    assert names.nbytes / count <= 17 + 6 + 13
    tracemalloc.start()
    text, _ = names.packed()
    assert tracemalloc.get_traced_memory()[0] < 20 * count
    tracemalloc.stop()
    assert len(text) == 17 * count


changes = st.one_of(
    st.tuples(
        st.just("insert"),
        st.integers(0, 23),
        st.lists(st.sampled_from(["", *POOL]), max_size=9),
    ),
    *[st.tuples(st.just("set"), st.integers(0, 23), st.sampled_from(["", *POOL]))] * 9,
    st.tuples(st.just("remove"), st.integers(0, 23), st.integers(0, 3)),
    st.tuples(st.just("reorder"), st.permutations(range(24)), st.none()),
    st.tuples(st.just("reload"), st.none(), st.none()),
)


def changed(plain: list[str], what: str, where: object, given: object) -> list[str]:
    """Change a list of names as a column must be; equal where it is refused."""
    names = list(plain)
    if what == "insert":
        assert isinstance(where, int)
        assert isinstance(given, list)
        names[min(where, len(names)) : min(where, len(names))] = given
    elif what == "set" and names:
        assert isinstance(where, int)
        assert isinstance(given, str)
        names[where % len(names)] = given
    elif what == "remove" and names:
        assert isinstance(where, int)
        assert isinstance(given, int)
        del names[where % len(names) : where % len(names) + given]
    elif what == "reorder":
        assert isinstance(where, list)
        names = [names[row] for row in where if row < len(names)]
    real = [name for name in names if name]
    return names if len(set(real)) == len(real) else plain


def change(names: NameColumn, what: str, where: object, given: object) -> NameColumn:
    if what == "reload":
        return packed_and_loaded(names)
    count = len(names)
    if what == "insert":
        assert isinstance(where, int)
        assert isinstance(given, list)
        names.insert(min(where, count), given)
    elif what == "set" and count:
        assert isinstance(where, int)
        assert isinstance(given, str)
        names.set(where % count, given)
    elif what == "remove" and count:
        assert isinstance(where, int)
        assert isinstance(given, int)
        names.remove(where % count, min(given, count - where % count))
    elif what == "reorder":
        assert isinstance(where, list)
        names.reorder(np.array([row for row in where if row < count], np.int64))
    return names


@settings(max_examples=400)
@given(st.lists(changes, max_size=40))
def test_same_as_a_list(steps: list[tuple[str, object, object]]) -> None:
    plain: list[str] = []
    names = NameColumn()
    for step in steps:
        after = changed(plain, *step)
        if len(after) > 24:
            continue
        try:
            names = change(names, *step)
        except BadInput:
            assert after == plain
        plain = after
        assert names.to_list() == plain
        for name in POOL:
            assert names.find(name) == (plain.index(name) if name in plain else -1)
        assert packed_and_loaded(names).to_list() == plain


def test_names_alike_but_for_case() -> None:
    names = Vocabulary(["Host-a", "host-b"])
    assert names.find_alike("HOST-A") == [0]
    # Also names that came later.
    names.number("host-A")
    assert names.find_alike("host-a") == [0, 2]
    assert names.find_alike("host-c") == []
