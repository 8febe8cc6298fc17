"""Which answers a segmenter's judge keeps, whole and merged, and that the sheet shows them."""

import numpy as np

from tformer_edge.output_json import Output
from tformer_edge.preprocessing import Preprocessing
from tformer_keras.data.dataset import ImageSplit
from tformer_keras.data.placement import Placement
from tformer_keras.tasks.annotations import UNLABELLED, MaskAnnotation
from tformer_keras.tasks.segmentation import Segmentation
from tformer_keras.tasks.segmentation_judge import SegmentationJudge
from tformer_keras.tasks.sheet import SHOWN, Evaluated

NAMES = ("a", "b", "c")
COUNT = SHOWN + 5
SIZE = (16, 24)
TASK = Segmentation((Output("x", "class_logits", 4),), SIZE)
RANDOM = np.random.default_rng(5)
# Of two sizes; the input's shape differs, so that "shorter" leaves their borders out. The last has no labelled pixel.
MASKS = [RANDOM.integers(-1, 3, ((32, 60), (30, 50))[n % 2]).astype(np.int32) for n in range(COUNT)]
MASKS[-1][:] = UNLABELLED
LOGITS = RANDOM.normal(size=(COUNT, 4, 6, 3)).astype(np.float32)


def split() -> ImageSplit:
    annotations = [MaskAnnotation(mask.shape, lambda mask=mask: mask) for mask in MASKS]  # type: ignore[misc]
    return ImageSplit(
        tuple(map(str, range(COUNT))), annotations, lambda n: np.full((*MASKS[n].shape, 3), 10 * n, np.uint8)
    )


def judge_of(rows: slice) -> SegmentationJudge:
    data, rule = split(), Preprocessing(SIZE, "shorter")
    judging = TASK.judging(data)
    numbers = range(COUNT)[rows]
    annotations = [data.annotation(number) for number in numbers]
    truth = judging.encode(annotations, [Placement(rule.seen(*one.size)) for one in annotations], SIZE, 3)
    judge = judging.judge(NAMES, "logits")
    judge.add([LOGITS[rows]], truth, np.ones(len(numbers)))
    return judge


def test_the_worst_are_kept_and_judges_are_merged() -> None:
    worst = judge_of(slice(None)).result().worst
    alone = [judge_of(slice(n, n + 1)).result().figures["miou"].value for n in range(COUNT - 1)]
    order = sorted(range(COUNT - 1), key=lambda n: (alone[n], n))[:SHOWN]
    assert [one.number for one in worst] == order
    assert [one.quality for one in worst] == [alone[n] for n in order]
    for one in worst:
        height, width = MASKS[one.number].shape
        _, left, _, wide = Preprocessing(SIZE, "shorter").frame((height, width)).seen()
        assert left > 0 and one.classes.shape == (32, 60)
        assert (one.classes[:height, left : left + wide] >= 0).all()
        assert (one.classes[:, :left] == UNLABELLED).all() and (one.classes[height:] == UNLABELLED).all()
    merged = TASK.judge(NAMES, "logits")
    for rows in (slice(0, 3), slice(3, 4), slice(4, COUNT)):
        merged.merge(judge_of(rows).state())
    for one, other in zip(worst, merged.result().worst, strict=True):
        assert (one.quality, one.number) == (other.quality, other.number)
        np.testing.assert_array_equal(one.classes, other.classes)


def test_the_sheet_reads_the_kept_images_by_the_judges_order() -> None:
    result = judge_of(slice(None)).result()
    order = np.roll(np.arange(COUNT), 4)  # as if the judge had got them in another order than the split's
    data, read = split(), []

    def pixels(index: int) -> np.ndarray:
        read.append(index)
        number = int(np.flatnonzero(order == index)[0])
        return np.zeros((*MASKS[number].shape, 3), np.uint8)

    annotations = [data.annotation(int(np.flatnonzero(order == index)[0])) for index in range(COUNT)]
    shown = Evaluated(ImageSplit(data.names, annotations, pixels), order)
    drawn = result.pictures(shown)
    assert read == order[[one.number for one in result.worst]].tolist()
    assert drawn["worst.png"][:4] == b"\x89PNG" and "worst.png" not in result.pictures()
