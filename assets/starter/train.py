"""Train the starter's two heads on frozen features; minutes on two cores.

    python assets/starter/train.py ../shared/data --cache /tmp/starter

writes `heads.safetensors` beside this file. The same seed and the same features give the same
heads. `--everything` trains on the held-out pictures too and can then not be judged on them.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from pictures import Captioned, captioned, class_names, drawings, held_out
from safetensors.torch import save_file
from torch import nn
from torch.nn.functional import cross_entropy, dropout, normalize

from core.encoders import frameworks, starter

Pair = tuple[torch.Tensor, torch.Tensor]


@dataclass(frozen=True)
class Recipe:
    """What was found to work; see README.md for the figures."""

    epochs: int = 120
    batch: int = 256
    rate: float = 2e-3
    decay: float = 0.1
    dropout: float = 0.5
    mixing: float = 0.3
    drawings: float = 0.5
    names: float = 1.0
    teacher: float = 2.0
    seed: int = 0


class Standard(nn.Module):
    """A linear head over standardised features; `weight` and `bias` take the scaling in."""

    def __init__(self, mean: torch.Tensor, scale: torch.Tensor, d: int, *, bias: bool) -> None:
        super().__init__()
        self.mean, self.scale = mean, scale
        self.linear = nn.Linear(len(scale), d, bias=bias)

    def forward(self, standard: torch.Tensor) -> torch.Tensor:
        """Unit rows of features that are standardised already."""
        return normalize(self.linear(standard), dim=1)

    def standardise(self, features: torch.Tensor) -> torch.Tensor:
        """Zero mean and unit variance over the training pictures."""
        return (features - self.mean) / self.scale

    def folded(self) -> tuple[torch.Tensor, torch.Tensor]:
        """The head as it is applied to raw features."""
        weight = self.linear.weight.detach() / self.scale
        bias = self.linear.bias.detach() if self.linear.bias is not None else torch.zeros(1)
        return weight.contiguous(), (bias - weight @ self.mean).contiguous()


class Batches:
    """Pairs of standardised features, mixed in every way that keeps picture and text together."""

    def __init__(self, source: Captioned, recipe: Recipe, image: Standard, text: Standard) -> None:
        self.images = image.standardise(source.images)
        captions = max(len(t) for t in source.texts)
        # Fewer captions than the longest list: they come round again.
        rounds = [t[torch.arange(captions) % len(t)] for t in source.texts]
        self.texts = text.standardise(torch.stack(rounds))
        self.recipe = recipe

    def __len__(self) -> int:
        return len(self.images)

    def __iter__(self) -> Iterator[Pair]:
        """One epoch."""
        order = torch.randperm(len(self))
        for rows in order.split(self.recipe.batch):
            if len(rows) > 1:
                yield self.mixed(rows)

    def mixed(self, rows: torch.Tensor) -> Pair:
        """Two views of a picture blended, its captions averaged, then pairs blended with others."""
        n, views, captions = len(rows), self.images.shape[1], self.texts.shape[1]
        first, second = torch.randint(views, (2, n))
        share = torch.rand(n, 1)
        images = share * self.images[rows, first] + (1 - share) * self.images[rows, second]
        weights = torch.distributions.Dirichlet(torch.ones(captions)).sample((n,))
        texts = torch.einsum("nc,nct->nt", weights, self.texts[rows])
        amount = torch.distributions.Beta(self.recipe.mixing, self.recipe.mixing).sample((n, 1))
        other = torch.randperm(n)
        return (
            amount * images + (1 - amount) * images[other],
            amount * texts + (1 - amount) * texts[other],
        )


class Classes:
    """What the image tower knows from ImageNet: its classifier, and the names of the classes."""

    def __init__(self, names: torch.Tensor, image: Standard, text: Standard) -> None:
        from core.encoders import starter_towers

        self.weight, self.bias = starter_towers.classifier()
        # Along a class's own row, in steps of standard deviations: a picture of that class.
        rows = self.weight / self.weight.norm(dim=1, keepdim=True)
        self.pictures = rows * rows.shape[1] ** 0.5
        self.names = text.standardise(names)
        self.image = image

    def named(self, n: int) -> Pair:
        """Pseudo-pictures of n classes and their names in one of several wordings."""
        classes = torch.randperm(len(self.names))[:n]
        steps = torch.tensor([0.5, 1.0, 2.0])[torch.randint(3, (n, 1))]
        wording = torch.randint(self.names.shape[1], (n,))
        return steps * self.pictures[classes], self.names[classes, wording]

    def judged(self, images: torch.Tensor) -> Pair:
        """The same features as far as pooled activations can be so, and the classifier's view."""
        raw = (images * self.image.scale + self.image.mean).clamp(min=0)
        return self.image.standardise(raw), (raw @ self.weight.T + self.bias).softmax(1)

    def any_names(self) -> torch.Tensor:
        """Every class's name, each in a random wording."""
        wording = torch.randint(self.names.shape[1], (len(self.names),))
        return self.names[torch.arange(len(self.names)), wording]


class Trainer:
    """Both heads, two temperatures, and the three things they are taught at once."""

    def __init__(
        self, photographs: Captioned, drawn: Captioned, names: torch.Tensor, recipe: Recipe
    ) -> None:
        torch.manual_seed(recipe.seed)
        d = int(starter.config()["embed_dim"])
        pixels, words = photographs.images.flatten(0, 1), torch.cat(photographs.texts)
        self.image = Standard(pixels.mean(0), pixels.std(0) + 1e-3, d, bias=True)
        # OpenCLIP's head for a Hugging Face text tower has no bias, so its input is not centred.
        self.text = Standard(torch.zeros(words.shape[1]), words.std(0), d, bias=False)
        self.photographs = Batches(photographs, recipe, self.image, self.text)
        self.drawn = Batches(drawn, recipe, self.image, self.text)
        self.classes = Classes(names, self.image, self.text)
        self.temperature = nn.Parameter(torch.tensor(10.0).log())
        self.sharpness = nn.Parameter(torch.tensor(10.0).log())
        self.recipe = recipe

    def run(self) -> None:
        """Train from start to end."""
        recipe = self.recipe
        heads = [*self.image.parameters(), *self.text.parameters()]
        scales = {"params": [self.temperature, self.sharpness], "weight_decay": 0.0}
        optimizer = torch.optim.AdamW(
            [{"params": heads}, scales], lr=recipe.rate, weight_decay=recipe.decay
        )
        steps = recipe.epochs * len(list(self.photographs))
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, recipe.rate, total_steps=steps, pct_start=0.2
        )
        for epoch in range(recipe.epochs):
            for pair in self.photographs:
                loss = self.loss(pair)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                schedule.step()
            sys.stderr.write(f"\repoch {epoch + 1} of {recipe.epochs}, loss {loss.item():.3f}  ")

    def loss(self, pair: Pair) -> torch.Tensor:
        """Match photographs, drawings and class names; see classes as the classifier does."""
        recipe = self.recipe
        named = self.classes.named(recipe.batch)
        drawn = self.drawn.mixed(torch.randperm(len(self.drawn))[: recipe.batch])
        return (
            self.match(pair)
            + recipe.drawings * self.match(drawn)
            + recipe.names * self.match(named)
            + recipe.teacher * self.imitate(torch.cat([pair[0], named[0]]))
        )

    def match(self, pair: Pair) -> torch.Tensor:
        """InfoNCE: of all texts of the batch the picture's own, and the other way round."""
        images, texts = self.image(dropout(pair[0], self.recipe.dropout)), self.text(pair[1])
        scores = self.temperature.exp().clamp(max=100) * images @ texts.T
        own = torch.arange(len(scores))
        return (cross_entropy(scores, own) + cross_entropy(scores.T, own)) / 2

    def imitate(self, images: torch.Tensor) -> torch.Tensor:
        """Nearness to the class names should say what the ImageNet classifier says."""
        images, wanted = self.classes.judged(images)
        rows = self.image(dropout(images, self.recipe.dropout))
        scores = self.sharpness.exp().clamp(max=100) * rows @ self.text(self.classes.any_names()).T
        return cross_entropy(scores, wanted)

    def tensors(self) -> dict[str, torch.Tensor]:
        """The heads under the names that OpenCLIP gives them."""
        weight, bias = self.image.folded()
        return {
            "visual.head.proj.weight": weight,
            "visual.head.proj.bias": bias,
            "text.proj.weight": self.text.folded()[0],
            "logit_scale": self.temperature.detach().clamp(max=4.6052),
        }


def main() -> None:
    """Read the pictures, train, write the heads."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="folder with flickr8k-800 and coco-mini")
    parser.add_argument("--cache", type=Path, required=True, help="where features are kept")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--everything", action="store_true")
    parser.add_argument("--out", type=Path, default=starter.HEADS)
    given = parser.parse_args()
    frameworks.open_clip()
    flickr = captioned(given.data / "flickr8k-800", given.cache)
    if not given.everything:
        flickr = flickr.take(lambda name: not held_out(name))
    photographs = flickr.join(captioned(given.data / "coco-mini", given.cache))
    names = class_names(given.cache)
    trainer = Trainer(photographs, drawings(given.cache), names, Recipe(seed=given.seed))
    trainer.run()
    save_file(trainer.tensors(), given.out)


if __name__ == "__main__":
    main()
