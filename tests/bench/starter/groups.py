"""Group words: everyday names of several ImageNet classes at once, such as "a dog" of 118 breeds.

The class names alone are mostly too specific ("Irish wolfhound"), and a drawing is named by its
group. Ranges are those of the ImageNet 2012 challenge, which follow WordNet; the other members are
the first names of the classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from core.encoders import lazy

RANGES: dict[str, tuple[range, ...]] = {
    "dog": (range(151, 269),),
    "cat": (range(281, 286),),
    "wild cat": (range(286, 294),),
    "wolf": (range(269, 273),),
    "fox": (range(277, 281),),
    "bear": (range(294, 298),),
    "monkey": (range(368, 383),),
    "ape": (range(365, 368),),
    "elephant": (range(385, 387),),
    "rabbit": (range(330, 333),),
    "horse": (range(339, 340),),
    "cow": (range(345, 346),),
    "sheep": (range(348, 350),),
    "pig": (range(341, 342),),
    "bird": (range(7, 25), range(80, 101), range(127, 147)),
    "owl": (range(24, 25),),
    "eagle": (range(22, 23),),
    "duck": (range(97, 99),),
    "chicken": (range(7, 9),),
    "parrot": (range(87, 91),),
    "fish": (range(2), range(389, 398)),
    "shark": (range(2, 5),),
    "whale": (range(147, 149),),
    "frog": (range(30, 33),),
    "turtle": (range(33, 38),),
    "lizard": (range(38, 49),),
    "crocodile": (range(49, 51),),
    "dinosaur": (range(51, 52),),
    "snake": (range(52, 69),),
    "spider": (range(72, 78),),
    "crab": (range(118, 122),),
    "beetle": (range(300, 308),),
    "butterfly": (range(321, 327),),
    "insect": (range(300, 327),),
    "animal": (range(398),),
}
"""By group word, ranges of classes."""

NAMES: dict[str, str] = {
    "car": "ambulance,beach wagon,cab,convertible,jeep,limousine,minivan,Model T,police van,racer,"
    "sports car",
    "truck": "fire engine,garbage truck,moving van,pickup,tow truck,trailer truck",
    "bus": "minibus,school bus,trolleybus",
    "bicycle": "bicycle-built-for-two,mountain bike",
    "motorcycle": "moped,motor scooter",
    "train": "bullet train,electric locomotive,freight car,passenger car,steam locomotive",
    "boat": "canoe,catamaran,fireboat,gondola,lifeboat,speedboat,trimaran,yawl,schooner",
    "ship": "aircraft carrier,container ship,liner,pirate,schooner",
    "airplane": "airliner,warplane",
    "rocket": "missile,projectile,space shuttle",
    "vehicle": "ambulance,beach wagon,cab,convertible,jeep,minivan,pickup,racer,sports car,minibus,"
    "school bus,trolleybus,tow truck,trailer truck,fire engine,garbage truck,moving van,tractor",
    "musical instrument": "accordion,acoustic guitar,banjo,bassoon,cello,cornet,drum,"
    "electric guitar,flute,French horn,gong,grand piano,harmonica,harp,maraca,marimba,oboe,ocarina,"
    "organ,panpipe,sax,steel drum,trombone,upright,violin",
    "guitar": "acoustic guitar,electric guitar",
    "piano": "grand piano,upright",
    "trumpet": "cornet",
    "food": "bagel,burrito,carbonara,cheeseburger,chocolate sauce,consomme,French loaf,guacamole,"
    "hot pot,hotdog,ice cream,ice lolly,mashed potato,meat loaf,pizza,potpie,pretzel,trifle",
    "bread": "bagel,French loaf,pretzel",
    "dessert": "ice cream,ice lolly,trifle",
    "fruit": "banana,custard apple,fig,Granny Smith,jackfruit,lemon,orange,pineapple,pomegranate,"
    "strawberry",
    "apple": "Granny Smith",
    "vegetable": "acorn squash,artichoke,bell pepper,broccoli,butternut squash,cauliflower,"
    "cucumber,head cabbage,spaghetti squash,zucchini",
    "drink": "beer glass,cup,eggnog,espresso,red wine",
    "coffee": "coffee mug,espresso,cup",
    "beer": "beer bottle,beer glass",
    "flower": "daisy,rapeseed,yellow lady's slipper",
    "mushroom": "agaric,bolete,coral fungus,earthstar,gyromitra,hen-of-the-woods,mushroom,"
    "stinkhorn",
    "ball": "baseball,basketball,croquet ball,golf ball,ping-pong ball,rugby ball,soccer ball,"
    "tennis ball,volleyball",
    "hat": "bearskin,bonnet,cowboy hat,mortarboard,shower cap,sombrero",
    "helmet": "crash helmet,football helmet,pickelhaube",
    "shoe": "clog,cowboy boot,Loafer,running shoe,sandal",
    "dress": "gown,hoopskirt,overskirt",
    "clothing": "bikini,cardigan,fur coat,gown,jean,jersey,kimono,lab coat,miniskirt,pajama,poncho,"
    "suit,sweatshirt,swimming trunks,trench coat",
    "glasses": "sunglass,sunglasses",
    "tie": "bolo tie,bow tie,Windsor tie",
    "bag": "backpack,mailbag,plastic bag,purse",
    "chair": "barber chair,folding chair,rocking chair,throne",
    "bed": "four-poster,studio couch,cradle",
    "furniture": "bookcase,chiffonier,china cabinet,cradle,desk,dining table,folding chair,"
    "four-poster,rocking chair,studio couch,wardrobe",
    "clock": "analog clock,digital clock,wall clock",
    "watch": "digital watch,stopwatch",
    "computer": "desktop computer,hand-held computer,laptop,notebook",
    "telephone": "cellular telephone,dial telephone,pay-phone",
    "camera": "Polaroid camera,reflex camera",
    "lamp": "lampshade,table lamp",
    "bottle": "beer bottle,pill bottle,pop bottle,water bottle,wine bottle",
    "pot": "caldron,Crock Pot,Dutch oven,frying pan,wok",
    "knife": "cleaver,letter opener",
    "tool": "chain saw,hammer,hatchet,plane,power drill,screwdriver,shovel",
    "axe": "hatchet",
    "weapon": "assault rifle,cannon,revolver,rifle",
    "gun": "assault rifle,revolver,rifle",
    "pen": "ballpoint,fountain pen,quill",
    "bridge": "steel arch bridge,suspension bridge,viaduct",
    "house": "barn,mobile home,boathouse,thatch",
    "building": "barn,castle,church,cinema,greenhouse,library,monastery,mosque,palace,planetarium,"
    "restaurant,stupa",
    "lighthouse": "beacon",
    "shop": "bakery,barbershop,bookshop,butcher shop,confectionery,grocery store,shoe shop,"
    "tobacco shop,toyshop",
    "tent": "mountain tent,yurt",
    "mountain": "alp,volcano",
    "sea": "coral reef,sandbar,seashore",
    "person": "ballplayer,groom,scuba diver",
}
"""By group word, the first names of classes, separated by commas."""


def first_names() -> list[str]:
    """The first of WordNet's names of each ImageNet class."""
    info = _info()
    return [info.index_to_description(i).split(",")[0] for i in range(1000)]


def class_of(wnid: str) -> int:
    """The number of a class."""
    return int(_info().label_names().index(wnid))


def groups(names: Sequence[str]) -> dict[str, list[int]]:
    """By group word, its classes; `names` are the first names of the 1,000.

    Raises:
        ValueError: no class has one of the names above.
    """
    found = {word: [i for part in parts for i in part] for word, parts in RANGES.items()}
    for word, members in NAMES.items():
        found[word] = [names.index(name) for name in members.split(",")]
    return found


def classes_of(word: str) -> list[int]:
    """The classes of a group word or a class name."""
    names = first_names()
    return groups(names).get(word) or [i for i, name in enumerate(names) if name == word]


@cache
def _info() -> Any:
    lazy.open_clip()
    from timm.data import ImageNetInfo

    return ImageNetInfo("imagenet-1k")
