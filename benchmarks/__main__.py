"""Run every benchmark of this folder, or those that are named: `python -m benchmarks delivery`.

Those that are `ALONE` take so long that they run only by their name.
"""

import importlib
import pkgutil
import sys

import benchmarks
from ocpi_hub.base.log import configure_logs

configure_logs(level="ERROR", form="console")

found = [module.name for module in pkgutil.iter_modules(benchmarks.__path__) if module.name != "__main__"]
missed = []
for name in sys.argv[1:] or found:
    module = importlib.import_module(f"benchmarks.{name}")
    measured = getattr(module, "main", None)
    if getattr(module, "ALONE", False) and name not in sys.argv[1:]:
        continue
    if measured is not None and measured() is False:
        missed.append(name)
sys.exit(f"targets missed: {', '.join(missed)}" if missed else 0)
