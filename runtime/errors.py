"""What can go wrong while the product is started or used from the command line.

    StartError                        one clear line for a person at a terminal, and what to do
    ├── AlreadyRunningError           another process uses this data directory
    ├── PortInUseError                somebody listens there already
    ├── DataDirectoryUnusableError    not writable, not a directory, made by something else
    ├── ServerNotStartedError         a child server (PostgreSQL, Valkey) did not come up
    ├── StoreNotReadyError            the database lacks what this version expects (a table, a finished load)
    ├── CompositionFailedError        the subgraphs' schemas do not fit together
    └── IncompatibleEventError        the new schema of an event breaks those who wait for it

Every one is printed as its message alone, without a traceback, and ends the command with its `exit_code`.
"""

from __future__ import annotations


class StartError(Exception):
    """A fault with a message fit for a person: what is wrong, then what to do about it."""

    exit_code = 1


class AlreadyRunningError(StartError):
    """Another process holds the data directory."""


class PortInUseError(StartError):
    """The port is taken."""


class DataDirectoryUnusableError(StartError):
    """The data directory cannot be created, written to or trusted."""


class ServerNotStartedError(StartError):
    """A child server ended or stayed silent; the message carries the end of its log."""


class StoreNotReadyError(StartError):
    """The store lacks something that this version needs."""


class CompositionFailedError(StartError):
    """The subgraphs do not compose; the message lists every problem."""


class IncompatibleEventError(StartError):
    """An event would change in a way that breaks consumers, or events that wait in queues."""
