"""Spaces with known geometry. Every function gives the same space for the same seed."""

import numpy as np

from core.types.space import Space


def space(images=(), texts=(), pairs=None, encoder="test", lengths=None, labels=()):
    """A Space of two lists of rows of any length; rows are brought to length 1 here.

    Texts are 20 to 120 characters long, by their place, unless `lengths` are given.
    """
    kinds = [np.asarray(rows, np.float64) for rows in (images, texts) if len(rows)]
    rows = np.concatenate(kinds) if kinds else np.empty((0, 2))
    rows = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-300)
    ids = tuple(f"{i:07d}" for i in range(len(rows)))
    pairs = np.empty((0, 2), np.int64) if pairs is None else np.asarray(pairs)
    lengths = 20 + 37 * np.arange(len(texts)) % 101 if lengths is None else np.asarray(lengths)
    return Space(
        rows.astype(np.float32),
        ids,
        len(images),
        pairs,
        tuple(labels),
        text_lengths=lengths,
        encoder=encoder,
    )


def directions(n, d, seed=0):
    """(n, d) directions spread evenly."""
    x = np.random.default_rng(seed).standard_normal((n, d))
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def diagonal(n):
    """Image i belongs to text i."""
    return np.column_stack([np.arange(n), n + np.arange(n)])


def ball(n=300, d=32, seed=0):
    """Images and texts spread evenly, nothing belongs together."""
    x = directions(2 * n, d, seed)
    return space(x[:n], x[n:], diagonal(n))


def paired(n=300, d=32, agreement=0.8, seed=0):
    """Spread evenly; an image and its text have a cosine of about `agreement`."""
    x, noise = directions(n, d, seed), directions(n, d, seed + 1000)
    return space(x, agreement * x + np.sqrt(1 - agreement**2) * noise, diagonal(n))


def shuffled(n=300, d=32, seed=0):
    """`paired`, but every text belongs to the next image."""
    good = paired(n, d, seed=seed)
    return space(good.images, np.roll(good.texts, 1, axis=0), diagonal(n))


def gap(n=300, d=32, size=1.0, seed=0):
    """Images moved to one side and texts to the other before they are brought to length 1."""
    x = directions(2 * n, d, seed)
    x[:n, 0] += size
    x[n:, 0] -= size
    return space(x[:n], x[n:], diagonal(n))


def cone_rows(n, d, cosine, seed=0):
    """Rows at exactly this cosine with the first axis, spread evenly around it."""
    around = directions(n, d - 1, seed)
    return np.column_stack([np.full(n, cosine), np.sqrt(1 - cosine**2) * around])


def cone(n=300, d=32, cosine=0.9, seed=0):
    """A narrow cone of images and texts."""
    x = cone_rows(2 * n, d, cosine, seed)
    return space(x[:n], x[n:], diagonal(n))


def low_rank(n=300, d=32, rank=2, seed=0):
    """Spread evenly over the first few directions only."""
    x = np.zeros((2 * n, d))
    x[:, :rank] = directions(2 * n, rank, seed)
    return space(x[:n], x[n:], diagonal(n))


def one_hub(n=300, d=128, seed=0):
    """Texts and images lean one way; one item of each kind points exactly there."""
    x = cone_rows(2 * n, d, 0.8, seed)
    x[0] = x[n] = np.eye(d)[0]
    return space(x[:n], x[n:], diagonal(n))


def duplicated(n=300, d=32, share=0.5, seed=0):
    """`paired`, but a share of the images and texts are copies of others."""
    good = paired(n, d, seed=seed)
    copies = int(n * share) // 2
    images, texts = good.images.copy(), good.texts.copy()
    images[:copies] = images[copies : 2 * copies]
    texts[:copies] = texts[copies : 2 * copies]
    return space(images, texts, diagonal(n))


def patch(points, d=64, size=0.3):
    """Points of a flat shape laid on a small patch of the sphere: distances keep their ratios."""
    points = np.asarray(points, np.float64)
    rows = np.zeros((len(points), d))
    rows[:, 0] = 1
    rows[:, 1 : 1 + points.shape[1]] = size * (points - points.mean(axis=0))
    return space(rows)


def same(n=20, d=8):
    """All rows are one point."""
    return space(np.ones((n, d)), np.ones((n, d)), diagonal(n))


def labelled(given, count=3):
    """The same space; its images are labelled by where they lie along the second axis."""
    order = np.argsort(given.images[:, 1], kind="stable")
    part = np.empty(given.n_images, int)
    part[order] = np.arange(given.n_images) * count // given.n_images
    return with_labels(given, [f"label {i}" for i in part])


def with_labels(given, names):
    """The same space with one label for each image, or for each row; "" is none."""
    labels = [(name,) if name else () for name in names]
    labels += [()] * (given.n - len(labels))
    kinds = given.images, given.texts
    return space(*kinds, given.pairs, lengths=given.text_lengths, labels=labels)


def simplex(count, d):
    """(count, d) unit vectors at the widest equal angles: cosine -1 / (count - 1)."""
    rows = np.zeros((count, d))
    rows[:, :count] = np.eye(count) - 1 / count
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def clustered(centres, sizes, noise=0.3, seed=0, agreement=0.8):
    """Images around centres, one label each, and a text for each image near it."""
    centres = np.asarray(centres, np.float64)
    code = np.repeat(np.arange(len(centres)), sizes)
    n, d = len(code), centres.shape[1]
    around = np.broadcast_to(noise, len(centres))[code][:, None] * directions(n, d, seed)
    x = centres[code] + around
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    y = agreement * x + np.sqrt(1 - agreement**2) * directions(n, d, seed + 1000)
    return with_labels(space(x, y, diagonal(n)), [f"label {c:02}" for c in code])


def collapsed_class(n_each=60, count=5, d=32, seed=0):
    """Classes around random centres; all items of the first are one point."""
    noise = np.where(np.arange(count) == 0, 0.0, 1.0)
    return clustered(directions(count, d, seed), n_each, noise, seed + 1)


def imbalanced(d=32, seed=0):
    """Classes of 400, 200, 100, 50, 25 images."""
    return clustered(directions(5, d, seed), [400, 200, 100, 50, 25], 1.0, seed + 1)


def rotated(given, seed=0):
    """The same space seen from elsewhere."""
    q, _ = np.linalg.qr(np.random.default_rng(seed).standard_normal((given.d, given.d)))
    rows = given.vectors.astype(np.float64) @ q
    kinds = rows[: given.n_images], rows[given.n_images :]
    return space(*kinds, given.pairs, lengths=given.text_lengths, labels=given.labels)


def reordered(given, seed=0):
    """The same items under other ids, hence in another order; pairs go along."""
    rng = np.random.default_rng(seed)
    order = np.concatenate(
        [
            rng.permutation(given.n_images),
            given.n_images + rng.permutation(given.n - given.n_images),
        ]
    )
    place = np.argsort(order)
    rows = given.vectors[order]
    lengths = given.text_lengths[order[given.n_images :] - given.n_images]
    labels = [given.labels[i] for i in order] if given.labels else ()
    kinds = rows[: given.n_images], rows[given.n_images :]
    return space(*kinds, place[given.pairs], lengths=lengths, labels=labels)
