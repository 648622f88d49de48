"""The garbage collector in processes that live long: it need not look, over and over, through what stays anyway.

Schemas, compiled operations and imported modules are some million objects. A full collection that passes through them
holds the interpreter for 150 ms, and so delays everything that is in flight; log-ins, whose GraphQL execution leaves
cycles behind, bring one every few seconds.
"""

from __future__ import annotations

import gc


def spare_what_is_there() -> None:
    """Collect once, and leave what is there by now out of all later collections; called when all is put together."""
    gc.collect()
    gc.freeze()
