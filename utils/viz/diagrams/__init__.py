"""Pictures of machines: what is made of what, and where it goes; each returns a `Picture`."""

from utils.viz.diagrams.learning import lora, training_loop
from utils.viz.diagrams.looking import cache, circles, heads, query_key_value
from utils.viz.diagrams.rates import backward, network, rates
from utils.viz.diagrams.stack import block, gpt, three_families

__all__ = [
    "backward",
    "block",
    "cache",
    "circles",
    "gpt",
    "heads",
    "lora",
    "network",
    "query_key_value",
    "rates",
    "three_families",
    "training_loop",
]
