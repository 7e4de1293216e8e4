"""Who asks: roles, project and scope, as a token from Keystone carries them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kilonova.errors import BadInput

# What a role brings with it where Keystone's own bootstrap made the roles.
IMPLIED = {"admin": "manager", "manager": "member", "member": "reader"}
SCOPES = ("system", "project", "domain")
_KEYS = ("role", "project", "user", "domain", "scope")
_FORM = "role:member,project:P,scope:system"


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a caller may say of itself.

    Attributes
    ----------
    roles
        Names of roles; rules compare them in any case of letters.
    project, user, domain
        Identities, None where the token has none.
    system
        Whether the token is for the system as a whole rather than for a project.
    """

    roles: frozenset[str] = frozenset()
    project: str | None = None
    user: str | None = None
    domain: str | None = None
    system: bool = False

    @classmethod
    def parse(cls, text: str, *, implied: bool = True) -> "Credentials":
        """Read ``role:member,project:P,scope:system``; a role may be repeated.

        Parameters
        ----------
        text
            Pairs of ``role``, ``project``, ``user``, ``domain`` and ``scope``.
        implied
            Whether roles bring with them those that Keystone lets them imply.

        Raises
        ------
        BadInput
            A key is unknown, given twice, or without a value, or the scope lacks what
            it is about.
        """
        roles: list[str] = []
        found: dict[str, str] = {}
        for pair in text.split(","):
            key, _, value = (part.strip() for part in pair.partition(":"))
            if key not in _KEYS or not value:
                raise BadInput(
                    f"Credentials must be like {_FORM} with keys "
                    f"{', '.join(_KEYS)}, got {pair!r}."
                )
            if key == "role":
                roles.append(value)
            elif key in found:
                raise BadInput(f"Credentials have one {key}, got {text!r}.")
            else:
                found[key] = value
        scope = found.pop("scope", None)
        _check_scope(scope, found)
        return cls(
            roles=with_implied(roles) if implied else frozenset(roles),
            system=scope == "system",
            **found,
        )

    def policy_values(self) -> dict[str, Any]:
        """Give what checks of rules look at, under the names that Nova gives it."""
        return {
            "roles": sorted(self.roles),
            "project_id": self.project,
            "user_id": self.user,
            "domain_id": self.domain,
            "system_scope": "all" if self.system else None,
            "is_admin_project": True,
        }

    def target(self) -> dict[str, Any]:
        """Give what is acted upon where nothing else is said: the caller's own."""
        return {"project_id": self.project, "user_id": self.user}

    def __str__(self) -> str:
        parts = [f"role:{role}" for role in sorted(self.roles)]
        for key in ("project", "user", "domain"):
            if (value := getattr(self, key)) is not None:
                parts.append(f"{key}:{value}")
        return ",".join([*parts, f"scope:{self.scope}"])

    @property
    def scope(self) -> str:
        """The scope as rules see it: system before domain before project."""
        if self.system:
            return "system"
        return "domain" if self.domain else "project"


def with_implied(roles: list[str]) -> frozenset[str]:
    """Add the roles that the given ones bring with them.

    Notes
    -----
    The chain that ``keystone-manage bootstrap`` makes: admin, manager, member, reader.
    """
    found = set(roles)
    waiting = list(roles)
    while waiting:
        role = IMPLIED.get(waiting.pop().lower())
        if role and role not in found:
            found.add(role)
            waiting.append(role)
    return frozenset(found)


def _check_scope(scope: str | None, found: Mapping[str, str]) -> None:
    if scope is not None and scope not in SCOPES:
        raise BadInput(f"scope must be one of {', '.join(SCOPES)}, got {scope!r}.")
    if scope in ("project", "domain") and scope not in found:
        raise BadInput(f"scope:{scope} needs {scope}:NAME beside it.")
    if scope == "project" and "domain" in found:
        raise BadInput("scope:project is without a domain: a domain is another scope.")
