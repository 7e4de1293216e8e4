"""How a function becomes a command, and a parameter of it several options."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any, dataclass_transform, get_args

import typer
from typer.models import ArgumentInfo

Function = Callable[..., int | None]
Parameters = Mapping[str, inspect.Parameter]


@dataclass_transform(eq_default=False, kw_only_default=True)
class Options:
    """Options that travel together.

    The annotations of a subclass are arguments, options, or other such classes; its
    values are their defaults. It is what a dataclass is, but made in no time: each of
    those would keep ``--help`` waiting for a millisecond.
    """

    def __init__(self, **values: Any) -> None:
        kind: Any = type(self)
        for name, each in _fields(kind).items():
            value = values.pop(name, each.default)
            if value is each.empty:
                raise TypeError(f"{kind.__name__} needs {name}.")
            setattr(self, name, value)
        if values:
            raise TypeError(f"{kind.__name__} has no {sorted(values)}.")


def command(
    group: typer.Typer, name: str | None = None
) -> Callable[[Function], Function]:
    """Register a function as a command of a group.

    A parameter of a class of ``Options`` stands for all of those. Arguments come first,
    then options of the function, then those that it shares with others. What it returns
    is the exit status.

    Parameters
    ----------
    group
        Where it is put.
    name
        How it is called; left out, as the function.
    """

    def register(function: Function) -> Function:
        own = inspect.signature(function).parameters

        def called(**values: Any) -> None:
            status = function(**_gathered(own, values))
            if status is not None:
                raise typer.Exit(status)

        called.__name__, called.__doc__ = function.__name__, function.__doc__
        # This is where inspect looks, and so typer; no type says that it may be set.
        vars(called)["__signature__"] = inspect.Signature(_sorted(own))
        # Typer would evaluate them a second time, at a tenth of what all of it takes.
        called.__annotations__.clear()
        group.command(name)(called)
        return function

    return register


def _sorted(own: Parameters) -> list[inspect.Parameter]:
    alone, spread = list[inspect.Parameter](), list[inspect.Parameter]()
    for each in own.values():
        if _is_options(each.annotation):
            spread += _spread(each.annotation)
        else:
            alone.append(each.replace(kind=each.KEYWORD_ONLY))
    # Arguments go by place: those that are shared, as CLOUD, are the first everywhere.
    arguments = [each for each in (*spread, *alone) if _is_argument(each)]
    return arguments + [each for each in (*alone, *spread) if not _is_argument(each)]


@cache
def _spread(kind: Any) -> tuple[inspect.Parameter, ...]:
    return tuple(_all_of(kind))


def _all_of(kind: Any) -> Iterator[inspect.Parameter]:
    for each in _fields(kind).values():
        if _is_options(each.annotation):
            yield from _spread(each.annotation)
        else:
            yield each


@cache
def _fields(kind: Any) -> Parameters:
    keyword = inspect.Parameter.KEYWORD_ONLY
    return {
        name: inspect.Parameter(
            name,
            keyword,
            default=vars(kind).get(name, inspect.Parameter.empty),
            annotation=annotation,
        )
        for name, annotation in inspect.get_annotations(kind).items()
    }


def _is_options(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, Options)


def _is_argument(parameter: inspect.Parameter) -> bool:
    return any(isinstance(a, ArgumentInfo) for a in get_args(parameter.annotation))


def _gathered(parameters: Parameters, values: dict[str, Any]) -> dict[str, Any]:
    """Make objects of the values that belong together."""
    found = {}
    for name, each in parameters.items():
        kind = each.annotation
        if _is_options(kind):
            found[name] = kind(**_gathered(_fields(kind), values))
        else:
            found[name] = values[name]
    return found
