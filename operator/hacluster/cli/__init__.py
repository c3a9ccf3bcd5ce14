"""The commands `hacluster` and `kubectl hacluster`, and the composition root of the operator.

Each command is a click command named ``command`` in the module of its name, and is imported only
when it is called: `hacluster validate` must not wait for Azure's SDKs.
"""

from importlib import import_module
from typing import Final

import click

_COMMANDS: Final = {
    "crd": "Print the custom resource definitions.",
    "permissions": "Print the role with the rights that the operator needs in Azure.",
    "plan": "Show what would be created, changed and deleted in Azure.",
    "reference": "Print the reference of all fields.",
    "run": "Run the operator.",
    "validate": "Say whether a manifest is allowed, and if not, what to write instead.",
}
"""Name and help of each command; a hyphen in a name is an underscore in its module's."""


class _Commands(click.Group):
    """A group whose commands are imported one at a time."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*_COMMANDS, *super().list_commands(ctx)})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return super().get_command(ctx, cmd_name)
        module = import_module(f"hacluster.cli.{cmd_name.replace('-', '_')}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, _COMMANDS[name]) for name in sorted(_COMMANDS)])


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="hacluster")
def main() -> None:
    """Highly available VM clusters on Azure from one Kubernetes object."""
