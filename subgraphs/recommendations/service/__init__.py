"""The use cases: learn from events, train, recommend, remember what was viewed."""

from subgraphs.recommendations.service.learning import Learning
from subgraphs.recommendations.service.recommending import Recommending, Wish
from subgraphs.recommendations.service.training import Training
from subgraphs.recommendations.service.viewing import Viewing

__all__ = ["Learning", "Recommending", "Training", "Viewing", "Wish"]
