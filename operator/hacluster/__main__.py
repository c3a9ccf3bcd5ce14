"""`python -m hacluster`."""

from hacluster.cli import main

if __name__ == "__main__":
    main()
