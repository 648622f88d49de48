"""`python -m benchmarks [NAME] [options]`: list the benchmarks, or run one; `make bench NAME=...` does the same."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import sys
from pathlib import Path

HERE = Path(__file__).parent


def names() -> list[str]:
    """Return the benchmarks: every other module of this folder, but for what only holds settings."""
    found = (module.name for module in pkgutil.iter_modules([str(HERE)]))
    return sorted(name for name in found if name != "__main__" and not name.endswith("_settings"))


def title(name: str) -> str:
    """Return the first line of a benchmark's docstring."""
    doc = importlib.import_module(f"benchmarks.{name}").__doc__ or ""
    return doc.partition("\n")[0]


def main() -> int:
    """Run the benchmark that the command line names; without a name, tell which there are."""
    if len(sys.argv) < 2 or sys.argv[1] not in names():
        for name in names():
            print(f"{name:16}  {title(name)}")
        print("\npython -m benchmarks NAME [--help]")
        return 0 if len(sys.argv) < 2 else 2
    name = sys.argv.pop(1)
    sys.argv[0] = f"python -m benchmarks {name}"
    return int(importlib.import_module(f"benchmarks.{name}").main() or 0)


if __name__ == "__main__":
    sys.exit(main())
