"""`ask`: questions to answer before a cell is run."""
