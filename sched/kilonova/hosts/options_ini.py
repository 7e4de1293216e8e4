"""Files of options as oslo.config reads them: sections, assignments, continuations."""

from kilonova.errors import BadOption

Sections = dict[str, dict[str, list[str]]]
"""Values by section and key, each as often as it was given, in their order."""


def parse_ini(text: str, name: str) -> Sections:
    """Read the text of a file of options.

    A line that begins with a space goes on with the value before it; a blank line ends
    it. Sections are named in any case, but for ``DEFAULT``.

    Parameters
    ----------
    text
        The whole file.
    name
        The file's name, for errors.

    Raises
    ------
    BadOption
        If a line is none of these; the message has its number.

    Notes
    -----
    Same values as ``BaseParser`` in oslo.config's ``iniparser.py``.
    """
    found: Sections = {}
    section: dict[str, list[str]] | None = None
    values: list[str] | None = None
    for number, whole in enumerate(text.split("\n"), start=1):
        line = whole.rstrip()
        where = f"{name}, line {number}"
        if not line:
            values = None
        elif line[0] in " \t":
            if values is None:
                raise _bad(where, "begin without a space", line)
            values[-1] += f"\n{line.lstrip()}"
        elif line[0] == "[":
            values = None
            section = found.setdefault(_section(where, line), {})
        elif line[0] in "#;":
            values = None
        else:
            key, value = _assignment(where, line)
            if section is None:
                raise _bad(where, "come after a '[section]'", line)
            values = section.setdefault(key, [])
            values.append(value)
    return found


def _section(where: str, line: str) -> str:
    if not line.endswith("]") or len(line) <= 2:
        raise _bad(where, "be like '[section]'", line)
    name = line[1:-1]
    return name if name == "DEFAULT" else name.lower()


def _assignment(where: str, line: str) -> tuple[str, str]:
    signs = [line.index(sign) for sign in "=:" if sign in line]
    key = line[: min(signs, default=0)].strip()
    if not key:
        raise _bad(where, "be like 'key = value'", line)
    value = line[min(signs) + 1 :].strip()
    if value and value[0] == value[-1] and value[0] in "\"'":
        value = value[1:-1]
    return key, value


def _bad(where: str, right: str, line: str) -> BadOption:
    return BadOption(f"{where}: the line must {right}, got {line!r}.")
