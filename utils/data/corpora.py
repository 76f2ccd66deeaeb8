"""Where chapters take texts from: `load_corpus`; the room `texts` holds how they are read."""

from utils.data.texts.corpora import Corpus, load_corpus

__all__ = ["Corpus", "load_corpus"]
