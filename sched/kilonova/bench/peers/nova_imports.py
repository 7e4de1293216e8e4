"""The one place where Nova is imported; it is an extra, and slow to load.

Nova warns of what its own libraries will drop; that is not ours to repair.
"""

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import nova.conf
    from nova import exception, objects
    from nova.objects import aggregate, image_meta, request_spec
    from nova.pci import request as pci_request
    from nova.scheduler import request_filter
    from nova.scheduler import utils as scheduler_utils
    from nova.virt import hardware

    objects.register_all()

CONF = nova.conf.CONF


def configure(*files: str) -> None:
    """Let Nova read its options from some files, and no others of the machine."""
    CONF([], project="nova", default_config_files=files, default_config_dirs=[])


configure()

__all__ = [
    "CONF",
    "aggregate",
    "configure",
    "exception",
    "hardware",
    "image_meta",
    "objects",
    "pci_request",
    "request_filter",
    "request_spec",
    "scheduler_utils",
]
