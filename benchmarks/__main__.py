"""Run every benchmark of this folder, or those that are named: `python -m benchmarks delivery`."""

import importlib
import pkgutil
import sys

import benchmarks

named = sys.argv[1:] or [module.name for module in pkgutil.iter_modules(benchmarks.__path__)]
missed = []
for name in named:
    if name != "__main__" and importlib.import_module(f"benchmarks.{name}").main() is False:
        missed.append(name)
sys.exit(f"targets missed: {', '.join(missed)}" if missed else 0)
