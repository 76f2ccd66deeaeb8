"""The exercises of the course, as data: a module a chapter, joined a week at a time."""
