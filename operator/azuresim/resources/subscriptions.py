"""What surrounds resources: tenants, subscriptions, locations, providers, cloud metadata.

These are fixed documents made from the settings and the catalog. `Route` is
also how a type's module adds a read that is not a resource, such as a list of
sizes.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from azuresim.errors import ArmError, bad_request
from azuresim.resources import registration, versions
from azuresim.resources.call import Call
from azuresim.resources.catalog import Catalog
from azuresim.resources.clouds import Cloud
from azuresim.resources.regions import REGIONS
from azuresim.state.records import Record


@dataclass(frozen=True, kw_only=True)
class Scene:
    """What a route may look at.

    Attributes:
        call: The request.
        catalog: The types there are.
        cloud: The cloud all is in.
        names: Values of the path's `{...}` segments.
        body: What was sent, for a POST.
    """

    call: Call
    catalog: Catalog
    cloud: Cloud
    names: Mapping[str, str]
    body: Any = None


@dataclass(frozen=True)
class Listing:
    """A route's answer that is a list of resources, to be shown page by page."""

    records: list[Record]


@dataclass(frozen=True, kw_only=True)
class Route:
    """One fixed path: verb, pattern with `{name}` segments, accepted versions, answer.

    Attributes:
        verb: HTTP method.
        pattern: Path, matched without regard to letter case.
        versions: Accepted api-versions.
        answer: Returns the body, or a `Listing`.
        public: Needs no token.
    """

    verb: str
    pattern: str
    versions: tuple[str, ...]
    answer: Callable[[Scene], Any]
    public: bool = False


def _subscription(scene: Scene) -> dict[str, Any]:
    call = scene.call
    tags = call.tx.fact(SUBSCRIPTION_TAGS)
    return {
        "id": f"/subscriptions/{call.subscription}",
        "authorizationSource": "RoleBased",
        "managedByTenants": [],
        "subscriptionId": call.subscription,
        "tenantId": call.tenant,
        "displayName": "Simulated subscription",
        "state": "Enabled",
        **({"tags": tags} if tags else {}),
        "subscriptionPolicies": {
            "locationPlacementId": "Public_2014-09-01",
            "quotaId": "PayAsYouGo_2014-09-01",
            "spendingLimit": "Off",
        },
    }


def _tenants(scene: Scene) -> dict[str, Any]:
    tenant = scene.call.tenant
    entry = {
        "id": f"/tenants/{tenant}",
        "tenantId": tenant,
        "countryCode": "US",
        "displayName": "Simulated tenant",
        "domains": ["simulated.onmicrosoft.com"],
        "tenantCategory": "Home",
        "defaultDomain": "simulated.onmicrosoft.com",
        "tenantType": "AAD",
    }
    return {"value": [entry]}


def _locations(scene: Scene) -> dict[str, Any]:
    subscription = scene.call.subscription
    return {"value": [REGIONS[name].document(subscription) for name in scene.cloud.regions]}


def _namespaces(catalog: Catalog) -> dict[str, str]:
    names = (kind.kind.split("/")[0] for kind in catalog.types)
    return {name.casefold(): name for name in names}


def _provider(scene: Scene, namespace: str) -> dict[str, Any]:
    types = [
        {
            "resourceType": kind.short,
            "locations": [REGIONS[name].shown for name in scene.cloud.regions],
            "apiVersions": list(reversed(kind.versions)),
            "capabilities": "SupportsTags, SupportsLocation" if kind.tagged else "None",
        }
        for kind in scene.catalog.types
        if kind.kind.startswith(f"{namespace}/")
    ]
    return {
        "id": f"/subscriptions/{scene.call.subscription}/providers/{namespace}",
        "namespace": namespace,
        "resourceTypes": types,
        "registrationState": registration.state(scene.call, namespace),
        "registrationPolicy": "RegistrationRequired",
    }


def _register(scene: Scene, *, wanted: bool) -> dict[str, Any]:
    shown = _one_provider(scene)
    registration.change(scene.call, shown["namespace"], wanted=wanted)
    return _one_provider(scene)


def _one_provider(scene: Scene) -> dict[str, Any]:
    wanted = scene.names["namespace"]
    namespace = _namespaces(scene.catalog).get(wanted.casefold())
    if namespace is None:
        message = f"The resource namespace '{wanted}' is invalid."
        raise ArmError(404, "InvalidResourceNamespace", message)
    return _provider(scene, namespace)


def _providers(scene: Scene) -> dict[str, Any]:
    names = sorted(_namespaces(scene.catalog).values())
    return {"value": [_provider(scene, name) for name in names]}


def _metadata(scene: Scene) -> Any:
    base, cloud = scene.call.base, scene.cloud
    audiences = [*(f"{each}/" for each in cloud.audiences), base]
    if scene.call.version == "2015-01-01":
        return {
            "galleryEndpoint": f"{base}/",
            "graphEndpoint": cloud.graph,
            "portalEndpoint": f"{base}/",
            "authentication": {"loginEndpoint": f"{base}/", "audiences": audiences},
        }
    told = _told(cloud, base, audiences)
    return told if scene.call.version >= ONE_CLOUD_SINCE else [told]


def _told(cloud: Cloud, base: str, audiences: list[str]) -> dict[str, Any]:
    return {
        "name": "AzureSim",
        "portal": base,
        "authentication": {
            "loginEndpoint": base,
            "audiences": audiences,
            "tenant": "common",
            "identityProvider": "AAD",
        },
        "media": base,
        "graphAudience": cloud.graph,
        "graph": cloud.graph,
        "microsoftGraphResourceId": cloud.microsoft_graph,
        "suffixes": {
            "storage": cloud.storage,
            "keyVaultDns": cloud.vault,
            "acrLoginServer": cloud.registry,
        },
        "batch": base,
        "resourceManager": base,
        "vmImageAliasDoc": base,
        "activeDirectoryDataLake": base,
        "sqlManagement": base,
        "gallery": base,
    }


def _check_name(scene: Scene) -> dict[str, Any]:
    if not isinstance(scene.body, dict):
        raise bad_request("InvalidRequestContent", "The request content is not a JSON object.")
    return {"name": scene.body.get("name"), "type": scene.body.get("type"), "status": "Allowed"}


SUBSCRIPTION_TAGS: Final = "subscription tags"
"""The fact that they are kept as."""

ONE_CLOUD_SINCE: Final = "2022-09-01"
"""Before, cloud metadata is a list of clouds (source: what `az` and Terraform read)."""

_IN: Final = "/subscriptions/{subscription}"
ROUTES: Final[tuple[Route, ...]] = (
    Route(
        verb="GET", pattern="/metadata/endpoints", versions=versions.METADATA,
        answer=_metadata, public=True,
    ),
    Route(verb="GET", pattern="/tenants", versions=versions.SUBSCRIPTIONS, answer=_tenants),
    Route(
        verb="GET", pattern="/subscriptions", versions=versions.SUBSCRIPTIONS,
        answer=lambda scene: {"value": [_subscription(scene)]},
    ),
    Route(verb="GET", pattern=_IN, versions=versions.SUBSCRIPTIONS, answer=_subscription),
    Route(
        verb="GET", pattern=f"{_IN}/locations", versions=versions.SUBSCRIPTIONS, answer=_locations
    ),
    Route(verb="GET", pattern=f"{_IN}/providers", versions=versions.RESOURCES, answer=_providers),
    Route(
        verb="GET", pattern=f"{_IN}/providers/{{namespace}}", versions=versions.RESOURCES,
        answer=_one_provider,
    ),
    Route(
        verb="POST", pattern=f"{_IN}/providers/{{namespace}}/register",
        versions=versions.RESOURCES, answer=lambda scene: _register(scene, wanted=True),
    ),
    Route(
        verb="POST", pattern=f"{_IN}/providers/{{namespace}}/unregister",
        versions=versions.RESOURCES, answer=lambda scene: _register(scene, wanted=False),
    ),
    Route(
        verb="POST", pattern="/providers/Microsoft.Resources/checkResourceName",
        versions=versions.SUBSCRIPTIONS, answer=_check_name,
    ),
)  # fmt: skip
