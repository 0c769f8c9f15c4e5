"""When the garbage collector looks through what: little of what a process of ours keeps is ever garbage.

A full collection of a bridge with 5,000 chargers takes a second or more, in which nobody is heard; so what stays is
set aside, and only what came since is looked through.
"""

import asyncio
import gc

EVERY = 2.0
"""Seconds between two looks at what came meanwhile."""
WHOLE = 6 * 3600.0
"""Seconds between two looks at everything: what was set aside while it was in use, and became garbage since, goes."""


def settle() -> None:
    """What is loaded stays for the life of the process: the garbage collector need not look through it again and again.
    And a request makes thousands of objects that go by themselves, so it looks after more of them than usual."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


async def keep_settled() -> None:
    """Set aside what has come, again and again until cancelled: for a process that holds much for long."""
    settle()
    clock = asyncio.get_running_loop().time
    whole = clock()
    while True:
        await asyncio.sleep(EVERY)
        if clock() - whole >= WHOLE:
            gc.unfreeze()
            whole = clock()
        gc.collect()
        gc.freeze()
