"""The doorway between the OCPP tower and the business side: events out, commands in, records to look at.

Shaped like OCPP 2.0.1 (charger -> EVSE -> connector), which can hold 1.6 too. Standard library only (the
database session is a type, nothing more). New events and commands are new classes; the Protocols never change.
"""

from bridge_ocpp.port.commands import (
    CancelReservation,
    Command,
    Outcome,
    OutcomeStatus,
    RawCall,
    ReserveNow,
    StartCharging,
    StopCharging,
    UnlockConnector,
)
from bridge_ocpp.port.events import (
    ChargerBooted,
    ChargerOnline,
    ConnectorStatusChanged,
    Event,
    ReservationChanged,
    TransactionCorrected,
    TransactionEnded,
    TransactionStarted,
    TransactionUpdated,
)
from bridge_ocpp.port.protocols import ChargerBook, ChargerPort, HubPort
from bridge_ocpp.port.records import ChargerRecord, ConnectorRecord, FrameRecord, NewCharger, TransactionFilter
from bridge_ocpp.port.streams import StreamBook, StreamRecord
from bridge_ocpp.port.words import (
    AuthStatus,
    ChargingState,
    ConnectorStatus,
    IdToken,
    Sample,
    StateChange,
    Transaction,
    Verdict,
    Where,
)

__all__ = [
    "AuthStatus",
    "CancelReservation",
    "ChargerBook",
    "ChargerBooted",
    "ChargerOnline",
    "ChargerPort",
    "ChargerRecord",
    "ChargingState",
    "Command",
    "ConnectorRecord",
    "ConnectorStatus",
    "ConnectorStatusChanged",
    "Event",
    "FrameRecord",
    "HubPort",
    "IdToken",
    "NewCharger",
    "Outcome",
    "OutcomeStatus",
    "RawCall",
    "ReservationChanged",
    "ReserveNow",
    "Sample",
    "StartCharging",
    "StateChange",
    "StopCharging",
    "StreamBook",
    "StreamRecord",
    "Transaction",
    "TransactionCorrected",
    "TransactionEnded",
    "TransactionFilter",
    "TransactionStarted",
    "TransactionUpdated",
    "UnlockConnector",
    "Verdict",
    "Where",
]
