"""What can go wrong while installing, told to the person who has to mend it."""


class SetupError(Exception):
    """A prerequisite could not be made; says what is missing and which command helps."""


class ToolMissingError(SetupError):
    """A program is not on this machine and may not, or cannot, be installed for the user."""

    def __init__(self, tool: str, needed_for: str, install: str) -> None:
        """Name the tool, the part that needs it, and the command line that installs it."""
        super().__init__(
            f"{tool} is missing; {needed_for} needs it. Install it with:\n\n    {install}\n"
        )
        self.tool = tool
