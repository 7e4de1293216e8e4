"""The operators of extra specs answer as Nova's do, and refuse what Nova stops at.

Cases at the limits by name, the recorded answers of Nova, then errors.
"""

from typing import Any

import pytest

from kilonova.errors import BadServerSpec
from kilonova.hosts.operators import match
from nova_corpus import cases


@pytest.mark.parametrize(
    ("value", "requirement", "matches"),
    [
        pytest.param("4", "= 4", True, id="at least, equal"),
        pytest.param("5", "= 4", True, id="at least, more"),
        pytest.param("3", "= 4", False, id="at least, less"),
        pytest.param("4.0", "== 4", True, id="equal as numbers"),
        pytest.param("4.0", "4", False, id="equal as text"),
        pytest.param("> 4", "> 4", True, id="no operator, whole text"),
        pytest.param("", "", True, id="nothing"),
        pytest.param("x", "s==", False, id="no operand"),
        pytest.param(None, "x", False, id="no value"),
        pytest.param(None, "s!= x", False, id="no value differs from nothing"),
        pytest.param("10", "s< 9", True, id="less as text"),
        pytest.param("aes sse", "<all-in> sse aes", True, id="all words"),
        pytest.param("a", "<or> a", True, id="one of one"),
        pytest.param("<or>", "<or> a <or> b", False, id="words between are none"),
        pytest.param("b", "<or> a b", False, id="every second word counts"),
    ],
)
def test_limits(value: str | None, requirement: str, matches: bool) -> None:
    assert match(value, requirement) is matches


@pytest.mark.parametrize("case", cases("ops_match"), ids=lambda case: str(case["args"]))
def test_same_as_nova(case: dict[str, Any]) -> None:
    arguments = case["args"]
    assert match(arguments["value"], arguments["requirement"]) == case["result"]


@pytest.mark.parametrize(
    ("value", "requirement", "nova"),
    [
        pytest.param("many", ">= 4", "ValueError", id="value is no number"),
        pytest.param("4", ">= many", "ValueError", id="operand is no number"),
        pytest.param("4", "<or>", "IndexError", id="or of nothing"),
    ],
)
def test_refused(value: str, requirement: str, nova: str) -> None:
    with pytest.raises(BadServerSpec, match="extra spec 'x'") as raised:
        match(value, requirement, "extra spec 'x'")
    assert raised.value.nova == nova
    assert repr(requirement) in str(raised.value)
