"""Width of the vectors that LLVM uses on this processor, read from the machine code it writes."""

from __future__ import annotations

import re
from functools import cache

import numba
from llvmlite import binding, ir

REGISTERS = ((512, r"\bzmm\d"), (256, r"\bymm\d"), (128, r"\bxmm\d|\bv\d+\.2d|\bq\d"))
"""Bits, and the names of registers that wide: AVX-512, AVX2, and SSE or NEON."""


@cache
def vector_bits() -> int:
    """512 (AVX-512), 256 (AVX2), 128 (SSE, NEON) or 64 (none, or numba does not say).

    It is that of the widest register in a product of eight float64, compiled for the processor as numba sees it
    (``NUMBA_CPU_NAME`` and ``NUMBA_CPU_FEATURES`` included).
    """
    try:  # internals of numba, which change without notice
        codegen = numba.core.registry.cpu_target.target_context.codegen()
        machine = codegen._tm
    except AttributeError:
        return 64
    eight = ir.VectorType(ir.DoubleType(), 8)
    module = ir.Module(name="width")
    module.triple = binding.get_process_triple()
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), [eight.as_pointer()]), name="square")
    builder = ir.IRBuilder(function.append_basic_block())
    value = builder.load(function.args[0])
    builder.store(builder.fmul(value, value), function.args[0])
    builder.ret_void()
    assembly = machine.emit_assembly(binding.parse_assembly(str(module)))
    return next((bits for bits, name in REGISTERS if re.search(name, assembly)), 64)


def block_rows(bits: int, itemsize: int) -> int:
    """Rows of a block: four vectors a value with 32 registers (AVX-512, NEON), two with 16 (AVX2).

    More would not fit into the registers beside the sums, fewer would not hide the latency of an addition. At least 8, at
    most 64.
    """
    lanes = bits // (8 * itemsize)
    return min(64, max(8, lanes * (2 if bits == 256 else 4)))
