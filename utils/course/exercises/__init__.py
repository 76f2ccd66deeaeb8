"""The exercises of the course, as data: a folder a chapter, found by the registry."""
