"""Template deployments: a record of what was asked for and what came of it.

The work is done in `wire.deployments`. Here is what is kept and how it is shown.
"""

from typing import Any, Final

from azuresim.errors import ArmError
from azuresim.resources import versions
from azuresim.resources.contract import (
    Action,
    Fact,
    Group,
    Placed,
    Reply,
    ResourceType,
    Source,
    Style,
)
from azuresim.resources.families import DEPLOYMENTS
from azuresim.resources.schema import read_only, shape

KIND: Final = "Microsoft.Resources/deployments"
VALIDATE: Final = "validate"


def _elsewhere(*_: Any) -> Any:
    raise ArmError(501, "NotImplemented", "This is answered where templates are deployed.")


TYPE: Final = ResourceType(
    kind=KIND,
    family=DEPLOYMENTS,
    versions=versions.RESOURCES,
    properties=shape(
        mode=read_only(),
        parameters=read_only(),
        timestamp=read_only(),
        duration=read_only(),
        correlationId=read_only(),
        outputs=read_only(),
        outputResources=read_only(),
        error=read_only(),
    ),
    placed=Placed.NOWHERE,
    tagged=False,
    create=Reply(status=201, style=Style.OPERATION, shown="Accepted"),
    update=Reply(status=200, style=Style.OPERATION, shown="Accepted"),
    delete=Reply(status=204),
    creating="Running",
    updating="Running",
    duration="at once",
    patch="",
    lists=frozenset({Group.GROUP}),
    name_pattern=r"[\w().-]{1,64}",
    actions={VALIDATE: Action(run=_elsewhere, reply=Reply(status=200))},
    facts=(
        Fact("resources are written in the order of dependsOn", Source.DOCUMENT),
        Fact("what was written before a failure stays", Source.DOCUMENT),
        Fact("resources are there at once; the deployment takes as long as they would",
             Source.ASSUMED),
        Fact("expressions: concat, copyIndex-free templates, format, parameters, providers, "
             "reference, resourceGroup, resourceId, subscription, toLower, toUpper, variables",
             Source.DOCUMENT),
    ),
    missing=(
        "copy", "linked and nested templates", "mode Complete", "scopes other than a group",
        "whatIf", "exportTemplate", "operations of a deployment", "all other functions",
    ),
)  # fmt: skip
