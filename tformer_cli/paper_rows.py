"""The rows of the paper's tables that have sizes: what it prints, and how each model is built or was counted here."""

import dataclasses
from typing import Any


@dataclasses.dataclass(frozen=True)
class Row:
    """One line of a table.

    Attributes:
        table, label: as the paper has them.
        model: a key of VARIANTS or RESNETS, "RetinaNet" or "SemanticFPN"; None for a peer that this package does not
            build, see `COUNTED`.
        overrides: fields of the configuration.
        paper_parameters, paper_macs: millions, and 10⁹, as printed; "–": not printed there.
        scores: per cent, as the paper prints them, each under its heading in `MEASURES`.
    """

    table: str
    label: str
    model: str | None
    overrides: dict[str, Any] = dataclasses.field(default_factory=dict)
    paper_parameters: str = "–"
    paper_macs: str = "–"
    scores: tuple[str, ...] = ()


SHAPES = "Models (paper, Table 1)"
FFN = "FFN of TFormer-S (paper, Table 3)"
CLASSIFICATION = "Classification on ImageNet (paper, Table 5)"
# MMDetection and MMSegmentation count at these sizes too; the paper prints no operations.
DETECTION = "RetinaNet on COCO, at 800×1280 (paper, Table 6)"
SEGMENTATION = "Semantic FPN on ADE20K, at 512×512 (paper, Table 7)"
TOP = {"top-1": "top1", "top-5": "top5"}
# The headings of a table's scores, and their names in JSON.
MEASURES = {
    DETECTION: {
        "AP": "ap",
        "AP50": "ap50",
        "AP75": "ap75",
        "AP S": "ap_small",
        "AP M": "ap_medium",
        "AP L": "ap_large",
    },
    SEGMENTATION: {"mIoU": "miou"},
}
STANDARD, GHOST = {"ffn": "standard"}, {"ffn": "ghost"}
ROWS = (
    Row(SHAPES, "TFormer-S, layers 2-2-6-2", "tformer_s", {}, "8", "1.2"),
    Row(SHAPES, "TFormer-M, layers 4-4-12-4", "tformer_m", {}, "14", "2.2"),
    Row(SHAPES, "TFormer-L, layers 6-6-18-6", "tformer_l", {}, "20", "3.2"),
    Row(FFN, "standard r=1", "tformer_s", {**STANDARD, "expansion": 1}, "6.0", "0.83", ("70.8",)),
    Row(FFN, "Ghost, ratio 4", "tformer_s", {**GHOST, "ghost_ratio": 4}, "6.2", "0.87", ("71.8",)),
    Row(FFN, "PCS r=4 g=4", "tformer_s", {"groups": 4}, "6.0", "0.83", ("73.2",)),
    Row(FFN, "standard r=2", "tformer_s", {**STANDARD, "expansion": 2}, "8.4", "1.2", ("75.0",)),
    Row(FFN, "Ghost, ratio 2", "tformer_s", {**GHOST, "ghost_ratio": 2}, "8.5", "1.3", ("75.5",)),
    Row(FFN, "PCS r=4 g=2", "tformer_s", {}, "8.4", "1.2", ("76.1",)),
    Row(FFN, "standard r=4 (= PCS g=1)", "tformer_s", {"groups": 1}, "13", "2.0", ("78.4",)),
    Row(CLASSIFICATION, "ResNet-18", "resnet18", {}, "12", "1.8", ("70.6", "89.6")),
    Row(CLASSIFICATION, "PVT-Tiny", None, {}, "13", "1.9", ("75.1", "92.4")),
    Row(CLASSIFICATION, "ResMLP-S12", None, {}, "15", "3.0", ("76.6", "93.2")),
    Row(CLASSIFICATION, "TFormer-S", "tformer_s", {}, "8.4", "1.2", ("76.1", "92.9")),
    Row(CLASSIFICATION, "DeiT-S (0.3-12)", None, {}, "15", "3.1", ("78.6", "94.4")),
    Row(CLASSIFICATION, "Swin-Mixer-T/D24", None, {}, "20", "4.0", ("79.4", "94.6")),
    Row(CLASSIFICATION, "ResNet-50", "resnet50", {}, "26", "4.1", ("79.8", "94.5")),
    Row(CLASSIFICATION, "DeiT-S", None, {}, "22", "4.6", ("79.8", "95.0")),
    Row(CLASSIFICATION, "PVT-Small", None, {}, "25", "3.8", ("79.8", "95.0")),
    Row(CLASSIFICATION, "TFormer-M", "tformer_m", {}, "14", "2.2", ("79.7", "94.8")),
    Row(CLASSIFICATION, "ResMLP-S24", None, {}, "30", "6.0", ("79.4", "–")),
    Row(CLASSIFICATION, "Swin-Mixer-T/D6", None, {}, "23", "4.0", ("79.7", "94.9")),
    Row(CLASSIFICATION, "PoolFormer-S24", "poolformer_s24", {}, "21", "3.6", ("80.3", "95.0")),
    Row(CLASSIFICATION, "TFormer-L", "tformer_l", {}, "20", "3.2", ("80.6", "95.4")),
    Row(DETECTION, "ResNet-18", None, {}, "21", scores=("31.8", "49.6", "33.6", "16.3", "34.3", "43.2")),
    Row(
        DETECTION,
        "PoolFormer-S12",
        "RetinaNet",
        {"backbone": "poolformer_s12"},
        "22",
        scores=("36.2", "56.2", "38.2", "20.8", "39.1", "48.0"),
    ),
    Row(
        DETECTION,
        "TFormer-S",
        "RetinaNet",
        {"backbone": "tformer_s"},
        "18",
        scores=("37.1", "56.9", "39.5", "20.8", "40.2", "49.7"),
    ),
    Row(DETECTION, "ResNet-50", None, {}, "38", scores=("36.3", "55.3", "38.6", "19.3", "40.0", "48.8")),
    Row(
        DETECTION,
        "PoolFormer-S24",
        "RetinaNet",
        {"backbone": "poolformer_s24"},
        "31",
        scores=("38.9", "59.7", "41.3", "23.3", "42.1", "51.8"),
    ),
    Row(
        DETECTION,
        "TFormer-M",
        "RetinaNet",
        {"backbone": "tformer_m"},
        "24",
        scores=("39.7", "59.9", "42.4", "23.8", "43.3", "52.9"),
    ),
    Row(DETECTION, "ResNet-101", None, {}, "57", scores=("38.5", "57.8", "41.2", "21.4", "42.6", "51.1")),
    Row(DETECTION, "PoolFormer-S36", None, {}, "41", scores=("39.5", "60.5", "41.8", "22.5", "42.9", "52.4")),
    Row(
        DETECTION,
        "TFormer-L",
        "RetinaNet",
        {"backbone": "tformer_l"},
        "30",
        scores=("41.2", "61.7", "43.9", "24.2", "44.5", "55.6"),
    ),
    Row(SEGMENTATION, "ResNet-18", None, {}, "16", scores=("32.9",)),
    Row(SEGMENTATION, "PVT-Tiny", None, {}, "17", scores=("35.7",)),
    Row(
        SEGMENTATION, "PoolFormer-S12", "SemanticFPN", {"backbone": "poolformer_s12"}, "16", scores=("37.2",)
    ),
    Row(SEGMENTATION, "TFormer-S", "SemanticFPN", {"backbone": "tformer_s"}, "12", scores=("37.3",)),
    Row(SEGMENTATION, "ResNet-50", None, {}, "29", scores=("36.7",)),
    Row(SEGMENTATION, "PVT-Small", None, {}, "28", scores=("39.8",)),
    Row(
        SEGMENTATION, "PoolFormer-S24", "SemanticFPN", {"backbone": "poolformer_s24"}, "23", scores=("40.3",)
    ),
    Row(SEGMENTATION, "TFormer-M", "SemanticFPN", {"backbone": "tformer_m"}, "18", scores=("40.8",)),
    Row(SEGMENTATION, "ResNet-101", None, {}, "48", scores=("38.8",)),
    Row(SEGMENTATION, "PVT-Medium", None, {}, "48", scores=("41.6",)),
    Row(SEGMENTATION, "PoolFormer-S36", None, {}, "35", scores=("42.0",)),
    Row(SEGMENTATION, "TFormer-L", "SemanticFPN", {"backbone": "tformer_l"}, "24", scores=("41.8",)),
    Row("Not in the paper's tables", "PoolFormer-S12", "poolformer_s12"),
)
# Parameters and multiply-accumulates of the peers that this package does not build, as `python -m benchmarks.peers`
# builds and counts them (Swin-Mixer at 256×256); nobody can build "DeiT-S (0.3-12)".
COUNTED: dict[tuple[str, str], tuple[int, int]] = {
    (CLASSIFICATION, "PVT-Tiny"): (13_229_288, 1_932_911_616),
    (CLASSIFICATION, "ResMLP-S12"): (15_350_872, 3_009_739_776),
    (CLASSIFICATION, "Swin-Mixer-T/D24"): (20_386_632, 4_026_906_624),
    (CLASSIFICATION, "DeiT-S"): (22_050_664, 4_598_882_304),
    (CLASSIFICATION, "PVT-Small"): (24_485_864, 3_815_701_504),
    (CLASSIFICATION, "ResMLP-S24"): (30_020_680, 5_961_292_800),
    (CLASSIFICATION, "Swin-Mixer-T/D6"): (22_682_952, 4_026_906_624),
    (DETECTION, "ResNet-18"): (21_410_100, 188_463_933_440),
    (DETECTION, "ResNet-50"): (37_968_692, 238_536_058_880),
    (DETECTION, "ResNet-101"): (56_960_820, 314_295_674_880),
    (DETECTION, "PoolFormer-S36"): (40_598_708, 252_980_029_440),
    (SEGMENTATION, "ResNet-18"): (15_426_774, 30_903_631_872),
    (SEGMENTATION, "PVT-Tiny"): (16_980_886, 33_189_527_552),
    (SEGMENTATION, "ResNet-50"): (28_495_574, 44_291_850_240),
    (SEGMENTATION, "PVT-Small"): (28_237_462, 44_474_302_464),
    (SEGMENTATION, "ResNet-101"): (47_487_702, 63_686_311_936),
    (SEGMENTATION, "PVT-Medium"): (47_959_702, 60_957_917_184),
    (SEGMENTATION, "PoolFormer-S36"): (34_615_382, 47_419_752_448),
}
