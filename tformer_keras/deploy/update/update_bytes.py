"""What an update costs on its way: the file that it makes, proved to keep the deployed one's layout, and the delta."""

from dataclasses import dataclass
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from tformer_edge.errors import Failure
from tformer_edge.update.recomputed_golden import smallest_delta
from tformer_keras.deploy.conversion import Conversion, convert, usual_names
from tformer_keras.deploy.graph.lower import Lowered
from tformer_keras.deploy.graph_source import GraphSource
from tformer_keras.deploy.int8.quantized_model import QuantizedModel
from tformer_keras.deploy.model_conversion import file_of
from tformer_keras.deploy.tflite.metadata import NOTHING_SAID, About, read_metadata
from tformer_keras.deploy.tflite.pack import pack
from tformer_keras.deploy.tflite.tensor_names import Names, names_of


@dataclass(frozen=True)
class Cost:
    """An update in bytes.

    Attributes:
        moved: numbers in constants of the flatbuffer that differ: int8 weights, int32 biases.
        delta: bytes of the delta of whole files, contract included.
        file: the new file.
    """

    moved: int
    delta: int
    file: bytes


@dataclass(frozen=True)
class Dress:
    """What a file has beside its model, which an update must have too: how tensors are called; metadata.

    Attributes:
        names: of tensors; None: as `convert` calls them.
        metadata: for `file_of`.
    """

    names: Names | None = None
    metadata: About | None = NOTHING_SAID

    def convert(self, graph: Lowered | QuantizedModel) -> Conversion:
        """The graph, its tensors called as in the file."""
        return convert(graph, names=self.names)

    def arguments(self, target: str) -> str:
        """What `tformer convert` must be told, with a space before it, where it would do otherwise by itself."""
        usual = usual_names(target)
        names = "" if self.names in (None, usual) else f" --names {self.names}"
        return names + (" --no-metadata" if self.metadata is None and target == "litert" else "")


def dress_of(flatbuffer: bytes) -> Dress:
    """Of a deployed file; of metadata no more is kept than that there are some."""
    model = schema.ModelT.InitFromPackedBuf(flatbuffer)
    return Dress(names_of(model), None if read_metadata(flatbuffer) is None else NOTHING_SAID)


def cost(source: GraphSource, deployed: bytes, flatbuffer: bytes, dress: Dress) -> Cost:
    """What the graph of `source`, with its weights as they are now, costs a device.

    Args:
        deployed: the file that the device has.
        flatbuffer: what of it is the model, without metadata.
        dress: of that file.

    Raises:
        Failure: the new file has another layout, or other scales, than the deployed one.
    """
    conversion = dress.convert(source.graph)
    moved = moved_constants(flatbuffer, conversion.flatbuffer)
    file = file_of(source, conversion, metadata=dress.metadata).to_bytes()
    return Cost(moved, smallest_delta(deployed, file), file)


def moved_constants(before: bytes, after: bytes) -> int:
    """How many numbers in constants differ between two flatbuffers. Raises Failure where anything else does."""
    (bones, constants), (other_bones, other_constants) = _taken_apart(before), _taken_apart(after)
    if bones != other_bones or [one.shape for one in constants] != [one.shape for one in other_constants]:
        raise Failure(
            "the update has another graph, other scales or another layout than the deployed file; "
            "please open an issue"
        )
    return sum(
        int(np.count_nonzero(one != other)) for one, other in zip(constants, other_constants, strict=True)
    )


def _taken_apart(flatbuffer: bytes) -> tuple[bytes, list[NDArray[Any]]]:
    """(the flatbuffer without what its constants hold, the constants by buffer: int32 ones as such, else bytes)."""
    # Without metadata, which have the model's name.
    model = schema.ModelT.InitFromPackedBuf(pack(flatbuffer, "full").flatbuffer)
    types = {tensor.buffer: tensor.type for graph in model.subgraphs for tensor in graph.tensors}
    constants = []
    for number, buffer in enumerate(model.buffers):
        data = np.zeros(0, np.uint8) if buffer.data is None else np.asarray(buffer.data, np.uint8)
        constants.append(data.view("<i4") if types.get(number) == schema.TensorType.INT32 else data)
        buffer.data = None
    builder = flatbuffers.Builder(1 << 16)
    builder.Finish(model.Pack(builder))
    return bytes(builder.Output()), constants
