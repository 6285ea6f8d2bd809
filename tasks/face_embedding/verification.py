"""Same person or not: figures of distances between pairs.

Distances are squared ones of embeddings of length 1, from 0 to 4 (FaceNet, section 3).
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

# Of the distance at which a face is still given a name: it has as many chances to be taken for
# somebody as people are known, so the distance that tells most pairs rightly names most strangers.
NAMING_FAR = 1e-3

MAX_PHOTOS = 2000  # whose distances are compared: two million tell a rate of one in 100,000


class Accuracy(NamedTuple):
    """Accuracy by fold, and the threshold that each was scored with."""

    by_fold: np.ndarray
    thresholds: np.ndarray


class Roc(NamedTuple):
    """Shares accepted at each threshold, which rise with it.

    Attributes:
        thresholds: The distances that there are, and -1 in front, which accepts nothing.
        true: Share of the pairs of one person that are accepted (TAR, "VAL" in FaceNet).
        false: Share of the others (FAR).
    """

    thresholds: np.ndarray
    true: np.ndarray
    false: np.ndarray


def best_threshold(distances: np.ndarray, same: np.ndarray) -> float:
    """The threshold that tells most pairs rightly; the middle one where several do.

    Candidates lie halfway between neighbouring distances, and beyond both ends.

    Args:
        distances: ``(P,)``.
        same: ``(P,)``.
    """
    order = np.argsort(distances, kind="stable")
    ordered, is_same = distances[order], same[order]
    gains = np.cumsum(np.where(is_same, 1, -1))  # right ones more than if all are refused
    right = np.concatenate([[0], gains])
    between = np.concatenate(
        [[ordered[0] - 1], (ordered[:-1] + ordered[1:]) / 2, [ordered[-1] + 1]]
    )
    # no threshold parts equal distances
    possible = np.concatenate([[True], np.diff(ordered) > 0, [True]])
    right, between = right[possible], between[possible]
    best = np.flatnonzero(right == right.max())
    return float(between[best[len(best) // 2]])


def cross_validated(distances: np.ndarray, same: np.ndarray, fold: np.ndarray) -> Accuracy:
    """Accuracy of each fold with the threshold fitted on all others (LFW's protocol).

    A single fold is scored with the threshold fitted on itself, for want of others.

    Args:
        distances: ``(P,)``.
        same: ``(P,)``.
        fold: ``(P,)``, from 0.
    """
    numbers = np.unique(fold)
    accuracies, thresholds = [], []
    for number in numbers:
        tested = fold == number
        fitted = ~tested if len(numbers) > 1 else tested
        threshold = best_threshold(distances[fitted], same[fitted])
        accuracies.append(np.mean((distances[tested] < threshold) == same[tested]))
        thresholds.append(threshold)
    return Accuracy(np.array(accuracies), np.array(thresholds))


def roc(distances: np.ndarray, same: np.ndarray) -> Roc:
    """Shares of both kinds of pairs with at most each distance."""
    thresholds = np.concatenate([[-1.0], np.unique(distances)])
    true, false = (
        np.searchsorted(np.sort(distances[kind]), thresholds, side="right") / max(kind.sum(), 1)
        for kind in (same, ~same)
    )
    return Roc(thresholds, true, false)


def tar_at_far(curve: Roc, far: float) -> float:
    """The largest share of true pairs accepted while no more than ``far`` of the false ones are.

    With fewer than ``1 / far`` false pairs, none of these may be accepted: then the figure says no
    more than one at the smallest rate that the pairs can tell, and it is noisy.
    """
    return float(curve.true[curve.false <= far].max())


def stranger_distances(embeddings: np.ndarray, people: Sequence[str | int]) -> np.ndarray:
    """Distances between all photos of different people, not only those that pairs name.

    Args:
        embeddings: Of length 1, ``(N, D)``; of more than ``MAX_PHOTOS`` some, evenly taken.
        people: Whose each is, ``(N,)``.
    """
    step = -(-len(embeddings) // MAX_PHOTOS) or 1
    points, names = embeddings[::step], np.array(people)[::step]
    first, second = np.triu_indices(len(points), k=1)
    strangers = names[first] != names[second]
    lengths = np.square(points).sum(1)  # nearly 1, in float32
    squared = lengths[:, None] + lengths - 2 * points @ points.T
    return np.maximum(squared[first[strangers], second[strangers]], 0)


def distance_at_far(strangers: np.ndarray, far: float) -> float:
    """The distance that no more than a share of two people's photos are nearer than; 0 without any.

    >>> distance_at_far(np.array([0.5, 0.9, 1.2, 1.4]), 0.4)
    0.9
    """
    return float(np.quantile(strangers, far, method="lower")) if len(strangers) else 0.0
