"""What answers a pointer in the browser itself, at the speed of the screen.

Each is an `anywidget` of a script and the numbers that it draws; an `Explorer` shows it in place of
its picture. The sliders stay, for the keyboard and for who can't see.
"""
