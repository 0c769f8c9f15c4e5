"""A charger that really speaks: OCPP 1.6J, 2.0.1 or 2.1 over a real WebSocket, with a meter that obeys physics.

For labs, the demo and tests. It shares no code with the central system, so that neither hides the other's mistakes.
"""

from bridge_ocpp.simulator.charger import SPEECHES, NotAccepted, SimulatedCharger
from bridge_ocpp.simulator.scripts import SCRIPTS, ScriptFailed, play
from bridge_ocpp.simulator.upkeep import ENDS as UPDATE_ENDS

__all__ = ["SCRIPTS", "SPEECHES", "UPDATE_ENDS", "NotAccepted", "ScriptFailed", "SimulatedCharger", "play"]
