"""Which boxes are right, and which images a detector's sheet shows, in which order."""

import io

import numpy as np
from PIL import Image

from tformer_edge.palette import colour
from tformer_keras.data.dataset import ImageSplit
from tformer_keras.tasks.detection_evaluation import evaluate_boxes
from tformer_keras.tasks.detection_sheet import match
from tformer_keras.tasks.sheet import SHOWN, Evaluated

NAMES = ("a", "b")


def test_each_thing_is_found_once_by_a_box_of_its_class_and_crowds_do_not_count() -> None:
    things = np.array(
        [
            [1, 0, 0, 1, 0, 0, 10, 10],
            [1, 1, 0, 1, 20, 0, 30, 10],
            [1, 0, 1, 1, 0, 20, 40, 40],  # a crowd
        ],
        float,
    )
    found = np.array(
        [
            [1, 0, 0.9, 0, 0, 10, 9],  # right
            [1, 0, 0.8, 0, 0, 10, 10],  # the same thing again: wrong, though it fits better
            [1, 0, 0.7, 20, 0, 30, 10],  # another class: wrong
            [1, 0, 0.6, 2, 22, 8, 28],  # in the crowd
            [1, 1, 0.5, 2, 22, 8, 28],  # of another class than the crowd: wrong
            [1, 1, 0.3, 20, 0, 30, 10],  # not above the score
        ],
        float,
    )
    empty, one, last = match(found, things, 3, score=0.3, same=0.5)
    assert one.right.tolist() == [True, False, False, False, False]
    assert one.ignored.tolist() == [False, False, False, True, False]
    assert one.found.tolist() == [True, False, False] and (one.wrong, one.missed) == (3, 1)
    assert one.quality == 2 / (2 + 3 + 1)
    assert empty.quality == last.quality == 1 and not len(empty.boxes)


def test_the_sheet_reads_the_worst_images_in_the_judges_order() -> None:
    """Image n has n + 1 things, of which all but `missed` are found; the split holds them in another order."""
    missed = (0, 2, 0, 4, 1, 0, 6, 3, 0, 5)
    images = len(missed)
    things, found = [], []
    for number, count in enumerate(missed):
        for thing in range(number + 1):
            row = [10 * thing, 0, 10 * thing + 8, 8]
            things.append([number, 0, 0, 64, *row])
            if thing >= count:
                found.append([number, 0, 0.9, *row])
    result = evaluate_boxes(
        NAMES, np.array(found, float), np.array(things, float), np.full((images, 2), 100.0)
    )
    order = np.random.default_rng(1).permutation(images)
    read: list[int] = []

    def pixels(index: int) -> np.ndarray:
        read.append(index)
        return np.full((60, 100, 3), 255, np.uint8)

    split = ImageSplit(tuple(map(str, range(images))), [None] * images, pixels)
    drawn = result.pictures(Evaluated(split, order))
    share = [2 * (n + 1 - miss) / (2 * (n + 1) - miss) for n, miss in enumerate(missed)]
    expected = sorted(range(images), key=lambda n: (share[n], -missed[n], n))[:SHOWN]
    assert read == order[expected].tolist()
    assert set(drawn) == {"worst.png", "confusion.png", "precision_recall.png"}
    picture = np.asarray(Image.open(io.BytesIO(drawn["worst.png"])).convert("RGB"))
    assert (picture == colour(0)).all(axis=-1).any() and not (picture == colour(1)).all(axis=-1).any()
    assert "worst.png" not in result.pictures()
