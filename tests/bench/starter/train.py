"""Train the starter's two heads on frozen features; minutes on two cores.

    python -m tests.bench.starter.train DATA --cache FOLDER

writes `assets/starter/heads.safetensors`; DATA holds flickr8k-800 and coco-mini. The same seed and
the same features give the same heads. `--everything` trains on the held-out images too, which then
cannot evaluate the result.
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
from tests.bench.starter.correlate import Source, correlate
from tests.bench.starter.features import Captioned, captioned, class_names, drawings, held_out
from tests.bench.starter.heads import Classes, Head, Pairs

SEEDS = 3
"""Runs whose heads are averaged."""


@dataclass(frozen=True)
class Recipe:
    """The hyperparameters; the model card in assets/starter has the figures.

    Args:
        image_ridge: Regularization of the initialization towards image directions of high variance.
        text_ridge: The same for texts.
        epochs: Passes over the photographs.
        batch: Pairs in one contrastive batch.
        rate: Highest learning rate.
        names: Weight of the ImageNet class names, in the initialization and the loss.
        drawings: Weight of the demo's drawings, in the initialization and the loss.
        teacher: Weight of distillation from the ImageNet classifier.
        seed: Of every random choice.
    """

    image_ridge: float = 3.0
    text_ridge: float = 0.5
    epochs: int = 10
    batch: int = 256
    rate: float = 1e-3
    names: float = 1.0
    drawings: float = 0.4
    teacher: float = 2.0
    seed: int = 0


class Trainer:
    """Both heads, two temperatures, and their losses."""

    def __init__(
        self, photographs: Captioned, drawn: Captioned, names: torch.Tensor, recipe: Recipe
    ) -> None:
        torch.manual_seed(recipe.seed)
        pixels = photographs.images.flatten(0, 1)
        mean, scale = pixels.mean(0), pixels.std(0) + 1e-3
        self.photographs = Pairs(photographs, mean, scale)
        self.drawn = Pairs(drawn, mean, scale)
        self.classes = Classes(names, mean, scale)
        start = correlate(
            [
                Source(self.photographs.images[:, 0], self.photographs.texts, 1.0),
                Source(self.drawn.images[:, 0], self.drawn.texts, recipe.drawings),
                Source(self.classes.pseudo_images, self.classes.names, recipe.names),
            ],
            int(starter_files.config()["embed_dim"]),
            recipe.image_ridge,
            recipe.text_ridge,
        )
        self.image = Head(start.whiten_images, start.images, bias=True)
        # OpenCLIP's head for a Hugging Face text tower has no bias.
        self.text = Head(start.whiten_texts, start.texts, bias=False)
        self.mean, self.scale = mean, scale
        self.temperature = nn.Parameter(torch.tensor(20.0).log())
        self.sharpness = nn.Parameter(torch.tensor(20.0).log())
        self.recipe = recipe

    def run(self) -> None:
        """Train from the closed-form initialization."""
        recipe = self.recipe
        heads = [*self.image.parameters(), *self.text.parameters()]
        scales = {"params": [self.temperature, self.sharpness], "lr": 10 * recipe.rate}
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

    def loss(self, rows: torch.Tensor) -> torch.Tensor:
        """Contrastive losses on photographs, drawings and class names, plus distillation."""
        recipe = self.recipe
        images, texts = self.photographs.mixed(rows)
        named, names = self.classes.named(recipe.batch)
        drawn = self.drawn.mixed(torch.randperm(len(self.drawn))[: recipe.batch])
        either = torch.cat([images, named])
        sample = either[torch.randperm(len(either))[: recipe.batch]]
        return (
            self.match(images, texts)
            + recipe.drawings * self.match(*drawn)
            + recipe.names * self.match(named, names)
            + recipe.teacher * self.distill(sample)
        )

    def match(self, images: torch.Tensor, texts: torch.Tensor) -> torch.Tensor:
        """InfoNCE, both ways."""
        scores = self.temperature.exp() * self.image.dropped(images) @ self.text(texts).T
        own = torch.arange(len(scores))
        return (cross_entropy(scores, own) + cross_entropy(scores.T, own)) / 2

    def distill(self, images: torch.Tensor) -> torch.Tensor:
        """Cross-entropy of class-name similarities with the ImageNet classifier's softmax."""
        images, target = self.classes.judged(images)
        names = self.text(self.classes.any_names())
        return cross_entropy(self.sharpness.exp() * self.image.dropped(images) @ names.T, target)

    def tensors(self) -> dict[str, torch.Tensor]:
        """The heads under OpenCLIP's names, for the raw features of the towers."""
        weight = self.image.weight() / self.scale
        bias = self.image.bias.detach() - weight @ self.mean
        return {
            "visual.head.proj.weight": weight.contiguous(),
            "visual.head.proj.bias": bias.contiguous(),
            "text.proj.weight": self.text.weight().contiguous(),
            "logit_scale": self.temperature.detach(),
        }


def main() -> None:
    """Read the data, train, write the heads."""
    parser = argparse.ArgumentParser(
        "python -m tests.bench.starter.train", description=__doc__.splitlines()[0]
    )
    parser.add_argument("data", type=Path, help="folder with flickr8k-800 and coco-mini")
    parser.add_argument("--cache", type=Path, required=True, help="folder for the features")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--everything", action="store_true")
    parser.add_argument("--out", type=Path, default=starter_files.HEADS)
    given = parser.parse_args()
    lazy.open_clip()
    flickr = captioned(given.data / "flickr8k-800", given.cache)
    if not given.everything:
        flickr = flickr.take(lambda name: not held_out(name))
    photographs = flickr.join(captioned(given.data / "coco-mini", given.cache))
    names = class_names(given.cache)
    drawn = drawings(given.cache)
    runs = []
    for seed in range(given.seed, given.seed + SEEDS):
        trainer = Trainer(photographs, drawn, names, Recipe(seed=seed))
        trainer.run()
        runs.append(trainer.tensors())
    # All runs share one initialization and stay near it, so their heads can be averaged.
    save_file({name: torch.stack([r[name] for r in runs]).mean(0) for name in runs[0]}, given.out)
    sys.stderr.write("\n")


if __name__ == "__main__":
    main()
