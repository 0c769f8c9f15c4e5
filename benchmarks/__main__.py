"""Run every benchmark of this folder, or those that are named: `python -m benchmarks delivery`."""

import importlib
import pkgutil
import sys

import benchmarks

named = sys.argv[1:] or [module.name for module in pkgutil.iter_modules(benchmarks.__path__)]
missed = []
for name in named:
    measured = getattr(importlib.import_module(f"benchmarks.{name}"), "main", None) if name != "__main__" else None
    if measured is not None and measured() is False:
        missed.append(name)
sys.exit(f"targets missed: {', '.join(missed)}" if missed else 0)
