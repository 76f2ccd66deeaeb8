"""Texts to train on, and the models that write them, by name, file or folder."""
