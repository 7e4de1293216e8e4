"""Functions made commands: options that stand for many, their order, exit statuses."""

from typing import Annotated

import pytest
import typer
import typer.main

from kilonova.cli import commands
from kilonova.cli.commands import Options


class Inner(Options):
    """Options within options."""

    depth: Annotated[int, typer.Option("--depth")] = 1


class Outer(Options):
    """An argument, an option that must be given, and others."""

    place: Annotated[str, typer.Argument(metavar="PLACE")]
    name: Annotated[str, typer.Option("--name")]
    inner: Inner
    names: Annotated[list[str] | None, typer.Option("--more")] = None


SEEN: list[tuple[object, ...]] = []
app = typer.Typer()


@commands.command(app, "look-at")
def look(
    shared: Outer,
    other: Annotated[str, typer.Argument(metavar="OTHER")],
    status: Annotated[int, typer.Option("--status")] = 0,
) -> int:
    """Note what is given."""
    SEEN.append((shared.place, other, shared.name, shared.names, shared.inner.depth))
    return status


@commands.command(app)
def rest() -> None:
    """Do nothing."""


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        app(list(arguments))
    return int(ended.value.code or 0)


def test_options_are_gathered() -> None:
    SEEN.clear()
    assert run("look-at", "here", "there", "--name", "n") == 0
    asked = ("look-at", "here", "there", "--name=n", "--more", "a", "--more", "b")
    assert run(*asked, "--depth", "3", "--status", "7") == 7
    assert SEEN == [
        ("here", "there", "n", None, 1),
        ("here", "there", "n", ["a", "b"], 3),
    ]


def test_nothing_returned_is_success() -> None:
    assert run("rest") == 0


def test_what_must_be_given() -> None:
    SEEN.clear()
    assert run("look-at", "here", "there") == 2
    assert run("look-at", "here", "--name", "n") == 2
    assert SEEN == []


def test_arguments_then_own_options_then_shared_ones() -> None:
    group = typer.main.get_command(app)
    assert isinstance(group, typer.core.TyperGroup)
    found = group.commands["look-at"]
    names = [each.name for each in found.params]
    assert names == ["place", "other", "status", "name", "depth", "names"]
    assert found.help == "Note what is given."


def test_made_by_hand() -> None:
    made = Outer(place="p", name="n", inner=Inner())
    assert (made.place, made.names, made.inner.depth) == ("p", None, 1)
    with pytest.raises(TypeError, match="Outer needs place"):
        Outer(name="n", inner=Inner())  # type: ignore[call-arg]
    with pytest.raises(TypeError, match=r"Inner has no \['dept'\]"):
        Inner(dept=2)  # type: ignore[call-arg]
