"""What chapter 08 says of the loop, the beams and the cache to answers as learners write them."""

from __future__ import annotations

import pytest
import torch
from helpers.feedback import said

from utils.course.checking import registry
from utils.llm.sampling import loop as sampling


def write_like_nanogpt(model, ids, max_new_tokens, choose, stop_id):
    idx = torch.tensor(ids).unsqueeze(0)
    for _ in range(max_new_tokens):
        token = choose(model(idx)[:, -1, :].squeeze(0))
        idx = torch.cat((idx, torch.tensor([[token]])), dim=1)
        if token == stop_id:
            break
    return idx[0, len(ids) :].tolist()


def loop(at_stop="leave", asks=1, given=lambda logits: logits):
    def write(model, ids, max_new_tokens, choose, stop_id):
        new = []
        for _ in range(max_new_tokens):
            logits = given(model(torch.tensor([ids + new]))[0, -1])
            said = [choose(logits) for _ in range(asks)]
            if said[0] == stop_id:
                if at_stop == "leave":
                    break
                continue
            new.append(said[-1])
        return new

    return write


def write_without_end(model, ids, max_new_tokens, choose, stop_id):
    new = []
    while len(new) < max_new_tokens:
        token = choose(model(torch.tensor([ids + new]))[0, -1])
        if token != stop_id:
            new.append(token)
    return new


def write_until_zero(model, ids, max_new_tokens, choose, stop_id):
    new = []
    for _ in range(max_new_tokens):
        token = choose(model(torch.tensor([ids + new]))[0, -1])
        if not token or token == stop_id:
            break
        new.append(token)
    return new


def write_and_strip(model, ids, max_new_tokens, choose, stop_id):
    new = []
    for _ in range(max_new_tokens):
        if new and new[-1] == stop_id:
            break
        new.append(choose(model(torch.tensor([ids + new]))[0, -1]))
    return new[:-1] if new and new[-1] == stop_id else new


def write_with_generate(model, ids, max_new_tokens, choose, stop_id):
    new = sampling.generate(
        model, torch.tensor(ids), max_new_tokens,
        lambda logits, ids, generator: torch.tensor([choose(logits[0])]), (stop_id,), cache=False,
    )  # fmt: skip
    return [int(token) for token in new]


def beam_step_with_tensors(beams, log_chances, width, stop_id):
    found = []
    for ids, total in beams:
        if ids[-1:] == [stop_id]:
            found.append((ids, total))
        else:
            own = torch.tensor(log_chances(ids), dtype=torch.float64)
            best = own.topk(min(width, len(own)))
            pairs = zip(best.indices, best.values, strict=True)
            found += [([*ids, int(i)], total + x) for i, x in pairs]
    found.sort(key=lambda beam: float(beam[1]) / len(beam[0]), reverse=True)
    return found[:width]


def append_without_looking(cache, k, v):
    end = cache.length + k.shape[2]
    cache.keys[:, :, cache.length : end] = k
    cache.values[:, :, cache.length : end] = v
    cache.length = end
    return cache.keys[:, :, :end], cache.values[:, :, :end]


def append_that(
    late=False, writes_first=False, n=None, values=True, moved=False, full=False, torchs=False
):
    """The learner's append, with a slip."""

    def append(cache, k, v):
        count = n or k.shape[2]
        start, room = cache.length, cache.keys.shape[2]
        end = start + count
        if writes_first:
            cache.keys[:, :, start:end] = k[:, :, : room - start]
            cache.values[:, :, start:end] = v[:, :, : room - start]
        if late or moved:
            cache.length = end
        if (start == room if full else end > room) and not torchs:
            raise ValueError("full")
        start = cache.length if moved else start
        try:
            cache.keys[:, :, start : start + count] = k
        except RuntimeError as error:
            raise (ValueError("full") if torchs else error) from error
        if values:
            cache.values[:, :, start : start + count] = v
        cache.length = end
        return cache.keys[:, :, :end], cache.values[:, :, :end]

    return append


def append_by_storing_cat(cache, k, v):
    if cache.length + k.shape[2] > cache.keys.shape[2]:
        raise ValueError
    cache.keys = torch.cat([cache.keys[:, :, : cache.length], k], 2)
    cache.values = torch.cat([cache.values[:, :, : cache.length], v], 2)
    cache.length += k.shape[2]
    return cache.keys, cache.values


def append_nothing_but_return_cat(cache, k, v):
    if cache.length + k.shape[2] > cache.keys.shape[2]:
        raise ValueError
    keys = torch.cat([cache.keys[:, :, : cache.length], k], 2)
    values = torch.cat([cache.values[:, :, : cache.length], v], 2)
    cache.length += k.shape[2]
    return keys, values


def append_the_first(cache, k, v):
    if cache.length + 1 > cache.keys.shape[2]:
        raise ValueError
    cache.keys[:, :, cache.length] = k[:, :, 0]
    cache.values[:, :, cache.length] = v[:, :, 0]
    cache.length += 1
    return cache.keys[:, :, : cache.length], cache.values[:, :, : cache.length]


def append_until_full(cache, k, v):
    for i in range(k.shape[2]):
        append_the_first(cache, k[:, :, i:], v[:, :, i:])
    return cache.keys[:, :, : cache.length], cache.values[:, :, : cache.length]


def append_forgetting_the_length(cache, k, v):
    end = cache.length + k.shape[2]
    if end > cache.keys.shape[2]:
        raise ValueError
    cache.keys[:, :, cache.length : end] = k
    cache.values[:, :, cache.length : end] = v
    return cache.keys[:, :, :end], cache.values[:, :, :end]


def append_and_return_the_room(cache, k, v):
    append_without_looking(cache, k, v)
    return cache.keys, cache.values


def append_with_cat(cache, k, v):
    cache.keys = torch.cat([cache.keys, k], dim=2)
    cache.values = torch.cat([cache.values, v], dim=2)
    return cache.keys, cache.values


def beam_step_without_an_end(beams, log_chances, width, stop_id):
    found = []
    for ids, total in beams:
        found += [([*ids, token], total + x) for token, x in enumerate(log_chances(ids))]
    return sorted(found, key=lambda beam: beam[1], reverse=True)[:width]


def beam_step_that(n_tokens=lambda ids, stop: len(ids), stop=None, empty=True, gives=lambda t: t):
    def beam_step(beams, log_chances, width, stop_id):
        end, found = stop_id if stop is None else stop, []
        for ids, total in beams:
            if (ids or not empty) and ids[-1] == end:
                found.append((ids, total))
                continue
            found += [([*ids, i], total + x) for i, x in enumerate(log_chances(ids))]
        found.sort(key=lambda beam: beam[1] / n_tokens(beam[0], stop_id), reverse=True)
        return [(ids, gives(total)) for ids, total in found[:width]]

    return beam_step


def beam_step_cut_by_the_sum(beams, log_chances, width, stop_id):
    found = beam_step_that(lambda ids, stop: 1)(beams, log_chances, width, stop_id)
    return sorted(found, key=lambda beam: beam[1] / len(beam[0]), reverse=True)


def beam_step_of_the_last_token(beams, log_chances, width, stop_id):
    return beam_step_that()(beams, lambda ids: log_chances(ids[-1:]), width, stop_id)


def beam_step_from_the_worst(beams, log_chances, width, stop_id):
    return registry.exercise("8.7").reference(beams, log_chances, width, stop_id)[::-1]


@pytest.mark.parametrize(
    ("id", "answer"),
    [
        ("8.6", write_with_generate),
        ("8.6", write_and_strip),
        ("8.7", beam_step_with_tensors),
    ],
)
def test_sound_answers_of_the_package_and_of_learners_pass(id, answer):
    assert said(id, answer) == "right"


@pytest.mark.parametrize(
    ("id", "answer", "begins"),
    [
        ("8.7", beam_step_without_an_end, "Texts that have ended were continued, and all were"),
        ("8.7", beam_step_from_the_worst, "These are the right texts"),
        ("8.8", append_and_return_the_room, "The whole room was returned"),
        ("8.8", append_with_cat, "The new tokens were put behind the whole room"),
        ("8.6", write_like_nanogpt, "The stop token was emitted"),
        ("8.8", append_without_looking, "Nobody looked whether there is room"),
        ("8.8", append_forgetting_the_length, "cache.length stayed where it was"),
        ("8.6", loop(given=lambda logits: logits.softmax(-1)), "`choose` takes logits, and you"),
        ("8.6", loop("skip"), "The stop token was left out, but the loop went on behind it"),
        ("8.6", loop(asks=2), "You asked `choose` twice for one token"),
        ("8.6", write_without_end, "At the stop token the loop goes round"),
        ("8.6", write_until_zero, "Token 0 ended the text"),
        (
            "8.7",
            beam_step_that(lambda ids, stop: max(1, len(ids) - (ids[-1] == stop))),
            "The stop token counts as well",
        ),
        (
            "8.7",
            beam_step_that(lambda ids, stop: max(1, len(ids) - 1)),
            "The length is one too small",
        ),
        ("8.7", beam_step_that(stop=0), "Token 0 was taken for the stop token"),
        ("8.7", beam_step_that(empty=False), "The search begins with a beam without tokens"),
        ("8.7", beam_step_that(gives=lambda t: 2.718281828**t), "You returned chances"),
        ("8.7", beam_step_cut_by_the_sum, "The best were chosen by their totals"),
        ("8.7", beam_step_of_the_last_token, "log_chances got the last token alone"),
        ("8.8", append_that(late=True), "The append was refused, but cache.length had moved on"),
        ("8.8", append_that(writes_first=True), "The append was refused, but what still fitted"),
        ("8.8", append_until_full, "The append was refused, but some of its tokens"),
        ("8.8", append_that(n=1), "There may be several new tokens"),
        ("8.8", append_the_first, "Of several new tokens only the first was kept"),
        ("8.8", append_that(values=False), "The values were not written"),
        ("8.8", append_that(moved=True), "cache.length moved on before the tokens were written"),
        ("8.8", append_that(full=True), "The room was refused only once it was full"),
        ("8.8", append_that(torchs=True), "You left it to PyTorch to notice"),
        ("8.8", append_nothing_but_return_cat, "What you return is right for once"),
        ("8.8", append_by_storing_cat, "The new memory holds just what there is"),
    ],
)
def test_usual_wrong_answers_are_told_why(id, answer, begins):
    assert said(id, answer).startswith(begins)
