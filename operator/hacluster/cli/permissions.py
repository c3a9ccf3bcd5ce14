"""`hacluster permissions`: the custom role with the least rights that the operator needs."""

import json

import click

from hacluster.arm.permissions import Feature, role


@click.command("permissions")
@click.option(
    "--feature",
    "chosen",
    multiple=True,
    type=click.Choice([feature.value for feature in Feature]),
    help="Only what this needs; may be given several times. All by default.",
)
def command(chosen: tuple[str, ...]) -> None:
    """Print a custom role for `az role definition create --role-definition @FILE`.

    Put your subscription into AssignableScopes. The role is enough on the clusters' resource
    groups; on the whole subscription the operator also shares its readings between them.
    """
    features = [Feature(word) for word in chosen] or list(Feature)
    click.echo(json.dumps(role(features), indent=2))
