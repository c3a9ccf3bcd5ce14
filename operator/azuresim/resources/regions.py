"""The regions of Azure's clouds, the first of each cloud being where things happen by default.

Names, places and zones of the public cloud are what its own list of locations tells (source:
document); those of the other clouds follow Microsoft's pages about them, with the coordinates
of the nearest city (source: assumed). A region that a subscription must ask for is listed like
any other; those that are no places, such as `global`, are not.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

ZONES: Final = ("1", "2", "3")


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """One region.

    Attributes:
        shown: The name for people, for example `East US`.
        group: The part of the world.
        geography: Where data stays.
        place: The city, state or country.
        pair: Name of the region that backs it up; empty for none.
        latitude, longitude: Degrees, as Azure writes them.
        has_zones: It has availability zones.
        recommended: Azure lists it first.
    """

    shown: str
    group: str
    geography: str
    place: str
    pair: str
    latitude: str
    longitude: str
    has_zones: bool
    recommended: bool

    @property
    def name(self) -> str:
        """The name for programs, for example `eastus`."""
        return self.shown.replace(" ", "").lower()

    @property
    def zones(self) -> tuple[str, ...]:
        """The availability zones, as a subscription numbers them."""
        return ZONES if self.has_zones else ()

    def document(self, subscription: str) -> dict[str, Any]:
        """Return the region as a list of locations shows it."""
        holder = f"/subscriptions/{subscription}/locations"
        pair = [{"name": self.pair, "id": f"{holder}/{self.pair}"}] if self.pair else []
        told: dict[str, Any] = {
            "id": f"{holder}/{self.name}",
            "name": self.name,
            "type": "Region",
            "displayName": self.shown,
            "regionalDisplayName": f"({self.group}) {self.shown}",
            "metadata": {
                "regionType": "Physical",
                "regionCategory": "Recommended" if self.recommended else "Other",
                "geography": self.geography,
                "geographyGroup": self.group,
                "longitude": self.longitude,
                "latitude": self.latitude,
                "physicalLocation": self.place,
                "pairedRegion": pair,
            },
        }
        if self.zones:
            told["availabilityZoneMappings"] = [
                {"logicalZone": zone, "physicalZone": f"{self.name}-az{zone}"}
                for zone in self.zones
            ]
        return told


# Name; part of the world; geography; place; pair; latitude; longitude; z: zones, r: recommended.
PUBLIC: Final = """
East US; US; United States; Virginia; westus; 37.3719; -79.8164; zr
Australia Central; Asia Pacific; Australia; Canberra; australiacentral2; -35.3075; 149.1244;
Australia Central 2; Asia Pacific; Australia; Canberra; australiacentral; -35.3075; 149.1244;
Australia East; Asia Pacific; Australia; New South Wales; australiasoutheast; -33.86; 151.2094; zr
Australia Southeast; Asia Pacific; Australia; Victoria; australiaeast; -37.8136; 144.9631;
Austria East; Europe; Austria; Vienna; -; 48.2092; 16.3727; zr
Belgium Central; Europe; Belgium; Brussels; -; 50.8455; 4.3557; zr
Brazil South; South America; Brazil; Sao Paulo State; southcentralus; -23.55; -46.633; zr
Brazil Southeast; South America; Brazil; Rio; brazilsouth; -22.9027; -43.2075;
Canada Central; Canada; Canada; Toronto; canadaeast; 43.653; -79.383; zr
Canada East; Canada; Canada; Quebec; canadacentral; 46.817; -71.217;
Central India; Asia Pacific; India; Pune; southindia; 18.5822; 73.9197; zr
Central US; US; United States; Iowa; eastus2; 41.5908; -93.6208; zr
Chile Central; South America; Chile; Santiago; -; -33.4474; -70.6736; zr
Denmark East; Europe; Denmark; Copenhagen; -; 55.6759; 12.5655; zr
East Asia; Asia Pacific; Asia Pacific; Hong Kong; southeastasia; 22.267; 114.188; zr
East US 2; US; United States; Virginia; centralus; 36.6681; -78.3889; z
France Central; Europe; France; Paris; francesouth; 46.3772; 2.373; zr
France South; Europe; France; Marseille; francecentral; 43.8345; 2.1972;
Germany North; Europe; Germany; Berlin; germanywestcentral; 53.0736; 8.8064;
Germany West Central; Europe; Germany; Frankfurt; germanynorth; 50.1109; 8.6821; zr
Indonesia Central; Asia Pacific; Indonesia; Jakarta; -; -6.2; 106.8166; zr
Israel Central; Middle East; Israel; Israel; -; 31.2655; 33.4506; zr
Italy North; Europe; Italy; Milan; -; 45.4688; 9.1810; zr
Japan East; Asia Pacific; Japan; Tokyo, Saitama; japanwest; 35.68; 139.77; zr
Japan West; Asia Pacific; Japan; Osaka; japaneast; 34.6939; 135.5022; zr
Jio India Central; Asia Pacific; India; Nagpur; jioindiawest; 21.1466; 79.0888;
Jio India West; Asia Pacific; India; Jamnagar; jioindiacentral; 22.4707; 70.0577;
Korea Central; Asia Pacific; Korea; Seoul; koreasouth; 37.5665; 126.978; zr
Korea South; Asia Pacific; Korea; Busan; koreacentral; 35.1796; 129.0756;
Malaysia West; Asia Pacific; Malaysia; Kuala Lumpur; -; 3.1408; 101.6932; zr
Mexico Central; Mexico; Mexico; Querétaro State; -; 20.5888; -100.3898; zr
New Zealand North; Asia Pacific; New Zealand; Auckland; -; -36.8485; 174.7634; zr
North Central US; US; United States; Illinois; southcentralus; 41.8819; -87.6278;
North Europe; Europe; Europe; Ireland; westeurope; 53.3478; -6.2597; zr
Norway East; Europe; Norway; Norway; norwaywest; 59.9138; 10.7522; zr
Norway West; Europe; Norway; Norway; norwayeast; 58.9699; 5.7331;
Poland Central; Europe; Poland; Warsaw; -; 52.2333; 21.0166; zr
Qatar Central; Middle East; Qatar; Doha; -; 25.5514; 51.4393; zr
South Africa North; Africa; South Africa; Johannesburg; southafricawest; -25.7313; 28.2183; zr
South Africa West; Africa; South Africa; Cape Town; southafricanorth; -34.0756; 18.8432;
South Central US; US; United States; Texas; northcentralus; 29.4167; -98.5; z
Southeast Asia; Asia Pacific; Asia Pacific; Singapore; eastasia; 1.283; 103.833; zr
South India; Asia Pacific; India; Chennai; centralindia; 12.9822; 80.1636;
Spain Central; Europe; Spain; Madrid; -; 40.4259; 3.4209; zr
Sweden Central; Europe; Sweden; Gävle; swedensouth; 60.6748; 17.1412; zr
Switzerland North; Europe; Switzerland; Zurich; switzerlandwest; 47.4515; 8.5645; zr
Switzerland West; Europe; Switzerland; Geneva; switzerlandnorth; 46.2043; 6.1431;
UAE Central; Middle East; UAE; Abu Dhabi; uaenorth; 24.4666; 54.3666;
UAE North; Middle East; UAE; Dubai; uaecentral; 25.2666; 55.3166; zr
UK South; UK; United Kingdom; London; ukwest; 50.941; -0.799; zr
UK West; UK; United Kingdom; Cardiff; uksouth; 53.427; -3.084;
West Central US; US; United States; Wyoming; westus2; 40.89; -110.234;
West Europe; Europe; Europe; Netherlands; northeurope; 52.3667; 4.9; zr
West India; Asia Pacific; India; Mumbai; southindia; 19.088; 72.868;
West US; US; United States; California; eastus; 37.783; -122.417;
West US 2; US; United States; Washington; westcentralus; 47.233; -119.852; zr
West US 3; US; United States; Phoenix; eastus; 33.4483; -112.0740; z
"""

CHINA: Final = """
China North 3; China; China; Hebei; chinaeast3; 40.8244; 114.8875; zr
China East; China; China; Shanghai; chinanorth; 31.2304; 121.4737;
China East 2; China; China; Shanghai; chinanorth2; 31.2304; 121.4737; r
China East 3; China; China; Jiangsu; chinanorth3; 32.0603; 118.7969; r
China North; China; China; Beijing; chinaeast; 39.9042; 116.4074;
China North 2; China; China; Beijing; chinaeast2; 39.9042; 116.4074; r
"""

US_GOVERNMENT: Final = """
USGov Virginia; US; USGov; Virginia; usgovtexas; 37.3719; -79.8164; zr
USGov Arizona; US; USGov; Arizona; usgovtexas; 33.4484; -112.0740; r
USGov Texas; US; USGov; Texas; usgovarizona; 29.4241; -98.4936; r
USDoD Central; US; USDoD; Iowa; usdodeast; 41.5908; -93.6208;
USDoD East; US; USDoD; Virginia; usdodcentral; 36.6681; -78.3889;
"""


def _regions(table: str) -> dict[str, Region]:
    regions = (_region(line) for line in table.strip().splitlines())
    return {region.name: region for region in regions}


def _region(line: str) -> Region:
    *words, marks = (word.strip() for word in line.split(";"))
    shown, group, geography, place, pair, latitude, longitude = words
    return Region(
        shown=shown,
        group=group,
        geography=geography,
        place=place,
        pair="" if pair == "-" else pair,
        latitude=latitude,
        longitude=longitude,
        has_zones="z" in marks,
        recommended="r" in marks,
    )


CLOUDS: Final[Mapping[str, Mapping[str, Region]]] = {
    "AzurePublic": _regions(PUBLIC),
    "AzureChina": _regions(CHINA),
    "AzureUSGovernment": _regions(US_GOVERNMENT),
}
"""By the cloud's name, then by the region's."""

REGIONS: Final[Mapping[str, Region]] = {
    name: region for cloud in CLOUDS.values() for name, region in cloud.items()
}
"""Those of all clouds, by name."""


def names(cloud: str = "AzurePublic") -> tuple[str, ...]:
    """Return the names of a cloud's regions.

    Raises:
        KeyError: If there is no such cloud.
    """
    return tuple(CLOUDS[cloud])
