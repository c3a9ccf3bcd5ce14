"""User-assigned identities and their federated credentials through the real SDK."""

from collections.abc import Iterator
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.mgmt.msi import ManagedServiceIdentityClient
from tests.sim.simulator import Simulator

pytestmark = pytest.mark.sim


@pytest.fixture(scope="module")
def msi(shared_sim: Simulator) -> Iterator[Any]:
    """A client for identities."""
    with shared_sim.client(ManagedServiceIdentityClient) as client:
        yield client


def test_an_identity_keeps_its_principal(msi: Any, shared_sim: Simulator, group: str) -> None:
    identities = msi.user_assigned_identities
    made = identities.create_or_update(group, "who", {"location": "eastus"})
    again = identities.create_or_update(group, "who", {"location": "eastus", "tags": {"a": "1"}})
    assert "/resourcegroups/" in made.id
    assert (made.principal_id, made.client_id) == (again.principal_id, again.client_id)
    assert made.tenant_id == shared_sim.ready["tenantId"]
    assert identities.update(group, "who", {"tags": {"b": "2"}}).tags == {"b": "2"}
    assert [each.name for each in identities.list_by_resource_group(group)] == ["who"]
    assert made.id in {each.id for each in identities.list_by_subscription()}
    identities.delete(group, "who")
    with pytest.raises(ResourceNotFoundError):
        identities.get(group, "who")


def test_a_federated_credential_comes_once(msi: Any, group: str) -> None:
    msi.user_assigned_identities.create_or_update(group, "who", {"location": "eastus"})
    credentials = msi.federated_identity_credentials
    properties = {"issuer": "https://issuer", "subject": "s", "audiences": ["aud"]}
    made = credentials.create_or_update(group, "who", "first", properties)
    assert made.subject == "s"
    with pytest.raises(HttpResponseError, match="already exists"):
        credentials.create_or_update(group, "who", "second", properties)
    assert [each.name for each in credentials.list(group, "who")] == ["first"]
    credentials.delete(group, "who", "first")
    assert list(credentials.list(group, "who")) == []
    with pytest.raises(HttpResponseError, match="ParentResourceNotFound"):
        credentials.create_or_update(group, "nobody", "first", properties)
