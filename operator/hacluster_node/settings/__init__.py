"""From signed text to checked settings.

`reader` reads one JSON object strictly, `fields` lists what each kind takes, `document`
builds the state machine's configuration, `checks` finds what contradicts itself, `node_file`
is what only this node knows. Whatever passes here, the rest of the agent relies on.
"""
