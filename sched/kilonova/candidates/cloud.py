"""``Cloud``: the columns with their edits and claims, and the questions one can ask."""

from collections.abc import Sequence

from kilonova.candidates.candidates import Candidates, find_candidates
from kilonova.candidates.explain import Explanation, explain
from kilonova.candidates.headroom import Headroom, headroom
from kilonova.cloud.cloud import BaseCloud
from kilonova.request.group import Request


class Cloud(BaseCloud):
    """A cloud that can be asked as well as edited. See ``BaseCloud`` for edits."""

    def allocation_candidates(
        self,
        request: Request | str,
        limit: int | None = None,
        microversion: str = "1.39",
        *,
        per_host: int | None = None,
        hosts: Sequence[str] | None = None,
    ) -> Candidates:
        """Find what could serve a request: Placement's GET /allocation_candidates.

        Parameters
        ----------
        request
            Groups, or a query string of the microversion.
        limit
            Most candidates to find, at least 1. With one in the request the smaller.
        microversion
            ``"1.10"`` to ``"1.39"``, or ``"latest"``: it decides the form of a query
            and of the answer, and before 1.29 leaves out what needs two providers of
            one tree.
        per_host
            Most candidates of one tree, at least 1. Candidates of different trees then
            count as different even if they take the same from sharing providers.
        hosts
            Roots of the trees to search, best first; left out, all in the order of the
            cloud.

        Raises
        ------
        BadRequest
            With status and code, if Placement refuses the request or comes to a
            resource class or trait that does not exist.
        BadInput, UnknownProvider
            One of ``hosts`` is not the root of a tree, or is unknown.
        """
        return find_candidates(
            self.state, request, limit, microversion, per_host, hosts
        )

    def explain(self, request: Request | str, host: str | None = None) -> Explanation:
        """Say which constraint removes each tree, and what would give a candidate.

        Parameters
        ----------
        request
            Groups, or a query string of microversion 1.39.
        host
            Name or UUID of a provider: only its tree is looked at.

        Raises
        ------
        BadRequest
            Placement would refuse the request.
        UnknownTrait, UnknownResourceClass, UnknownProvider
            A name is unknown.
        """
        return explain(self.state, request, host)

    def headroom(self, request: Request | str, most: int | None = None) -> Headroom:
        """Count how often a request can be claimed until no candidate is left.

        Parameters
        ----------
        request
            Groups, or a query string of microversion 1.39.
        most
            Stop when so many are found, at least 1; None counts all.

        Raises
        ------
        BadRequest
            Placement would refuse the request.
        UnknownTrait, UnknownResourceClass
            A name is unknown.
        """
        return headroom(self.state, request, most)
