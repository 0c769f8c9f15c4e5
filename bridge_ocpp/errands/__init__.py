"""What is owed to chargers until it is done: owing it, and the process that does it over its sockets."""

from bridge_ocpp.errands.owing import FIRST_WAIT, delay_of, forget, owe, owe_all, wake

__all__ = ["FIRST_WAIT", "delay_of", "forget", "owe", "owe_all", "wake"]
