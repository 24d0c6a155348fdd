"""Vectors as values of compiled functions: one lane a row (or a quadrature node), in any number.

``Lanes`` hold numbers, ``Flags`` truth values. LLVM splits them into the processor's registers (AVX-512, AVX2, NEON), so one
source serves all; products and sums may be fused into one rounding (``contract``), and nothing else is relaxed.
Indices are positions in a flat array and are not checked.
"""

from __future__ import annotations

import operator
from typing import Any

from llvmlite import ir
from numba import types
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import lower_builtin, models, register_model

from perfml.treeshap.compiling import operation

FUSED = ("contract", "nsz")
_I32, _I64 = ir.IntType(32), ir.IntType(64)


class Lanes(types.Type):
    """Numbers side by side."""

    def __init__(self, dtype: Any, count: int) -> None:
        self.dtype, self.count = dtype, count
        super().__init__(name=f"Lanes({dtype} x {count})")

    @property
    def element(self) -> ir.Type:
        """LLVM's name of the number."""
        return ir.DoubleType() if self.dtype == types.float64 else ir.FloatType()

    @property
    def vector(self) -> ir.Type:
        """LLVM's name of the vector."""
        return ir.VectorType(self.element, self.count)


class Flags(types.Type):
    """Truth values side by side."""

    def __init__(self, count: int) -> None:
        self.count = count
        super().__init__(name=f"Flags({count})")

    @property
    def vector(self) -> ir.Type:
        """LLVM's name of the vector."""
        return ir.VectorType(ir.IntType(1), self.count)


def _in_registers(manager: Any, kind: Any) -> models.PrimitiveModel:
    return models.PrimitiveModel(manager, kind, kind.vector)


for _kind in (Lanes, Flags):
    register_model(_kind)(_in_registers)


def _splat(builder: Any, value: Any, count: int) -> Any:
    undefined = ir.Constant(ir.VectorType(value.type, count), ir.Undefined)
    first = builder.insert_element(undefined, value, ir.Constant(_I32, 0))
    return builder.shuffle_vector(first, undefined, ir.Constant(ir.VectorType(_I32, count), [0] * count))


def _address(context: Any, builder: Any, array: Any, value: Any, index: Any, vector: Any) -> Any:
    data = context.make_array(array)(context, builder, value).data
    return builder.bitcast(builder.gep(data, [index]), vector.as_pointer())


@operation
def lanes(typing: Any, value: Any, count: Any) -> Any:
    """``value`` in each of ``count`` lanes."""
    result = Lanes(value, count.literal_value)

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return _splat(builder, args[0], result.count)

    return result(value, count), code


@operation
def like(typing: Any, shape: Any, value: Any) -> Any:
    """``value`` in as many lanes as ``shape`` has, and in its precision."""

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return _splat(builder, context.cast(builder, args[1], value, shape.dtype), shape.count)

    return shape(shape, value), code


@operation
def count(typing: Any, shape: Any) -> Any:
    """The number of lanes."""

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return ir.Constant(_I64, shape.count)

    return types.int64(shape), code


@operation
def load(typing: Any, shape: Any, array: Any, index: Any) -> Any:
    """As many numbers of ``array`` as ``shape`` has lanes, from ``index`` on."""
    result = Lanes(array.dtype, shape.count)

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        loaded = builder.load(_address(context, builder, array, args[1], args[2], result.vector))
        loaded.align = array.dtype.bitwidth // 8
        return loaded

    return result(shape, array, types.int64), code


@operation
def at(typing: Any, array: Any, index: Any) -> Any:
    """One number of a flat array, without numba's check for negative indices."""

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        data = context.make_array(array)(context, builder, args[0]).data
        return builder.load(builder.gep(data, [args[1]]))

    return array.dtype(array, types.int64), code


@operation
def put(typing: Any, array: Any, index: Any, value: Any) -> Any:
    """Set one number of a flat array."""

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        data = context.make_array(array)(context, builder, args[0]).data
        builder.store(args[2], builder.gep(data, [args[1]]))
        return context.get_dummy_value()

    return types.void(array, types.int64, array.dtype), code


@operation
def store(typing: Any, array: Any, index: Any, value: Any) -> Any:
    """Write lanes into ``array`` from ``index`` on."""

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        written = builder.store(args[2], _address(context, builder, array, args[0], args[1], value.vector))
        written.align = array.dtype.bitwidth // 8
        return context.get_dummy_value()

    return types.void(array, types.int64, value), code


@operation
def flags(typing: Any, shape: Any, bits: Any) -> Any:
    """Bit ``i`` of ``bits`` as the truth of lane ``i``."""
    result = Flags(shape.count)

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        width = ir.IntType(shape.count)
        return builder.bitcast(builder.trunc(args[1], width) if shape.count < 64 else args[1], result.vector)

    return result(shape, types.uint64), code


def _number(context: Any, builder: Any, shape: Any, array: Any, value: Any, index: Any, offset: int) -> Any:
    data = context.make_array(array)(context, builder, value).data
    pointer = builder.gep(data, [builder.add(index, ir.Constant(_I64, offset))])
    return _splat(builder, builder.load(pointer), shape.count)


@operation
def spread(typing: Any, shape: Any, array: Any, index: Any) -> Any:
    """``array[index]`` in each lane."""

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return _number(context, builder, shape, array, args[1], args[2], 0)

    return shape(shape, array, types.int64), code


@operation
def of_two(typing: Any, shape: Any, array: Any, index: Any, near: Any) -> Any:
    """In each lane ``array[index]`` where ``near``, else the number after it."""

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        value, start, near_ = args[1:]
        first, second = (_number(context, builder, shape, array, value, start, state) for state in range(2))
        return builder.select(near_, first, second)

    return shape(shape, array, types.int64, near), code


@operation
def of_three(typing: Any, shape: Any, array: Any, index: Any, near: Any, far: Any) -> Any:
    """In each lane ``array[index]`` where ``near``, the number after it where ``far``, else the one after that."""

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        value, start, near_, far_ = args[1:]
        first, second, third = (_number(context, builder, shape, array, value, start, state) for state in range(3))
        return builder.select(near_, first, builder.select(far_, second, third))

    return shape(shape, array, types.int64, near, far), code


@operation
def where(typing: Any, truth: Any, yes: Any, no: Any) -> Any:
    """In each lane ``yes`` or ``no``."""

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.select(*args)

    return yes(truth, yes, no), code


def _comparison(instruction: str) -> Any:
    def at_most(typing: Any, left: Any, right: Any) -> Any:
        def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            truth = getattr(builder, instruction)("<=", args[0], args[1])
            bits = builder.bitcast(truth, ir.IntType(left.count))
            return builder.zext(bits, _I64) if left.count < 64 else bits

        return types.uint64(left, right), code

    return operation(at_most)


at_most = _comparison("fcmp_ordered")
"""Bit ``i``: lane ``i`` of the first is at most that of the second; NaN is not."""
at_most_or_nan = _comparison("fcmp_unordered")
"""Bit ``i``: lane ``i`` of the first is at most that of the second; NaN is."""


@operation
def total(typing: Any, value: Any) -> Any:
    """The sum of all lanes, by halves."""

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        vector, count = args[0], value.count
        while count > 1:
            count //= 2
            undefined = ir.Constant(vector.type, ir.Undefined)
            halves = [
                builder.shuffle_vector(vector, undefined, ir.Constant(ir.VectorType(_I32, count), list(span)))
                for span in (range(count), range(count, 2 * count))
            ]
            vector = builder.fadd(*halves)
        return builder.extract_element(vector, ir.Constant(_I32, 0))

    return value.dtype(value), code


@operation
def bits_set(typing: Any, word: Any) -> Any:
    """How many bits of a uint64 are set."""

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.ctpop(args[0])

    return types.int64(types.uint64), code


@operation
def lowest_bit(typing: Any, word: Any) -> Any:
    """The number of the lowest bit set in a uint64 that is not 0."""

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.cttz(args[0], ir.Constant(ir.IntType(1), 1))

    return types.int64(types.uint64), code


def _arithmetic(sign: Any, instruction: str) -> None:
    @infer_global(sign)
    class _Typed(AbstractTemplate):
        def generic(self, args: Any, kws: Any) -> Any:
            if len(args) == 2 and isinstance(args[0], Lanes) and args[0] == args[1]:
                return signature(args[0], *args)
            return None

    def written(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return getattr(builder, instruction)(*args, flags=FUSED)

    lower_builtin(sign, Lanes, Lanes)(written)


_arithmetic(operator.add, "fadd")
_arithmetic(operator.sub, "fsub")
_arithmetic(operator.mul, "fmul")
