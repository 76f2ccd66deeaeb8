"""`course assemble`: the learner's solved parts, gathered into one model that writes."""
