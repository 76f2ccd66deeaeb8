"""Wrong answers for every check, made by machine and by hand, and sound ones that must pass.

    make mutants         or: python tests/mutants [--chapter 04] [--exercise 4.6]
                             [--hand | --machine | --folder FILES] [--plain] [--sample SECONDS]
                             [--survivors] [--all] [--jobs N]

For each exercise it counts how many were tried and rejected; how many of these were *named*, and
*false*; how many survived; how often the check crashed, an answer died with its process, or was
taken for one not attempted. Three kinds of answers go through `judge`:

- *mutants*: the chapters' own solutions with one thing changed, made by `mutate.py`. Those that
  pass are listed, each with why it is no fault, in `survivors/chapter_NN.toml`.
- *wrong* answers, written by hand, in `wrong/chapter_NN.py`, or in several files of a folder
  `wrong/chapter_NN/` where one grows past 400 lines. None may pass.
- *sound* answers of odd kinds, in `sound/chapter_NN.py` or `sound/chapter_NN/`. All must pass.

A case is a function, as a learner would write it, under a decorator that says whose it is. Names
from further up in the notebook are imported, or `course("4.1")`, the course's own answer.

    from mutants.cases import ANY, sound, sounds, wrong, wrongs

    @wrong("4.6", says="Your frequencies grow")        # the beginning of the sentence it must get
    def minus_forgotten(x, positions): ...

    @wrong("4.6", says=("You turned", "The columns"))  # either is true of it
    def ...

    @wrong("4.6")                                      # no sentence of the exercise is true of it:
    def angle_of_the_row(x, positions): ...            # it falls, and none of them may be said

    @wrong("4.6", says=ANY)                            # it falls; what is said is not looked at
    def ...

    @sound("4.6")
    def by_complex_numbers(x, positions): ...

Short ones fit in a line each; their names are those of the keywords:

    wrongs("4.2", says="Your mask lets", upper=lambda n: torch.ones(n, n).triu().bool())
    sounds("4.2", ranges=lambda n: torch.arange(n)[:, None] >= torch.arange(n))

With `--folder`, JSON files of answers are tried in their place; `answers.from_files` says of what.

A case counts as *rejected* where the answer gets ❌; *named* where what it is told begins with a
sentence of the exercise, of `mistakes`, `together` or `explain`; *false* where that sentence is
none of those in `says`. Where `says` names one and the answer is told something more general, it is
*unnamed*, which the tests of the suite do not accept either.
"""
