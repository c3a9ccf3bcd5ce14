"""The table of regions holds together, in every cloud."""

import pytest

from azuresim.resources.regions import CLOUDS, REGIONS, Region, names

SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"


@pytest.mark.parametrize("region", REGIONS.values(), ids=REGIONS)
def test_a_region_is_told_whole(region: Region) -> None:
    document = region.document(SUBSCRIPTION)
    assert document["id"] == f"/subscriptions/{SUBSCRIPTION}/locations/{region.name}"
    assert document["regionalDisplayName"].endswith(f") {document['displayName']}")
    assert -90 <= float(document["metadata"]["latitude"]) <= 90
    assert -180 <= float(document["metadata"]["longitude"]) <= 180
    assert all(document["metadata"][name] for name in ("geography", "physicalLocation"))
    assert ("availabilityZoneMappings" in document) is bool(region.zones)


@pytest.mark.parametrize("cloud", CLOUDS)
def test_a_pair_is_in_the_same_cloud(cloud: str) -> None:
    unlisted = {"swedensouth"}  # backs Sweden Central up and takes no customers of its own
    pairs = {region.pair for region in CLOUDS[cloud].values() if region.pair}
    assert pairs - unlisted <= set(names(cloud))


def test_no_region_is_in_two_clouds() -> None:
    assert len(REGIONS) == sum(len(cloud) for cloud in CLOUDS.values())


def test_the_samples_regions_are_there_with_zones() -> None:
    assert names()[0] == "eastus"
    assert REGIONS["japaneast"].zones == ("1", "2", "3")
    assert REGIONS["westus"].zones == ()
