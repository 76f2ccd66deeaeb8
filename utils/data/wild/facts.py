"""A hundred capitals, each beside a wrong answer from elsewhere and a likely one from at home."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from utils.data.texts.models import TextModel

__all__ = ["CAPITALS", "Fact", "bits_of", "judged", "next_of", "next_tokens"]

Fact = tuple[str, str, str]  # a country, its capital, another large city of it
_ENDS = {0: "<|endoftext|>", 2: "<|im_end|>"}  # SmolLM2's marks that a decoder leaves out

_TABLE = """
France Paris Lyon, Italy Rome Milan, Spain Madrid Barcelona, Portugal Lisbon Porto,
Germany Berlin Munich, Austria Vienna Graz, Switzerland Bern Zurich, Belgium Brussels Antwerp,
Netherlands Amsterdam Rotterdam, Denmark Copenhagen Aarhus, Norway Oslo Bergen,
Sweden Stockholm Gothenburg, Finland Helsinki Turku, Ireland Dublin Cork, Poland Warsaw Krakow,
Hungary Budapest Debrecen, Romania Bucharest Cluj, Bulgaria Sofia Plovdiv,
Greece Athens Thessaloniki, Turkey Ankara Istanbul, Russia Moscow Vladivostok, Ukraine Kyiv Odessa,
Belarus Minsk Brest, Lithuania Vilnius Kaunas, Latvia Riga Daugavpils, Estonia Tallinn Tartu,
Croatia Zagreb Split, Serbia Belgrade Niš, Slovenia Ljubljana Maribor, Slovakia Bratislava Košice,
Albania Tirana Durrës, Malta Valletta Sliema, Cyprus Nicosia Limassol,
England London Manchester, Egypt Cairo Alexandria, Libya Tripoli Benghazi,
Tunisia Tunis Sfax, Algeria Algiers Oran, Morocco Rabat Casablanca, Senegal Dakar Thiès,
Ghana Accra Kumasi, Nigeria Abuja Lagos, Cameroon Yaoundé Douala, Kenya Nairobi Mombasa,
Uganda Kampala Entebbe, Tanzania Dodoma Zanzibar, Rwanda Kigali Butare,
Ethiopia Addis_Ababa Gondar, Somalia Mogadishu Berbera, Sudan Khartoum Omdurman,
Zambia Lusaka Livingstone, Zimbabwe Harare Bulawayo, Mozambique Maputo Beira,
Angola Luanda Benguela, Namibia Windhoek Swakopmund, Madagascar Antananarivo Toamasina,
Canada Ottawa Toronto, Mexico Mexico_City Guadalajara, Cuba Havana Santiago,
Jamaica Kingston Montego_Bay, Panama Panama_City Colón, Colombia Bogotá Medellín,
Venezuela Caracas Maracaibo, Ecuador Quito Guayaquil, Peru Lima Cusco, Chile Santiago Valparaíso,
Argentina Buenos_Aires Córdoba, Uruguay Montevideo Salto, Paraguay Asunción Encarnación,
Brazil Brasília São_Paulo, China Beijing Shanghai, Japan Tokyo Osaka, Mongolia Ulaanbaatar Erdenet,
India New_Delhi Mumbai, Pakistan Islamabad Karachi, Bangladesh Dhaka Chittagong,
Nepal Kathmandu Pokhara, Afghanistan Kabul Kandahar, Iran Tehran Isfahan, Iraq Baghdad Basra,
Syria Damascus Aleppo, Lebanon Beirut Tripoli, Jordan Amman Aqaba, Israel Jerusalem Tel_Aviv,
Yemen Sanaa Aden, Oman Muscat Salalah, Kazakhstan Astana Almaty, Uzbekistan Tashkent Samarkand,
Georgia Tbilisi Batumi, Armenia Yerevan Gyumri, Azerbaijan Baku Ganja, Thailand Bangkok Phuket,
Vietnam Hanoi Saigon, Laos Vientiane Savannakhet, Cambodia Phnom_Penh Siem_Reap,
Malaysia Kuala_Lumpur Penang, Indonesia Jakarta Surabaya, Philippines Manila Cebu,
Australia Canberra Sydney, New_Zealand Wellington Auckland
"""
CAPITALS: tuple[Fact, ...] = tuple(
    tuple(word.replace("_", " ") for word in row.split())
    for row in " ".join(_TABLE.split()).split(",")
)


def _asked(country: str) -> str:
    article = "the " if country in ("Netherlands", "Philippines") else ""
    return f"The capital of {article}{country} is"


@torch.no_grad()
def bits_of(opened: TextModel, beginnings: Sequence[str], answers: Sequence[str]) -> list[float]:
    """What each answer costs behind its beginning, all its tokens together, in bits."""
    found = []
    for beginning, answer in zip(beginnings, answers, strict=True):
        ids = torch.tensor([opened.encode(f"{beginning} {answer}")])
        first = len(opened.encode(beginning))
        log_p = opened.model(ids[:, :-1])[0].float().log_softmax(-1)  # (T - 1, V)
        own = log_p[first - 1 :].gather(1, ids[0, first:, None])
        found.append(-own.sum().item() / math.log(2))
    return found


def judged(opened: TextModel, facts: Sequence[Fact] = CAPITALS) -> list[list]:
    """For each fact: country, bits of the truth, of another country's capital, of the city at home.

    The other country is the next one of the list.
    """
    asked = [_asked(country) for country, _, _ in facts]
    true = [capital for _, capital, _ in facts]
    home = [city for _, _, city in facts]
    abroad = [*true[1:], true[0]]
    bits = [bits_of(opened, asked, answers) for answers in (true, abroad, home)]
    rows = zip((country for country, _, _ in facts), *bits, strict=True)
    return [[country, *(round(number, 1) for number in numbers)] for country, *numbers in rows]


def next_tokens(opened: TextModel, beginning: str, most: int = 8) -> dict[str, float]:
    """The likeliest next tokens behind a beginning, with their chances."""
    return next_of(opened, opened.encode(beginning), most)


@torch.no_grad()
def next_of(opened: TextModel, ids: Sequence[int], most: int = 8) -> dict[str, float]:
    """The likeliest next tokens behind these ids; an end mark is written out."""
    logits = opened.model(torch.tensor([list(ids)]))[0, -1].float()
    best = logits.softmax(-1).topk(most)
    tokens = [opened.decode([i]) or _ENDS.get(i, f"token {i}") for i in best.indices.tolist()]
    return {t: round(p, 4) for t, p in zip(tokens, best.values.tolist(), strict=True)}
