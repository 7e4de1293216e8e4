"""Nova's API for rescue, and its libvirt driver's disks, asked in process.

The controller is the real one; the server, its volumes and images are given to it.
``python -m peers.nova_rescue`` records its answers.
"""

import warnings
from contextlib import ExitStack
from typing import Any
from unittest import mock

from kilonova.bench.peers.nova_imports import CONF, exception, image_meta, objects
from recorded_answers import record
from rescue_cases import case

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import webob.exc
    from nova import context
    from nova.api.openstack import api_version_request, wsgi
    from nova.api.openstack.compute import rescue
    from nova.compute import api
    from nova.virt import hardware
    from nova.virt.libvirt import blockinfo
    from nova.volume import cinder


def answer(given: dict[str, Any]) -> dict[str, Any]:
    """Give the disks of a server while it is rescued, or what the API answers."""
    server = _server(given["server"])
    refused = _ask(server, given)
    if refused:
        return refused
    own = image_meta.ImageMeta.from_dict(
        {"properties": given["server"]["image_properties"]}
    )
    asked = own
    if given["image"]:
        asked = image_meta.ImageMeta.from_dict(given["image"])
    uuid = server.uuid
    try:
        return _disks(given, server, own, asked)
    except (exception.NovaException, AttributeError) as error:
        # The compute manager takes whatever the driver raises.
        return {
            "status": 200,
            "message": f"Instance {uuid} cannot be rescued: Driver Error: {error}",
            "error": type(error).__name__,
        }


def _server(given: dict[str, Any]) -> Any:
    flavor = objects.Flavor(swap=0, extra_specs={})
    server = objects.Instance(
        uuid=given["uuid"],
        vm_state=given["vm_state"],
        task_state=given["task_state"],
        launched_at="2020-01-01T00:00:00Z" if given["launched"] else None,
        locked=given["locked"],
        flavor=flavor,
        host="h",
        node="n",
        user_id="u",
        project_id="p",
        image_ref="",
        ephemeral_gb=0,
        config_drive="",
        system_metadata={
            f"image_{key}": value for key, value in given["image_properties"].items()
        },
    )
    return server


def _ask(server: Any, given: dict[str, Any]) -> dict[str, Any] | None:
    """Call the API's controller; give its refusal, or None if it goes on."""
    controller = rescue.RescueController.__new__(rescue.RescueController)
    controller.compute_api = _api(given)
    major, minor = given["microversion"]
    version = api_version_request.APIVersionRequest(f"{major}.{minor}")
    caller = context.RequestContext(
        user_id="u", project_id="p", is_admin=given["is_admin"], overwrite=False
    )
    caller.can = mock.Mock(return_value=True)
    request = mock.Mock(spec=wsgi.Request)
    request.api_version_request = version
    request.is_legacy_v2.return_value = False
    request.environ = {"nova.context": caller}
    body: dict[str, Any] = {"rescue": None}
    if given["image"]:
        body = {"rescue": {"rescue_image_ref": given["image"]["uuid"]}}
    disks = given["server"]["disks"]
    placement = mock.Mock()
    placement.get_provider_traits.return_value.traits = given["traits"]
    with ExitStack() as stack:
        stack.enter_context(mock.patch.object(api.API, "placementclient", placement))
        for target, name, value in (
            (rescue.common, "get_instance", server),
            (objects.BlockDeviceMappingList, "get_by_instance_uuid", _bdms(disks)),
            (objects.ComputeNode, "get_by_host_and_nodename", mock.Mock(uuid="c")),
            (hardware, "get_vtpm_constraint", given["server"]["has_vtpm"]),
            (objects.Instance, "save", None),
        ):
            stack.enter_context(mock.patch.object(target, name, return_value=value))
        try:
            controller._rescue(request, server.uuid, body=body)
        except webob.exc.HTTPException as error:
            return {"status": error.code, "message": error.explanation}
    return None


def _api(given: dict[str, Any]) -> Any:
    made = api.API.__new__(api.API)
    made.compute_rpcapi = mock.Mock()
    made.volume_api = cinder.API()
    statuses = {
        disk["volume_id"]: disk["volume_status"]
        for disk in given["server"]["disks"]
        if "volume_id" in disk
    }
    made.volume_api.get = lambda _, uuid: {"id": uuid, "status": statuses[uuid]}
    made.image_api = mock.Mock()
    image = given["image"]
    if image and image["properties"] is None:
        made.image_api.get.side_effect = exception.ImageNotFound(image_id="x")
    elif image:
        made.image_api.get.return_value = {
            "id": image["uuid"],
            "properties": image["properties"],
        }
    made._record_action_start = mock.Mock()
    return made


def _bdms(disks: list[dict[str, Any]]) -> Any:
    return objects.BlockDeviceMappingList(
        objects=[
            objects.BlockDeviceMapping(
                boot_index=-1 if n else 0,
                volume_id=disk.get("volume_id"),
                source_type="volume" if "volume_id" in disk else "image",
                destination_type="volume" if "volume_id" in disk else "local",
            )
            for n, disk in enumerate(disks)
        ]
    )


def _disks(given: dict[str, Any], server: Any, own: Any, asked: Any) -> dict[str, Any]:
    virt_type = given["virt_type"]
    stable = hardware.check_hw_rescue_props(asked)
    if stable and virt_type == "lxc":
        # Where the driver refuses it is a long function that does much besides.
        raise exception.InstanceNotRescuable(
            instance_id=server.uuid,
            reason="Stable device rescue is not supported by virt_type 'lxc'",
        )
    CONF.set_override("max_disk_devices_to_attach", given["most"], "compute")
    disks = given["server"]["disks"]
    try:
        info = blockinfo.get_disk_info(
            virt_type,
            server,
            own if stable else asked,
            _block_device_info(disks) if stable else None,
            rescue=True,
            rescue_image_meta=asked if stable else None,
        )
    finally:
        CONF.clear_override("max_disk_devices_to_attach", "compute")
    mapping = info["mapping"]
    listed = [each for name, each in mapping.items() if name != "root"]
    if stable:
        # The root disk is there once as `root`, and again as what it is.
        rest = [each for each in listed if each["dev"] != mapping["root"]["dev"]]
        listed = [mapping["root"], *rest]
    return {
        "stable": stable,
        "disks": [[each["bus"], each["dev"], each["type"]] for each in listed],
        "boot": mapping["disk.rescue"]["dev"],
    }


def _block_device_info(disks: list[dict[str, Any]]) -> dict[str, Any]:
    listed = [
        {
            "device_name": f"/dev/{disk['dev']}",
            "mount_device": f"/dev/{disk['dev']}",
            "disk_bus": disk["bus"],
            "device_type": disk["device_type"],
            "boot_index": -1 if n else 0,
        }
        for n, disk in enumerate(disks)
    ]
    root_is_volume = "volume_id" in disks[0]
    return {
        "root_device_name": listed[0]["device_name"],
        "image": [] if root_is_volume else listed[:1],
        "ephemerals": [],
        "swap": None,
        "block_device_mapping": listed if root_is_volume else listed[1:],
    }


if __name__ == "__main__":
    record("nova_rescue.jsonl.gz", case, answer, cases=400)
