"""The types of resources, one module each, all reading alike.

To add a type: write a module that ends in `TYPE: Final = ResourceType(...)` and
name it in `registry`. `network.virtual_networks` is the model to follow.

- `schema` and `children` have the words for bodies: `Text`, `Number`, `Flag`,
  `Choice`, `Items`, `Ref`, `Shape`, and `Children` for what has a URL of its own
  inside its parent's body. Defaults, read-only values, secrets, immutable
  properties and references follow from the declaration.
- `contract` has `ResourceType`, `Reply`, `Action`, `Fact`; `families` the habits of
  a provider; `durations` the times; `versions` the api-versions.
- Hooks say what no declaration can: `check` (fill in or refuse a write), `show`
  (change what is shown), `settle` (what the end of an operation does), `remove`
  and `gone` (before and after a deletion).

Nothing here knows HTTP or SQLite, reads a clock or waits: a hook gets the time
and its view of the state with the `Call`, and changes only what the call's
transaction collects.
"""
