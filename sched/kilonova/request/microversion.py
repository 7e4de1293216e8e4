"""Microversions of Placement's API, 1.0 to 1.39."""

from typing import NamedTuple

from kilonova.errors import BadRequest


class Microversion(NamedTuple):
    """A microversion; a later one compares greater."""

    major: int
    minor: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"


FIRST = Microversion(1, 0)
CANDIDATES = Microversion(1, 10)
ERROR_CODES = Microversion(1, 23)
LATEST = Microversion(1, 39)


def parse_microversion(text: str) -> Microversion:
    """Read ``"1.0"`` to ``"1.39"``, or ``"latest"``.

    Raises
    ------
    BadRequest
        With status 400 if the text is not two whole numbers with a point between
        them, with 406 if it is but nobody serves that microversion. Neither has a
        code, because codes begin with a microversion.

    Notes
    -----
    Same answers as ``extract_version`` in microversion_parse, which Placement uses.
    It reads each number as Python does, so ``"+1.039"`` is 1.39.
    """
    if text == "latest":
        return LATEST
    try:
        major, minor = (int(number) for number in text.split(".", 1))
    except ValueError:
        raise BadRequest(
            f"Microversion must be like '1.39', or 'latest', got {text!r}.", code=None
        ) from None
    version = Microversion(major, minor)
    if not FIRST <= version <= LATEST:
        raise BadRequest(
            f"Microversion must be {FIRST} to {LATEST}, or 'latest', got {text!r}.",
            status=406,
            code=None,
        )
    return version


def check_candidates_served(version: Microversion) -> None:
    """Refuse a microversion that has no GET /allocation_candidates.

    Raises
    ------
    BadRequest
        With status 404 before 1.10.
    """
    if version < CANDIDATES:
        raise BadRequest(
            f"GET /allocation_candidates needs microversion {CANDIDATES} or later, "
            f"got {version}.",
            status=404,
            code=None,
        )
