"""One module per resource type, all reading alike: schema, defaults, references, immutables, durations.
"""
