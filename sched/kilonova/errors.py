"""Everything that Kilonova raises on purpose.

KilonovaError
├── BadInput            what was given cannot be right (a file, a document, an amount)
│   ├── BadTable        a Parquet or Arrow table: names file, column or row
│   ├── BadRequest      a request for candidates; carries Placement's status and code
│   ├── BadServerSpec   a server that Nova would refuse; carries its exception's name
│   ├── BadOption       an option of Nova: names section, option and value
│   ├── BadMdevConfig   vGPU types that nova-compute does not start with
│   └── NotReported     a host does not report what a filter or weigher reads
├── NotFound            a name that nothing here has
│   ├── UnknownProvider
│   ├── UnknownResourceClass
│   ├── UnknownTrait
│   ├── UnknownConsumer
│   ├── UnknownHost
│   ├── UnknownPolicy
│   ├── UnknownFilter
│   ├── UnknownWeigher
│   ├── UnknownMetric
│   ├── UnknownAggregate
│   ├── UnknownOperation
│   └── UnknownRule
├── SearchTooLong       whether a tree has a candidate is too hard to find out
├── Forbidden           a rule of a policy does not let the caller
├── Refused             an operation that Nova's API refuses: status, exception's name
├── StepFailed          a step of an operation failed outside of Kilonova
└── Conflict            well formed, but the state of the cloud forbids it
    ├── DoesNotFit      a claim that a provider cannot take
    ├── PinningConflict a host CPU that is pinned already, or that nobody pinned
    ├── DevicesConflict PCI devices that the pools of a host do not have
    ├── NoValidHost     no host takes the server
    │   ├── RequestFilterFailed     a pre-filter says so before any host is looked at
    │   └── MaxRetriesExceeded      all hosts that were selected have been tried
    ├── InUse           what would be removed is still used
    └── GenerationConflict
"""


class KilonovaError(Exception):
    """The base of all errors that Kilonova raises on purpose."""


class BadInput(KilonovaError, ValueError):
    """Something that was given cannot be right, whatever the state of the cloud."""


class BadTable(BadInput):
    """A table misses a column, or has a wrong type or an impossible value in one."""


class BadRequest(BadInput):
    """A request for allocation candidates that Placement would refuse.

    Attributes
    ----------
    status
        HTTP status of Placement's answer, 400 unless said otherwise.
    code
        Placement's error code (from microversion 1.23), or None.
    """

    def __init__(
        self,
        message: str,
        status: int = 400,
        code: str | None = "placement.undefined_code",
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class BadServerSpec(BadInput):
    """A flavor, image, port, alias or hint with which Nova would refuse a server.

    Attributes
    ----------
    nova
        Name of the exception that Nova raises.
    """

    def __init__(self, message: str, nova: str = "Invalid") -> None:
        super().__init__(message)
        self.nova = nova


class BadMdevConfig(BadInput):
    """Types of mediated devices that nova-compute would not start with.

    Attributes
    ----------
    nova
        Name of the exception that Nova raises.
    """

    def __init__(self, message: str, nova: str) -> None:
        super().__init__(message)
        self.nova = nova


class BadOption(BadInput):
    """A file of options has an option that Nova has not, or a value that cannot be."""


class NotReported(BadInput):
    """A host does not report an amount that a filter or weigher computes with."""

    nova = "TypeError"


class NotFound(KilonovaError, LookupError):
    """A name that nothing here has."""


class UnknownProvider(NotFound):
    """No resource provider has this name or UUID."""


class UnknownResourceClass(NotFound):
    """Neither a standard resource class nor one known to this cloud."""


class UnknownTrait(NotFound):
    """Neither a standard trait nor one known to this cloud."""


class UnknownConsumer(NotFound):
    """No consumer with this UUID holds allocations."""


class UnknownHost(NotFound):
    """No host has this name."""


class UnknownPolicy(NotFound):
    """No placement policy is registered under this name."""


class UnknownFilter(NotFound):
    """No filter is registered under this name, or it is not among the available."""

    nova = "SchedulerHostFilterNotFound"


class UnknownWeigher(NotFound):
    """No weigher of hosts is registered under this name."""

    nova = "ClassNotFound"


class UnknownMetric(NotFound):
    """A host does not report a metric that options require."""

    nova = "ComputeHostMetricNotFound"


class SearchTooLong(KilonovaError):
    """Whether a tree has one more candidate could not be found out in time.

    Such requests are rare: many groups that just do not fit together on many providers,
    of amounts or classes that differ. The bound is a number of steps, some seconds of
    work, so that the same question always ends alike.
    """


class UnknownAggregate(NotFound):
    """No host aggregate has this name or UUID."""

    nova = "AggregateNotFound"
    status = 404


class UnknownOperation(NotFound):
    """No operation is registered under this name."""


class UnknownRule(NotFound):
    """No set of policy rules has this name."""


class Forbidden(KilonovaError):
    """A rule of a policy does not let the caller do this; nothing was changed.

    Attributes
    ----------
    rule
        Name of the rule that refuses.
    """

    nova = "PolicyNotAuthorized"
    status = 403

    def __init__(self, message: str, rule: str) -> None:
        super().__init__(message)
        self.rule = rule


class Refused(KilonovaError):
    """An operation that Nova's API refuses, in its words.

    Attributes
    ----------
    status
        HTTP status of Nova's answer.
    nova
        Name of the exception behind it.
    """

    def __init__(self, message: str, status: int, nova: str) -> None:
        super().__init__(message)
        self.status = status
        self.nova = nova


class StepFailed(KilonovaError):
    """A step that is done outside of Kilonova, on a host or in Neutron, failed.

    Attributes
    ----------
    nova
        Name of the exception that Nova would see.
    aborts
        Whether no other host is tried, as for Nova's ``BuildAbortException``.
    rolls_back
        Whether the server goes on as before, as for ``InstanceFaultRollback``.
    """

    def __init__(
        self,
        message: str,
        nova: str = "NovaException",
        *,
        aborts: bool = False,
        rolls_back: bool = False,
    ) -> None:
        super().__init__(message)
        self.nova = nova
        self.aborts = aborts
        self.rolls_back = rolls_back


class Conflict(KilonovaError):
    """Well formed, but the present state of the cloud forbids it."""


class DoesNotFit(Conflict):
    """A provider cannot take an amount of a claim; nothing was written."""


class InUse(Conflict):
    """What would be removed still has allocations, children or inventories."""


class GenerationConflict(Conflict):
    """The provider or consumer changed since the generation that was given."""


class PinningConflict(Conflict):
    """Host CPUs cannot be pinned, or given back.

    Attributes
    ----------
    nova
        Name of the exception that Nova raises.
    """

    def __init__(self, message: str, nova: str) -> None:
        super().__init__(message)
        self.nova = nova


class DevicesConflict(Conflict):
    """The PCI pools of a host cannot give what a server asks for."""

    nova = "PciDeviceRequestFailed"


class NoValidHost(Conflict):
    """No host takes the server; the message says why."""


class RequestFilterFailed(NoValidHost):
    """A request pre-filter found that no host can take the server."""


class MaxRetriesExceeded(NoValidHost):
    """All hosts that were selected for a server have been tried."""

    nova = "MaxRetriesExceeded"
