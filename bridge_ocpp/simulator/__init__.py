"""A charger that really speaks: OCPP 1.6J, 2.0.1 or 2.1 over a real WebSocket, with a meter that obeys physics.

For labs, the demo and tests. It shares no code with the central system, so that neither hides the other's mistakes.
"""

from bridge_ocpp.simulator.answers import ANSWERS
from bridge_ocpp.simulator.car import Car, NoContract
from bridge_ocpp.simulator.charger import SPEECHES, NotAccepted, SimulatedCharger
from bridge_ocpp.simulator.scripts import SCRIPTS, car_for, play
from bridge_ocpp.simulator.security import REFUSALS
from bridge_ocpp.simulator.steps import ScriptFailed
from bridge_ocpp.simulator.upkeep import ENDS as UPDATE_ENDS
from bridge_ocpp.simulator.upkeep import PUBLISH_ENDS

__all__ = [
    "ANSWERS",
    "PUBLISH_ENDS",
    "REFUSALS",
    "SCRIPTS",
    "SPEECHES",
    "UPDATE_ENDS",
    "Car",
    "NoContract",
    "NotAccepted",
    "ScriptFailed",
    "SimulatedCharger",
    "car_for",
    "play",
]
