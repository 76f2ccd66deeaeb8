"""`course check`: a learner's notebooks run as they are, and reported on."""
