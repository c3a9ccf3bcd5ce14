"""What must be installed before anything runs: `make setup`.

Runs on the machine's own Python 3.11, before a virtual environment exists, so everything here, and
what it imports, uses the standard library alone. Slow work is done once and kept outside the
checkout (`cache`).
"""
