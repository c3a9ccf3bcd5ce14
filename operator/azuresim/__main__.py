"""`python -m azuresim`: see `azuresim.cli`."""

from azuresim.cli import main

if __name__ == "__main__":
    main()
