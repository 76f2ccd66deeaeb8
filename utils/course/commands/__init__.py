"""The words of the command `course`, a file each."""
