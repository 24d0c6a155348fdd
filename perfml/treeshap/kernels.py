"""Kernels that run a program on a block of rows: one row a lane, the quadrature nodes of an operation one after another.

A block's polynomials lie in ``stack`` as [slot, quadrature node, row], its contributions in ``out`` as [row of the result, row].
The loop over blocks is inside the one over trees, so that a tree's numbers stay in the nearest cache for a whole chunk.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from perfml.arrays import Floats
from perfml.treeshap.compiling import compiled
from perfml.treeshap.decisions import BitMasks, mark_categories, mark_states
from perfml.treeshap.program import DOWN_ONE, DOWN_TWO, OPERATION, REPEATED, TWO_LEAVES, UP_ONE, UP_TWO, Program
from perfml.treeshap.simd import at, flags, lanes, like, load, of_three, of_two, spread, store, where

BlockKernel = Callable[[Program, Floats, int, int, Any, Any, BitMasks, BitMasks], None]


@cache
def block_kernel(width: int) -> BlockKernel:
    """A kernel for blocks of ``width`` rows: ``(program, values, stride, blocks, stack, out, states, present)``.

    ``values`` (features, stride) and ``out`` (results, stride) are flat, of ``stride`` rows, of which the
    first ``blocks`` blocks count.
    """

    def contribute(
        program: Program,
        values: Floats,
        stride: int,
        blocks: int,
        stack: Any,
        out: Any,
        states: BitMasks,
        present: BitMasks,
    ) -> None:
        mark_categories(program.decisions, values, stride, blocks, width, present)
        shape = lanes(0.0, width)
        unit = lanes(stack[0], width)
        unit, zero = like(unit, 1.0), like(unit, 0.0)
        numbers, operations = program.numbers, program.operations.reshape(-1)
        for tree in range(len(program.trees)):
            node, node_end, begin, end, quadrature, rule = program.trees[tree]
            slot_size = quadrature * width
            mark_states(program.decisions, node, node_end, values, stride, blocks, shape, present, states)
            for block in range(blocks):
                at_row = block * width
                for q in range(quadrature):
                    store(stack, q * width, unit)
                for which in range(begin, end):
                    op = which * OPERATION
                    kind, side = at(operations, op), 2 * np.int64(at(operations, op + 1)) * blocks + block
                    near = flags(zero, at(states, side))
                    own, child = np.int64(at(operations, op + 2)) * width, np.int64(at(operations, op + 3)) * width
                    c, result = np.int64(at(operations, op + 4)), np.int64(at(operations, op + 5)) * stride + at_row
                    if kind == TWO_LEAVES:
                        if_near, if_far = zero, zero
                        for q in range(0, slot_size, width):
                            path = load(zero, stack, own + q)
                            store(stack, own + q, path * of_two(zero, numbers, c, near))
                            if_near = if_near + path * spread(zero, numbers, c + 2)
                            if_far = if_far + path * spread(zero, numbers, c + 3)
                            c += 4
                        store(out, result, load(zero, out, result) + where(near, if_near, if_far))
                    elif kind == DOWN_ONE:
                        for q in range(0, slot_size, width):
                            path = load(zero, stack, own + q)
                            store(stack, child + q, path * of_two(zero, numbers, c, near))
                            c += 2
                    elif kind == DOWN_TWO:
                        for q in range(0, slot_size, width):
                            path = load(zero, stack, own + q)
                            store(stack, child + q, path * of_two(zero, numbers, c, near))
                            store(stack, own + q, path * of_two(zero, numbers, c + 2, near))
                            c += 4
                    elif kind == UP_ONE:
                        if_near, if_far, common = zero, zero, zero
                        r = rule
                        for q in range(0, slot_size, width):
                            path, below = load(zero, stack, own + q), load(zero, stack, child + q)
                            both = below + path * of_two(zero, numbers, c, near)
                            store(stack, own + q, both)
                            if_near = if_near + below * spread(zero, numbers, c + 2)
                            if_far = if_far + path * spread(zero, numbers, c + 3)
                            common = common + both * spread(zero, numbers, r)
                            c += 4
                            r += 1
                        store(out, result, load(zero, out, result) + (where(near, if_near, if_far) + common))
                    elif kind == UP_TWO:
                        if_near, if_far, common = zero, zero, zero
                        r = rule
                        for q in range(0, slot_size, width):
                            beside, below = load(zero, stack, own + q), load(zero, stack, child + q)
                            both = below + beside
                            store(stack, own + q, both)
                            if_near = if_near + below * spread(zero, numbers, c)
                            if_far = if_far + beside * spread(zero, numbers, c + 1)
                            common = common + both * spread(zero, numbers, r)
                            c += 2
                            r += 1
                        store(out, result, load(zero, out, result) + (where(near, if_near, if_far) + common))
                    elif kind == TWO_LEAVES + REPEATED:
                        far = flags(zero, at(states, side + blocks))
                        if_near, if_far = zero, zero
                        for q in range(0, slot_size, width):
                            path = load(zero, stack, own + q)
                            store(stack, own + q, path * of_three(zero, numbers, c, near, far))
                            if_near = if_near + path * spread(zero, numbers, c + 3)
                            if_far = if_far + path * spread(zero, numbers, c + 4)
                            c += 5
                        store(out, result, load(zero, out, result) + where(near, if_near, where(far, if_far, zero)))
                    elif kind == DOWN_ONE + REPEATED:
                        far = flags(zero, at(states, side + blocks))
                        for q in range(0, slot_size, width):
                            path = load(zero, stack, own + q)
                            store(stack, child + q, path * of_three(zero, numbers, c, near, far))
                            c += 3
                    elif kind == DOWN_TWO + REPEATED:
                        far = flags(zero, at(states, side + blocks))
                        for q in range(0, slot_size, width):
                            path = load(zero, stack, own + q)
                            store(stack, child + q, path * of_three(zero, numbers, c, near, far))
                            store(stack, own + q, path * of_three(zero, numbers, c + 3, near, far))
                            c += 6
                    elif kind == UP_ONE + REPEATED:
                        far = flags(zero, at(states, side + blocks))
                        if_near, if_far, common = zero, zero, zero
                        for q in range(0, slot_size, width):
                            path, below = load(zero, stack, own + q), load(zero, stack, child + q)
                            both = below + path * of_three(zero, numbers, c, near, far)
                            store(stack, own + q, both)
                            if_near = if_near + below * spread(zero, numbers, c + 3)
                            if_far = if_far + path * spread(zero, numbers, c + 4)
                            common = common + both * spread(zero, numbers, c + 5)
                            c += 6
                        store(
                            out,
                            result,
                            load(zero, out, result) + where(near, if_near + common, where(far, if_far + common, zero)),
                        )
                    else:
                        far = flags(zero, at(states, side + blocks))
                        if_near, if_far, common = zero, zero, zero
                        for q in range(0, slot_size, width):
                            beside, below = load(zero, stack, own + q), load(zero, stack, child + q)
                            both = below + beside
                            store(stack, own + q, both)
                            if_near = if_near + below * spread(zero, numbers, c)
                            if_far = if_far + beside * spread(zero, numbers, c + 1)
                            common = common + both * spread(zero, numbers, c + 2)
                            c += 3
                        store(
                            out,
                            result,
                            load(zero, out, result) + where(near, if_near + common, where(far, if_far + common, zero)),
                        )

    return compiled(contribute)
