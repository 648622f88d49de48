"""What can go wrong while the product is started or used from the command line.

    StartError                   one clear line for a person at a terminal, and what to do
    ├── AlreadyRunning           another process uses this data directory
    ├── PortInUse                somebody listens there already
    ├── DataDirectoryUnusable    not writable, not a directory, made by something else
    ├── ServerNotStarted         a child server (PostgreSQL, Valkey) did not come up
    ├── StoreNotReady            the database answers, but is not what is expected (a missing table, an unfinished load)
    └── CompositionFailed        the subgraphs' schemas do not fit together

Every one is printed as its message alone, without a traceback, and ends the command with its `exit_code`.
"""

from __future__ import annotations


class StartError(Exception):
    """A fault with a message fit for a person: what is wrong, then what to do about it."""

    exit_code = 1


class AlreadyRunning(StartError):
    """Another process holds the data directory."""


class PortInUse(StartError):
    """The port is taken."""


class DataDirectoryUnusable(StartError):
    """The data directory cannot be created, written to or trusted."""


class ServerNotStarted(StartError):
    """A child server ended or stayed silent; the message carries the end of its log."""


class StoreNotReady(StartError):
    """The store lacks something that this version needs."""


class CompositionFailed(StartError):
    """The subgraphs do not compose; the message lists every problem."""
