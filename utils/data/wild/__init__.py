"""The field's old questions put to a real chat model, and what it answered (chapter 11)."""
