"""A flatbuffer builder that writes equal vectors and equal tables once, and every table as small as it can be."""

from typing import Any

import flatbuffers
import numpy as np
from flatbuffers import number_types
from numpy.typing import NDArray

BUFFER_ALIGNMENT = 16  # of the bytes of a buffer, as the TFLite schema's force_align asks for


class SharingBuilder(flatbuffers.Builder):
    """Takes the calls that flatc's generated Python code makes, and shares what is equal.

    A flatbuffer is a graph of offsets, so two tables may point at one vector and two vectors of offsets at one
    table; readers cannot tell. Children are written before what points at them. So two tables are equal when
    their fields are, an offset to an equal child being an equal number.

    Fields of a table are held back until its end and written from the largest type to the smallest, as flatc's C++
    code does. In the order of the schema, where the generated Python code asks for them, padding would stand between.
    """

    def __init__(self) -> None:
        super().__init__(1 << 16)
        self._vectors: dict[tuple[int, bool, bytes], int] = {}
        self._tables: dict[tuple[tuple[int, Any, Any], ...], int] = {}
        self._fields: list[tuple[int, Any, Any]] = []
        self._slots = 0

    def CreateNumpyVector(self, x: NDArray[Any]) -> int:
        """Writes a vector, or returns the offset of an equal one. Vectors of bytes are aligned to 16."""
        key = (x.itemsize, x.dtype == np.uint8, x.tobytes())
        if key not in self._vectors:
            if x.dtype == np.uint8:
                # The generated code knows nothing of force_align.
                self.Prep(BUFFER_ALIGNMENT, x.nbytes)
            self._vectors[key] = super().CreateNumpyVector(x)
        return self._vectors[key]

    def StartObject(self, numfields: int) -> None:
        """Begins a table."""
        super().StartObject(numfields)
        self._slots = numfields
        self._fields = []

    def PrependSlot(self, flags: Any, o: int, x: Any, d: Any) -> None:
        """Keeps the scalar field `o` of value `x`, unless it is the default `d`."""
        if x != d:
            self._fields.append((o, flags, x))

    def PrependUOffsetTRelativeSlot(self, o: int, x: int, d: int) -> None:
        """Keeps the field `o` that points at what stands at offset `x`."""
        if x != d:
            self._fields.append((o, None, x))

    def PrependStructSlot(self, v: int, x: int, d: int) -> None:
        """The TFLite schema has no structs, and one could not be held back."""
        raise NotImplementedError("Expected a schema without structs.")

    def EndObject(self) -> int:
        """Writes the table, or returns the offset of an equal one."""
        key = tuple(self._fields)
        if key in self._tables:
            self.nested = False
            self.current_vtable = None
            return self._tables[key]
        # Built backwards: what is written first ends up last, so the smallest go first.
        for slot, flags, value in sorted(self._fields, key=lambda field: (_width(field[1]), -field[0])):
            if flags is None:
                super().PrependUOffsetTRelativeSlot(slot, value, 0)
            else:
                super().Prepend(flags, value)
                super().Slot(slot)
        self._tables[key] = super().EndObject()
        return self._tables[key]


def _width(flags: Any) -> int:
    return int((flags or number_types.UOffsetTFlags).bytewidth)
