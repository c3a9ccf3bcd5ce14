"""What surrounds resources: tenants, subscriptions, locations, providers, cloud metadata.

These are fixed documents made from the settings and the catalog. `Route` is
also how a type's module adds a read that is not a resource, such as a list of
sizes.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from azuresim import ids
from azuresim.errors import ArmError, bad_request, group_not_found
from azuresim.resources import versions
from azuresim.resources.call import Call
from azuresim.resources.catalog import GROUP_KIND, Catalog
from azuresim.resources.regions import REGIONS
from azuresim.state.records import Record


@dataclass(frozen=True, kw_only=True)
class Scene:
    """What a route may look at.

    Attributes:
        call: The request.
        catalog: The types there are.
        regions: The locations there are.
        names: Values of the path's `{...}` segments.
        body: What was sent, for a POST.
    """

    call: Call
    catalog: Catalog
    regions: tuple[str, ...]
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
    return {
        "id": f"/subscriptions/{call.subscription}",
        "authorizationSource": "RoleBased",
        "managedByTenants": [],
        "subscriptionId": call.subscription,
        "tenantId": call.tenant,
        "displayName": "Simulated subscription",
        "state": "Enabled",
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
    return {"value": [REGIONS[name].document(subscription) for name in scene.regions]}


def _namespaces(catalog: Catalog) -> dict[str, str]:
    names = (kind.kind.split("/")[0] for kind in catalog.types)
    return {name.casefold(): name for name in names}


def _provider(scene: Scene, namespace: str) -> dict[str, Any]:
    types = [
        {
            "resourceType": kind.short,
            "locations": [REGIONS[name].shown for name in scene.regions],
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
        "registrationState": "Registered",
        "registrationPolicy": "RegistrationRequired",
    }


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
    base = scene.call.base
    audiences = ["https://management.core.windows.net/", "https://management.azure.com/", base]
    if scene.call.version == "2015-01-01":
        return {
            "galleryEndpoint": f"{base}/",
            "graphEndpoint": "https://graph.windows.net/",
            "portalEndpoint": f"{base}/",
            "authentication": {"loginEndpoint": f"{base}/", "audiences": audiences},
        }
    cloud = _cloud(base, audiences)
    return cloud if scene.call.version >= ONE_CLOUD_SINCE else [cloud]


def _cloud(base: str, audiences: list[str]) -> dict[str, Any]:
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
        "graphAudience": "https://graph.windows.net/",
        "graph": "https://graph.windows.net/",
        "microsoftGraphResourceId": "https://graph.microsoft.com/",
        "suffixes": {
            "storage": "core.windows.net",
            "keyVaultDns": "vault.azure.net",
            "acrLoginServer": "azurecr.io",
        },
        "batch": base,
        "resourceManager": base,
        "vmImageAliasDoc": base,
        "activeDirectoryDataLake": base,
        "sqlManagement": base,
        "gallery": base,
    }


def _resources(scene: Scene) -> dict[str, Any]:
    """Return the tracked resources of a group or of all groups, as ARM's own index knows them."""
    holder = f"/subscriptions/{scene.call.subscription}"
    group = scene.names.get("group")
    if group is not None:
        holder = f"{holder}/resourceGroups/{group}"
        if scene.call.get(holder) is None:
            raise group_not_found(group)
    wanted = TYPE_FILTER.search(scene.call.query.get("$filter", ""))
    kinds = {kind.folded: kind for kind in scene.catalog.types}
    value: list[dict[str, Any]] = []
    for record in scene.call.tx.store.within(ids.key(holder)):
        kind = kinds[record.kind]
        if not kind.tagged or kind.folded == GROUP_KIND:
            continue
        if wanted is None or wanted[1].casefold() == kind.folded:
            body = record.body()
            shown: dict[str, Any] = {name: body[name] for name in INDEXED if name in body}
            entry: dict[str, Any] = {"id": record.id, "name": record.name, "type": kind.kind}
            value.append(entry | shown)
    return {"value": sorted(value, key=lambda each: str(each["id"]).casefold())}


def _check_name(scene: Scene) -> dict[str, Any]:
    if not isinstance(scene.body, dict):
        raise bad_request("InvalidRequestContent", "The request content is not a JSON object.")
    return {"name": scene.body.get("name"), "type": scene.body.get("type"), "status": "Allowed"}


ONE_CLOUD_SINCE: Final = "2022-09-01"
"""Before, cloud metadata is a list of clouds (source: what `az` and Terraform read)."""

TYPE_FILTER: Final = re.compile(r"resourceType eq '([^']+)'", re.IGNORECASE)
INDEXED: Final = ("location", "tags", "sku", "kind", "zones", "identity")
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
        versions=versions.RESOURCES, answer=_one_provider,
    ),
    Route(
        verb="GET", pattern=f"{_IN}/resources", versions=versions.RESOURCES, answer=_resources
    ),
    Route(
        verb="GET", pattern=f"{_IN}/resourceGroups/{{group}}/resources",
        versions=versions.RESOURCES, answer=_resources,
    ),
    Route(
        verb="POST", pattern="/providers/Microsoft.Resources/checkResourceName",
        versions=versions.SUBSCRIPTIONS, answer=_check_name,
    ),
)  # fmt: skip
