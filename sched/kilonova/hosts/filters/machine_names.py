"""Names of architectures, hypervisors and modes, each in its one right spelling."""

from kilonova.errors import BadServerSpec

# What Nova 34 knows: virt/arch.py, and HVType and VMMode in objects/fields.py.
_ARCHITECTURES = frozenset(
    """
    alpha armv6 armv7l armv7b aarch64 cris i686 ia64 lm32 m68k microblaze microblazeel
    mips mipsel mips64 mips64el openrisc parisc parisc64 ppc ppcle ppc64 ppc64le ppcemb
    s390 s390x sh4 sh4eb sparc sparc64 unicore32 x86_64 xtensa xtensaeb
    """.split()  # noqa: SIM905
)
_HYPERVISORS = frozenset(
    """
    baremetal bhyve docker fake hyperv ironic kqemu kvm lxc lxd openvz parallels vz phyp
    qemu test uml vbox vmware xen zvm prsm
    """.split()  # noqa: SIM905
)
_VM_MODES = frozenset({"hvm", "xen", "uml", "exe"})

_OTHER_ARCHITECTURES = {
    "i386": "i686",
    "i486": "i686",
    "i586": "i686",
    "x86_32": "i686",
    "x86_32p": "i686",
    "amd64": "x86_64",
}
_OTHER_HYPERVISORS = {"xapi": "xen"}
_OTHER_VM_MODES = {"pv": "xen", "hv": "hvm", "baremetal": "hvm"}


def architecture(name: object) -> str | None:
    """Give the name of an architecture, None for None."""
    known = _ARCHITECTURES, _OTHER_ARCHITECTURES
    return _right("Architecture", name, *known, "InvalidArchitectureName")


def hypervisor(name: object) -> str | None:
    """Give the name of a hypervisor type, None for None."""
    known = _HYPERVISORS, _OTHER_HYPERVISORS
    return _right("Hypervisor type", name, *known, "InvalidHypervisorVirtType")


def vm_mode(name: object) -> str | None:
    """Give the name of a mode of virtual machines, None for None."""
    known = _VM_MODES, _OTHER_VM_MODES
    return _right("Virtual machine mode", name, *known, "InvalidVirtualMachineMode")


def _right(
    what: str, name: object, known: frozenset[str], others: dict[str, str], nova: str
) -> str | None:
    if name is None:
        return None
    lower = str(name).lower()
    right = others.get(lower, lower)
    if right not in known:
        raise BadServerSpec(
            f"{what} must be one of {', '.join(sorted(known))}, got {name!r}.", nova
        )
    return right
