"""The plots of the story world: who lives there, and what happens to them.

Each function tells a part of a story through a `Teller`. In a phrase, `{colour}` repeats a fact
that was told before; the feminine pronouns in braces become the right ones for the name.
"""

from __future__ import annotations

from collections.abc import Generator

from utils.data.storyworld.engine import Choice, Plot, Teller

__all__ = ["story"]

GIRLS = ("Ada", "Ida", "Lena", "Mina", "Nora", "Rosa", "Suna", "Yuna")
BOYS = ("Emil", "Finn", "Hugo", "Leo", "Minho", "Omar", "Sam", "Tom")
_SHE = {"She": "She", "she": "she", "Her": "Her", "her": "her"}
_HE = {"She": "He", "she": "he", "Her": "His", "her": "his"}
COLOURS = (
    "blue", "golden", "green", "orange", "pink", "purple", "red", "silver", "white", "yellow",
)  # fmt: skip
#: Every thing, and what an animal would take it for.
USES = {
    "balloon": "pillow",
    "blanket": "tent",
    "bucket": "helmet",
    "drum": "table",
    "hat": "nest",
    "kettle": "bathtub",
    "kite": "sail",
    "lantern": "moon",
    "scarf": "hammock",
    "umbrella": "boat",
}
THINGS = tuple(USES)
#: Words that are never drawn: a fact drawn before makes them certain.
WORDS_FROM_FACTS = (*_SHE.values(), *_HE.values(), *USES.values())
PLACES = (
    "bakery", "castle", "library", "harbour", "lighthouse", "market",
    "meadow", "mill", "museum", "orchard", "river", "station",
)  # fmt: skip
WEATHERS = ("fog", "hail", "mist", "rain", "snow", "sunshine", "thunder", "wind")
ANIMALS = (
    "badger", "cat", "crow", "duck", "elephant", "fox",
    "goat", "hedgehog", "mouse", "otter", "owl", "tortoise",
)  # fmt: skip
RELATIVES = (
    "aunt", "brother", "cousin", "grandfather", "grandmother", "neighbour", "sister", "uncle",
)  # fmt: skip
FOODS = ("apples", "buns", "carrots", "muffins", "pancakes", "pears", "plums", "sandwiches")
SPOTS = ("bookcase", "clock", "cupboard", "curtain", "mirror", "oven", "piano", "sofa")
PLANS = ("borrow", "clean", "measure", "paint", "sell", "wash")
WEEKDAYS = ("Friday", "Monday", "Saturday", "Sunday", "Thursday", "Tuesday", "Wednesday")
NUMBERS = ("none", "one", "two", "three", "four", "five", "six")
ORDINALS = ("first", "second", "third", "fourth")
VISITORS = ("mother", "dentist")
EVENTS = (
    "they argued about clouds .",
    "they slept under the {colour} {thing} .",
    "they got lost and found a spoon .",
    "they sang until windows were shut .",
    "the {animal} carried the {colour} {thing} .",
    "the {animal} told nine jokes .",
    "{name} taught the {animal} to whistle .",
)

Part = Generator[Choice, int, None]


def story() -> Plot:
    """One story from its first word to its last."""
    teller = Teller()
    yield from _opening(teller)
    plots = (_lost, _breakfast, _hidden, _journey, _lent)
    number = yield from teller.branch(
        "So {name} went for a walk .",
        "For breakfast there were",
        "That was the day when {her}",
        "It was a good day to see the",
        "At noon somebody knocked .",
    )
    yield from plots[number](teller)


def _end(t: Teller) -> Part:
    yield from t.say(
        "And {name} was happy .",
        "{name} slept well that night .",
        "Even the {weather} laughed .",
        "That is all .",
        "A good day for the {place} .",
    )


def _opening(t: Teller) -> Part:
    name = yield from t.tell("name", GIRLS + BOYS)
    t.know(**(_SHE if name in GIRLS else _HE))
    yield from t.say("had", "found")
    yield from t.tell("colour", COLOURS, with_article=True)
    thing = yield from t.tell("thing", THINGS)
    t.know(use=USES[thing])
    yield from t.say(
        ".",
        "and loved it more than cake .",
        "and took it to bed .",
        weights=(2, 1, 1),
    )
    yield from t.say("One morning there was", "One day there was")
    yield from t.tell("weather", WEATHERS)
    yield from t.say("over the", "at the")
    yield from t.tell("place", PLACES)
    yield from t.say(".")


def _lost(t: Teller) -> Part:
    yield from t.say(
        "Then {name} sneezed , and the {colour} {thing} was gone .",
        "Then {name} counted clouds until the {colour} {thing} was gone .",
        "Between two puddles {name} lost the {colour} {thing} .",
    )
    yield from t.say(
        "{name} looked behind every tree .",
        "{name} looked in both shoes .",
        "{She} called its name , but it had none .",
        "{She} asked {her} left shoe , but it knew nothing .",
    )
    yield from t.say("Along came", "Then {she} met", "Out of the {weather} came")
    yield from t.tell("animal", ANIMALS, with_article=True)
    yield from t.say(
        ". What is missing ? asked the {animal} .",
        ". Why so sad ? asked the {animal} .",
        ". Good morning , said the {animal} .",
    )
    yield from t.say(
        "Have you seen my {colour} {thing} ? asked {name} .",
        "I have lost my {colour} {thing} , said {name} .",
    )
    yield from t.say(
        "The {animal} looked at its feet .",
        "The {animal} turned round .",
        "The {animal} coughed .",
    )
    yield from t.say("I thought the {colour} {thing} was {a_use} {use} .")
    yield from t.say(
        "{name} laughed until the {weather} stopped .",
        "{name} laughed louder than the {weather} .",
    )
    yield from t.say(
        "Now the {colour} {thing} is {a_use} {use} by night .",
        "Now the {colour} {thing} is {a_use} {use} every Sunday .",
        "Now the {animal} may have the {colour} {thing} every Sunday .",
    )
    yield from _end(t)


def _breakfast(t: Teller) -> Part:
    left = NUMBERS.index((yield from t.tell("number", NUMBERS[2:], same_shape=False)))
    yield from t.tell("food", FOODS)
    yield from t.say(
        ". {name} took them and the {colour} {thing} to {her}",
        ". {name} packed the {colour} {thing} and visited {her}",
    )
    yield from t.tell("relative", RELATIVES)
    yield from t.say(". On the bridge sat", ". In the {weather} stood")
    yield from t.tell("animal", ANIMALS, with_article=True)
    yield from t.say("with a loud stomach .", "who looked hungry .", "who could smell {food} .")
    left -= 1
    t.know(left=NUMBERS[left])
    yield from t.say("{name} gave the {animal} one , which left {left} .")
    for visitor in VISITORS:
        if left == 0:
            break
        t.know(left=NUMBERS[left - 1])
        more = yield from t.branch(
            f"Its {visitor} took one too , which left {{left}} .",
            "That was enough .",
            weights=(2, 3),
        )
        if more == 1:
            t.know(left=NUMBERS[left])
            break
        left -= 1
    yield from t.say(
        "The {relative} saw {left} .",
        "The {relative} counted {left} .",
    )
    yield from t.say(
        "I had {number} , said {name} , but I met the {animal} .",
        "There were {number} , said {name} , before the {animal} .",
    )
    yield from t.say(
        "At least nobody ate the {colour} {thing} .",
        "And nobody wanted to eat the {colour} {thing} .",
        "Let us fry the {colour} {thing} , said {name} .",
    )
    yield from _end(t)


def _hidden(t: Teller) -> Part:
    yield from t.tell("relative", RELATIVES)
    yield from t.say("wanted to")
    yield from t.tell("plan", PLANS)
    yield from t.say(
        "the {colour} {thing} . So {name} hid it behind the",
        "the {colour} {thing} . But {name} put it behind the",
    )
    spot = yield from t.tell("spot", SPOTS)
    t.know(answer=spot)
    yield from t.say(". In the evening", ". After supper", ". At midnight")
    yield from t.tell("animal", ANIMALS, with_article=True)
    yield from t.say(
        "came in from the {weather} and stayed .",
        "came and asked for a bed .",
        "came to hear a story .",
    )
    yield from t.say(
        "Next day the {relative} looked for the {colour} {thing} .",
        "Next day the {relative} asked for the {colour} {thing} .",
    )
    yield from t.say("Is it behind the", "Could it be behind the")
    pairs = [
        f"{pair[0]} or behind the {pair[1]} ?"
        for other in _others(SPOTS, spot)
        for pair in ((spot, other), (other, spot))
    ]
    yield from t.say(*pairs)
    yield from t.say(
        "{name} was very bad at lying .",
        "{name} looked at the ceiling .",
        "{name} ate some soup first .",
    )
    yield from t.say("Behind the {answer} , {she} said .")
    yield from t.say(
        "And in the {colour} {thing} slept the {animal} .",
        "On top of the {colour} {thing} slept the {animal} .",
    )
    yield from t.say(
        "Nobody can {plan} it now , said {name} .",
        "We will {plan} it next year , said the {relative} .",
        "Shall we {plan} the {animal} too ? asked {name} .",
    )
    yield from _end(t)


def _journey(t: Teller) -> Part:
    yield from t.tell("goal", _others(PLACES, t.told["place"]))
    yield from t.say(", which was")
    days = NUMBERS.index((yield from t.tell("number", NUMBERS[2:5], same_shape=False)))
    yield from t.say(
        "days away . {name} took the {colour} {thing} and a shirt .",
        "days away . {name} packed the {colour} {thing} .",
    )
    yield from t.say("On the first day {she} met")
    yield from t.tell("animal", ANIMALS, with_article=True)
    yield from t.say("who came along .", "who was going there too .", "who knew the way .")
    events = list(EVENTS)
    for ordinal in ORDINALS[1:days]:
        event = yield from t.branch(*(f"On the {ordinal} day {event}" for event in events))
        del events[event]
    yield from t.say(
        "The {goal} looked just like the {place} .",
        "The {goal} was closed because of the {weather} .",
    )
    yield from t.say(
        "The way home took {number} days too .",
        "They walked home for {number} days .",
    )
    yield from t.say(
        "The {animal} still talks about the {colour} {thing} .",
        "The {animal} has wanted {a_colour} {colour} {thing} ever since .",
        "Only the {colour} {thing} was not tired .",
    )


def _lent(t: Teller) -> Part:
    yield from t.say("It was")
    yield from t.tell("animal", ANIMALS, with_article=True)
    yield from t.say("with a heavy suitcase .", "with wet feet .", "in a hurry .")
    begged = yield from t.say(
        "May I borrow your {colour} {thing} until", "Please lend me your {colour} {thing} until"
    )
    yield from t.tell("weekday", WEEKDAYS)
    yield from t.say(", said the {animal} . {Her}" if begged else "? asked the {animal} . {Her}")
    yield from t.tell("relative", RELATIVES)
    yield from t.say(
        "said : never lend anything to {a_animal} {animal} .",
        "said : never trust {a_animal} {animal} .",
    )
    yield from t.say("But {name} could not say no .", "But {name} liked its ears .")
    yield from t.say(
        "Then {she} watched the {weather} and waited .",
        "Then there was only the {weather} to play with .",
    )
    yield from t.say("On {weekday}", "When {weekday} came ,")
    yield from t.say("there stood the {animal} with the {colour} {thing} and")
    number = yield from t.tell("number", NUMBERS[3:])
    t.know(left=NUMBERS[NUMBERS.index(number) - 1])
    yield from t.tell("food", FOODS)
    yield from t.say(
        ". {name} ate one at once , which left {left} for the {relative} .",
        ". {name} kept one , which left {left} for the {relative} .",
    )
    yield from t.say(
        "Now the {relative} loves the {animal} .",
        "Now the {relative} lends everything to the {animal} .",
    )


def _others(words: tuple[str, ...], taken: str) -> tuple[str, ...]:
    return tuple(word for word in words if word != taken)
