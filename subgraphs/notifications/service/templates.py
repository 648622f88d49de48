"""What the staff does about templates: look at them, change them, return to those that the shop came with."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from kernel.clock import Clock
from kernel.database import Database
from kernel.errors import InvalidInputError
from subgraphs.notifications.domain.messages import Topic, Words
from subgraphs.notifications.service.wording import Wording
from subgraphs.notifications.storage import templates as stored
from subgraphs.notifications.storage.templates import Override

_LANGUAGE: Final = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})?")


@dataclass(frozen=True, slots=True)
class Templates:
    """Keeps templates that the staff changed."""

    database: Database
    wording: Wording
    clock: Clock

    async def preview(self, topic: Topic, language: str, draft: Words | None) -> Words:
        """Show a topic's words with invented facts: as they would be sent now, or by a draft.

        Raises:
            InvalidInputError: the draft cannot be used.
        """
        _insist_on_language(language)
        if draft is None:
            async with self.database.session() as session:
                draft = (await stored.overrides_of(session, topic, [language])).get(language)
        return self.wording.preview(topic, language, draft)

    async def source(self, topic: Topic, language: str) -> Words:
        """Give the templates of a topic that are in use."""
        _insist_on_language(language)
        async with self.database.session() as session:
            changed = (await stored.overrides_of(session, topic, [language])).get(language)
        return changed or self.wording.source(topic, language)

    async def overrides(self) -> list[Override]:
        """List all that was changed."""
        async with self.database.session() as session:
            return await stored.all_overrides(session)

    async def change(self, topic: Topic, language: str, templates: Words, *, by: str) -> Words:
        """Put templates in the place of those in use, if they work with a sample; give the sample in these words.

        Raises:
            InvalidInputError: they do not work.
        """
        _insist_on_language(language)
        words = self.wording.preview(topic, language, templates)
        changed = Override(topic=topic, language=language, words=templates, changed_by=by, changed_at=self.clock.now())
        async with self.database.transaction() as session:
            await stored.store(session, changed)
        return words

    async def reset(self, topic: Topic, language: str) -> Words:
        """Return to the templates that the shop came with; give a sample of them."""
        _insist_on_language(language)
        async with self.database.transaction() as session:
            await stored.remove(session, topic, language)
        return self.wording.preview(topic, language)


def _insist_on_language(language: str) -> None:
    if not _LANGUAGE.fullmatch(language):
        raise InvalidInputError("Name a language as in `de` or `de-AT`.", path=("language",))
