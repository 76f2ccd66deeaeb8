"""`course train`: a run and its folder."""
