"""The *predict, then run* questions of the course, as data: a module a chapter."""
