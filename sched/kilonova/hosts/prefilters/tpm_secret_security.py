"""Ask for hosts that guard the secret of a TPM as the flavor wants it."""

from kilonova.errors import RequestFilterFailed
from kilonova.hosts.prefilters.context import Context, with_root_traits
from kilonova.request.guest_features import tpm, tpm_secret_security
from kilonova.request.server import ServerSpec

_KINDS = ("user", "host", "deployment")


def tpm_secret_security_filter(spec: ServerSpec, _: Context) -> ServerSpec:
    """Require the trait of the kind of guard, if the server has a TPM.

    Raises
    ------
    RequestFilterFailed
        If the flavor asks for an unknown kind.
    """
    if tpm(spec.flavor, spec.image) is None:
        return spec
    kind = tpm_secret_security(spec.flavor)
    if kind not in _KINDS:
        raise RequestFilterFailed(
            f"hw:tpm_secret_security must be one of {_KINDS}, got {kind!r}."
        )
    return with_root_traits(
        spec, f"COMPUTE_SECURITY_TPM_SECRET_SECURITY_{kind.upper()}"
    )
