"""What somebody wants to hear, over which channel and when; and what becomes of a message by that."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

from kernel.errors import InvalidInputError
from subgraphs.notifications.domain.messages import Channel, State, Topic

ACCOUNT: Final = frozenset(
    {
        Topic.VERIFY_EMAIL,
        Topic.RESET_PASSWORD,
        Topic.CHANGE_EMAIL,
        Topic.LINK_IDENTITY,
        Topic.ALREADY_REGISTERED,
        Topic.PASSWORD_CHANGED,
        Topic.EMAIL_CHANGED,
        Topic.IDENTITY_LINKED,
        Topic.EXPORT_READY,
    }
)
"""Mail about somebody's account, which goes to the mailbox and nowhere else."""
MANDATORY: Final = ACCOUNT | {
    Topic.ORDER_CONFIRMED,
    Topic.ORDER_CANCELLED,
    Topic.PAYMENT_REFUNDED,
    Topic.WEBHOOK_DISABLED,
}
"""What comes by e-mail whatever anybody wants, at once and at any hour."""
CHOICES: Final = tuple(topic for topic in Topic if topic not in ACCOUNT | {Topic.DIGEST, Topic.LOW_STOCK})
"""What customers can choose about."""

_ON_THE_PHONE: Final = frozenset({Topic.ORDER_SHIPPED, Topic.ORDER_DELIVERED})
_DIGEST_AT: Final = time(8)
_PHONE: Final = re.compile(r"\+[1-9]\d{6,14}")
_MOST_DEVICES: Final = 10
_LONGEST_TOKEN: Final = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    """Somebody's wishes; those of people who have told none are the defaults.

    Attributes:
        user_id: whose.
        time_zone: by which their hours are told, a name of the IANA database.
        quiet_from: when their quiet hours begin, if they have some.
        quiet_to: when they end; before `quiet_from` on the clock means on the next day.
        digest: whether mail that can wait comes once a day, together.
        phone: where text messages go, as E.164 writes it.
        devices: where push messages go.
        choices: what they switched on or off.
    """

    user_id: str
    time_zone: str = "UTC"
    quiet_from: time | None = None
    quiet_to: time | None = None
    digest: bool = False
    phone: str | None = None
    devices: tuple[str, ...] = ()
    choices: Mapping[tuple[Topic, Channel], bool] = field(default_factory=dict[tuple[Topic, Channel], bool])

    def wants(self, topic: Topic, channel: Channel) -> bool:
        """Tell whether a topic is to come over a channel."""
        if channel is Channel.EMAIL and topic in MANDATORY:
            return True
        return self.choices.get((topic, channel), _default(topic, channel))

    def quiet_until(self, now: datetime) -> datetime | None:
        """Tell when the quiet hours end that are on now; None if there are none."""
        if self.quiet_from is None or self.quiet_to is None or self.quiet_from == self.quiet_to:
            return None
        here = now.astimezone(ZoneInfo(self.time_zone))
        clock, through_midnight = here.time(), self.quiet_from > self.quiet_to
        inside = (
            clock >= self.quiet_from or clock < self.quiet_to
            if through_midnight
            else self.quiet_from <= clock < self.quiet_to
        )
        return _next(here, self.quiet_to).astimezone(now.tzinfo) if inside else None

    def next_digest(self, now: datetime) -> datetime:
        """Tell when the next digest is due."""
        return _next(now.astimezone(ZoneInfo(self.time_zone)), _DIGEST_AT).astimezone(now.tzinfo)


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """How many messages that can wait somebody gets within an hour over one channel."""

    email: int = 10
    sms: int = 4
    push: int = 10

    def of(self, channel: Channel) -> int:
        """Give the cap of a channel."""
        return {Channel.EMAIL: self.email, Channel.SMS: self.sms, Channel.PUSH: self.push}[channel]


@dataclass(frozen=True, slots=True)
class Way:
    """What becomes of a message: its state at first, and when it is due."""

    state: State
    due_at: datetime


def way_of(
    topic: Topic, channel: Channel, wishes: Preferences, *, now: datetime, recent: int, caps: Caps
) -> Way | None:
    """Decide what becomes of a message over a channel; None when it is not to be written.

    Args:
        topic: what it is about.
        channel: how it would go.
        wishes: of whom it is for.
        now: the instant.
        recent: how many went to the same recipient over the channel within the last hour.
        caps: the bounds of that.
    """
    if not wishes.wants(topic, channel):
        return None
    if channel is Channel.INBOX:
        return Way(State.DELIVERED, now)
    if channel is Channel.EMAIL and topic in MANDATORY:
        return Way(State.QUEUED, now)
    if channel is Channel.EMAIL and wishes.digest:
        return Way(State.COLLECTED, wishes.next_digest(now))
    if recent >= caps.of(channel):
        # Too much mail comes together, an hour later; too many text messages would only annoy, and the inbox has them.
        return Way(State.COLLECTED, now + timedelta(hours=1)) if channel is Channel.EMAIL else None
    return Way(State.QUEUED, wishes.quiet_until(now) or now)


def check_time_zone(name: str) -> str:
    """Let the name of a time zone pass.

    Raises:
        InvalidInputError: there is none.
    """
    if name not in available_timezones():
        raise InvalidInputError("There is no such time zone.", path=("timeZone",))
    return name


def check_phone(number: str) -> str:
    """Let a phone number pass.

    Raises:
        InvalidInputError: it is not written as E.164 says.
    """
    plain = re.sub(r"[ ()/.-]", "", number)
    if not _PHONE.fullmatch(plain):
        raise InvalidInputError("Write the number with its country, as in +49 170 1234567.", path=("phone",))
    return plain


def check_devices(tokens: Iterable[str]) -> None:
    """Let the devices of a person pass.

    Raises:
        InvalidInputError: there are too many, or one of the tokens cannot be.
    """
    known = list(tokens)
    if len(known) > _MOST_DEVICES:
        raise InvalidInputError(f"At most {_MOST_DEVICES} devices.", path=("token",))
    if not all(0 < len(each) <= _LONGEST_TOKEN and each.isprintable() for each in known):
        raise InvalidInputError("This is no token of a device.", path=("token",))


def check_choice(topic: Topic, channel: Channel, *, on: bool) -> None:
    """Let a choice pass.

    Raises:
        InvalidInputError: the topic comes over this channel whatever is chosen, or not at all.
    """
    if topic not in CHOICES:
        raise InvalidInputError("There is nothing to choose about this topic.", path=("topic",))
    if channel is Channel.EMAIL and topic in MANDATORY and not on:
        raise InvalidInputError("This cannot be switched off: it comes by e-mail in any case.", path=("topic",))


def _default(topic: Topic, channel: Channel) -> bool:
    match channel:
        case Channel.EMAIL | Channel.INBOX:
            return True
        case Channel.PUSH:
            return topic in _ON_THE_PHONE
        case Channel.SMS:
            return False


def _next(here: datetime, clock: time) -> datetime:
    """Give the next instant at which a clock shows this time."""
    today = here.replace(hour=clock.hour, minute=clock.minute, second=0, microsecond=0)
    return today if today > here else today + timedelta(days=1)
