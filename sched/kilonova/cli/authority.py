"""Who asks for a command, and whether he may: --as, --rules, --policy-file."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from kilonova.cli import options
from kilonova.cli.commands import Options

if TYPE_CHECKING:
    from kilonova.admin.credentials import Credentials
    from kilonova.admin.policy import Policy


class RuleChoice(Options):
    """Which rules are asked: those of a release, and an operator's file over them."""

    rules: options.Rules = "current"
    policy_file: options.PolicyFile = None

    def policy(self, service: str = "nova") -> "Policy":
        """Load those of a service; raises BadInput, UnknownRule."""
        from kilonova.admin.policy import Policy

        return Policy(self.rules, self.policy_file, service=service)


class Authority(Options):
    """Who asks, where anybody is named, and the rules that say what he may.

    Attributes
    ----------
    caller
        ``role:R,project:P,scope:S``, or None where no policy is asked.
    choice
        Of rules.
    """

    caller: options.Caller = None
    choice: RuleChoice

    def who(self, service: str = "nova") -> "tuple[Policy, Credentials] | None":
        """Give whom to ask and who asks, None where no policy is asked; BadInput."""
        from kilonova.admin.credentials import Credentials

        if self.caller is None:
            return None
        return self.choice.policy(service), Credentials.parse(self.caller)

    def require(
        self, *operations: str, target: Mapping[str, Any] | None = None
    ) -> None:
        """Return if the caller may do all of these, or nobody is named.

        Parameters
        ----------
        operations
            All of Nova, or all of Placement, whose rules are asked then.
        target
            ``project_id`` and ``user_id`` of what is acted upon; left out, the
            caller's own.

        Raises
        ------
        Forbidden
            A rule refuses.
        BadInput, UnknownRule
            Caller, rules or file cannot be right.
        """
        if self.caller is None:
            return
        from kilonova.admin.policy_operations import service_of

        (service,) = {service_of(operation) for operation in operations}
        who = self.who(service)
        assert who is not None
        policy, caller = who
        held = set[str]()
        for operation in operations:
            policy.authorize(operation, caller, target, held)
