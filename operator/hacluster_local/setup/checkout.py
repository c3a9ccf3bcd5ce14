"""Where things are in the checkout, which the local environment always runs from."""

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[3]
SOURCES: Final = ROOT / "operator"
VENV: Final = ROOT / ".venv"
PYTHON: Final = VENV / "bin" / "python"
CRDS: Final = ROOT / "crds"
DEPLOY: Final = ROOT / "deploy"
