"""Train the starter's heads on frozen features; minutes on two cores.

    python -m tests.bench.starter.train DATA --cache FOLDER

writes `assets/starter/heads.safetensors`; DATA holds flickr8k-800, coco-mini and emoji-styles. The
same seed and the same features give the same heads. `--everything` trains on what is held out too,
which then cannot evaluate the result.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn.functional import cross_entropy

from core.encoders import lazy, starter_files
from core.ingest import demo
from tests.bench.starter import features
from tests.bench.starter.correlate import Source, correlate
from tests.bench.starter.features import Captioned
from tests.bench.starter.heads import Classes, Domain, Head, Pairs

SEEDS = 3
"""Runs whose heads are averaged."""
GATE = 8.0
"""Steepness of the sigmoid between photographs (-1) and drawings (1)."""
MIDDLE = 0.6
"""Where both heads count alike: photographs on white, and drawings of a style not trained on."""


@dataclass(frozen=True)
class Recipe:
    """The hyperparameters; the model card in assets/starter has the figures.

    Args:
        image_ridge: Regularization of the initialization towards image directions of high variance.
        text_ridge: The same for texts.
        epochs: Passes over the photographs.
        batch: Pairs in one contrastive batch.
        rate: Highest learning rate.
        names: Weights of the ImageNet class names in both heads' losses.
        groups: Weight of the group words in each head's loss.
        drawn: Weight of the demo's drawings.
        styles: Weight of the drawings of other styles.
        teacher: Weight of distillation from the ImageNet classifier.
        seed: Of every random choice.
    """

    image_ridge: float = 3.0
    text_ridge: float = 0.5
    epochs: int = 10
    batch: int = 256
    rate: float = 1e-3
    names: tuple[float, float] = (2.0, 0.2)
    groups: float = 0.3
    drawn: float = 0.5
    styles: float = 0.5
    teacher: float = 2.0
    seed: int = 0


@dataclass(frozen=True)
class Data:
    """Everything the heads are trained on, as features."""

    photographs: Captioned
    drawn: Captioned
    styles: Captioned
    names: torch.Tensor
    groups: torch.Tensor
    members: dict[str, list[int]]


class Trainer:
    """Three heads, three temperatures, and their losses.

    Args:
        data: what they are trained on.
        recipe: the hyperparameters; several seeds share the initialization.
    """

    def __init__(self, data: Data, recipe: Recipe) -> None:
        self.recipe = recipe
        drawn = torch.cat([data.drawn.images.flatten(0, 1), data.styles.images.flatten(0, 1)])
        self.photographs = Pairs(data.photographs, Domain.of(data.photographs.images.flatten(0, 1)))
        self.drawn = Pairs(data.drawn, Domain.of(drawn))
        self.styles = Pairs(data.styles, self.drawn.domain)
        self.classes = classes = Classes(data.names, data.groups, data.members)
        names = [
            Source(pairs.domain.completed(classes.rows), classes.names, weight)
            for pairs, weight in zip((self.photographs, self.drawn), recipe.names, strict=True)
        ]
        drawings = [_source(self.drawn, recipe.drawn), _source(self.styles, recipe.styles)]
        self.start = correlate(
            [[_source(self.photographs, 1.0), names[0]], [*drawings, names[1]]],
            int(starter_files.config()["embed_dim"]),
            recipe.image_ridge,
            recipe.text_ridge,
        )

    def begin(self, seed: int) -> None:
        """Start from the closed-form initialization."""
        torch.manual_seed(seed)
        (photograph, drawing), text = self.start
        self.photograph = Head(photograph.whitening, photograph.directions, bias=True)
        self.drawing = Head(drawing.whitening, drawing.directions, bias=True)
        # OpenCLIP's head for a Hugging Face text tower has no bias.
        self.text = Head(text.whitening, text.directions, bias=False)
        self.temperatures = nn.ParameterDict(
            {of: nn.Parameter(torch.tensor(20.0).log()) for of in ("photograph", "drawing", "name")}
        )

    def run(self, seed: int) -> dict[str, torch.Tensor]:
        """One run; returns its heads."""
        self.begin(seed)
        recipe = self.recipe
        heads = [
            p for head in (self.photograph, self.drawing, self.text) for p in head.parameters()
        ]
        scales = {"params": list(self.temperatures.parameters()), "lr": 10 * recipe.rate}
        optimizer = torch.optim.Adam([{"params": heads}, scales], lr=recipe.rate)
        steps = recipe.epochs * -(-len(self.photographs) // recipe.batch)
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, [recipe.rate, 10 * recipe.rate], total_steps=steps, pct_start=0.2
        )
        for epoch in range(recipe.epochs):
            for rows in torch.randperm(len(self.photographs)).split(recipe.batch):
                loss = self.loss(rows)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                schedule.step()
            sys.stderr.write(f"\repoch {epoch + 1} of {recipe.epochs}, loss {loss.item():.3f}  ")
        return self.tensors()

    def loss(self, rows: torch.Tensor) -> torch.Tensor:
        """Contrastive losses of both heads, plus distillation."""
        recipe, batch = self.recipe, self.recipe.batch
        for head in (self.photograph, self.drawing, self.text):
            head.fold()
        images, texts = self.photographs.mixed(rows)
        drawn, styles = self.drawn.some(batch), self.styles.some(batch)
        named = self.classes.named(batch, self.photographs.domain)
        sketched = self.classes.named(batch, self.drawn.domain)
        return (
            self.match("photograph", images, texts)
            + recipe.names[0] * self.match("photograph", *named)
            + recipe.names[1] * self.match("drawing", *sketched)
            + recipe.drawn * self.match("drawing", *drawn)
            + recipe.styles * self.match("drawing", *styles)
            + recipe.groups
            * self.match("photograph", *self.classes.grouped(self.photographs.domain))
            + recipe.groups * self.match("drawing", *self.classes.grouped(self.drawn.domain))
            + recipe.teacher * self.distill(torch.cat([images, named[0]]))
        )

    def match(
        self, head: str, images: torch.Tensor, texts: torch.Tensor, fits: torch.Tensor | None = None
    ) -> torch.Tensor:
        """InfoNCE, both ways; texts that fit an image beside its own are left out."""
        rows = (self.photograph if head == "photograph" else self.drawing).dropped(images)
        scores = self.temperatures[head].exp() * rows @ self.text(texts).T
        if fits is not None:
            others = fits & ~torch.eye(len(fits), dtype=torch.bool)
            scores = scores.masked_fill(others, float("-inf"))
        own = torch.arange(len(scores))
        return (cross_entropy(scores, own) + cross_entropy(scores.T, own)) / 2

    def distill(self, either: torch.Tensor) -> torch.Tensor:
        """Cross-entropy of class-name similarities with the ImageNet classifier's softmax."""
        some = either[torch.randperm(len(either))[: self.recipe.batch]]
        images, target = self.classes.judged(some, self.photographs.domain)
        names = self.text(self.classes.any_names())
        scores = self.temperatures["name"].exp() * self.photograph.dropped(images) @ names.T
        return cross_entropy(scores, target)

    def tensors(self) -> dict[str, torch.Tensor]:
        """The heads, for the raw features of the towers."""
        for head in (self.photograph, self.drawing, self.text):
            head.fold()
        result = {"text.weight": self.text.weight.detach().T}
        for name, head, domain in (
            ("photograph", self.photograph, self.photographs.domain),
            ("drawing", self.drawing, self.drawn.domain),
        ):
            weight = head.weight.detach().T / domain.scale
            result[f"image.{name}.weight"] = weight
            result[f"image.{name}.bias"] = head.bias.detach() - weight @ domain.mean
        return result


def gate(photographs: torch.Tensor, drawings: torch.Tensor) -> dict[str, torch.Tensor]:
    """A linear classifier of drawings by ridge regression, both kinds with equal weight."""
    domain = Domain.of(torch.cat([photographs, drawings]))
    a, b = domain.standardized(photographs), domain.standardized(drawings)
    moments = (a.T @ a / len(a) + b.T @ b / len(b)) / 2
    target = (b.mean(0) - a.mean(0)) / 2
    middle = (a.mean(0) + b.mean(0)) / 2
    moments = moments - torch.outer(middle, middle)
    ridge = moments.trace() / len(moments) * torch.eye(len(moments))
    weight = GATE * torch.linalg.solve(moments + ridge, target) / domain.scale
    bias = -weight @ (domain.mean + domain.scale * middle) - GATE * MIDDLE
    return {"image.gate.weight": weight[None], "image.gate.bias": bias[None]}


def read(folder: Path, cache: Path, *, everything: bool) -> Data:
    """The data, with the held-out photographs and demo drawings or without.

    Drawings of other styles are never held out: of a held-out drawing the concept is known.
    """
    flickr = features.captioned(folder / "flickr8k-800", cache, features.VIEWS)
    coco = features.captioned(folder / "coco-mini", cache).repeated(len(features.VIEWS))
    drawn, styles = features.drawings(cache), features.styles(folder / "emoji-styles", cache)
    if not everything:
        flickr = flickr.take(lambda name: not features.held_out(name))
        drawn = drawn.take(lambda family: demo.split_of(family) == "train")
    names, groups, members = features.class_names(cache)
    return Data(flickr.join(coco), drawn, styles, names, groups, members)


def train(data: Data, recipe: Recipe, seeds: int = SEEDS) -> dict[str, torch.Tensor]:
    """The mean of several runs' heads, which share one initialization and stay near it."""
    trainer = Trainer(data, recipe)
    runs = [trainer.run(seed) for seed in range(recipe.seed, recipe.seed + seeds)]
    mean = {name: torch.stack([run[name] for run in runs]).mean(0) for name in runs[0]}
    drawn = torch.cat([data.drawn.images.flatten(0, 1), data.styles.images.flatten(0, 1)])
    return mean | gate(data.photographs.images.flatten(0, 1), drawn)


def main() -> None:
    """Read the data, train, write the heads."""
    parser = argparse.ArgumentParser(
        "python -m tests.bench.starter.train", description=__doc__.splitlines()[0]
    )
    parser.add_argument(
        "data", type=Path, help="folder with flickr8k-800, coco-mini and emoji-styles"
    )
    parser.add_argument("--cache", type=Path, required=True, help="folder for the features")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--everything", action="store_true", help="also on what is held out")
    parser.add_argument("--out", type=Path, default=starter_files.HEADS)
    given = parser.parse_args()
    lazy.open_clip()
    data = read(given.data, given.cache, everything=given.everything)
    heads = train(data, Recipe(seed=given.seed))
    save_file({name: tensor.half().contiguous() for name, tensor in heads.items()}, given.out)
    sys.stderr.write("\n")


def _source(pairs: Pairs, weight: float) -> Source:
    return Source(pairs.images[:, 0], pairs.texts, weight)


if __name__ == "__main__":
    main()
