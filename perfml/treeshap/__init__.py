"""Exact path-dependent SHAP values of LightGBM's trees, at about the cost of a prediction: quadrature TreeSHAP.

**What is computed.** For a row x and a leaf of value v, let the path to it hold D distinct features. For feature i let z_i be
the share of training rows that stay on the path at its splits (a product of cover ratios), and o_i 1 if x itself stays at all of
them, else 0. In path-dependent TreeSHAP (Lundberg et al. 2020) the leaf's game is f(S) = v · Π_{j in S} o_j · Π_{j not in S} z_j,
so that its Shapley value for feature i is

    φ_i = v (o_i - z_i) Σ_S |S|! (D - 1 - |S|)! / D! · Π_{j in S} o_j · Π_{j not in S} z_j        S over subsets without i

**The sum is an integral.** A subset's weight is a Beta integral, |S|! (D - 1 - |S|)! / D! = ∫₀¹ t^|S| (1 - t)^(D - 1 - |S|) dt.
Under the integral the sum over subsets factorises:

    φ_i = v (o_i - z_i) ∫₀¹ Π_{j ≠ i} h_j(t) dt        with h_j(t) = (1 - t) z_j + t o_j

The integrand is a polynomial of degree D - 1, so that ceil(D / 2) Gauss-Legendre nodes give it without error, whatever D is.
Sums over subsets or over path lengths, and unwinding a feature from a path, are not needed; all terms of the rule are positive.

**Shared paths.** At a node t, Π_{j ≠ i} h_j = P / h_i with P the product over the whole path. Paths share their beginnings: P is
multiplied by one factor an edge on the way down (:mod:`nodes`), and what all leaves below an edge give, H = Σ v P, is summed on
the way up, where the edge's feature earns Σ_t w (o - z) / h · H. A feature met again lower down replaces its factor: growth is a
quotient, and what the earlier edge earned is taken back (Yang 2021 and Yu et al. 2022 share prefixes and sum upwards in the
same way, with other polynomials). A row costs O(leaves · D / 2) instead of O(leaves · D²), with no step that depends on the row
but a choice among two or three numbers, so that many rows are computed at once.

**Modules.** :mod:`parsing` reads the model's text, :mod:`nodes` puts the nodes in order, :mod:`program` makes a flat list of
operations of them, :mod:`decisions` turns values into bits, one number a node and block of rows, :mod:`kernels` runs the list in
the processor's vectors (:mod:`simd`, :mod:`width`), :mod:`one_row` explains one row, :mod:`compiling` stores compiled code on
disk. Callers use :class:`.explainer.TreeShap`, or :func:`.contributions.contributions`, which compares it with LightGBM and
needs no numba for a few rows. :mod:`background` compares with a reference group, :mod:`interactions` explains pairs of features;
both walk :mod:`paths`.

Sources: S. Lundberg et al., *From local explanations to global understanding with explainable AI for trees*, Nature Machine
Intelligence 2 (2020). J. Yang, *Fast TreeSHAP: accelerating SHAP value computation for trees*, arXiv:2109.09847 (2021). P. Yu, A.
Bifet, J. Read, C. Xu, *Linear TreeShap*, NeurIPS 35 (2022). Gauss-Legendre rules: `numpy.polynomial.legendre.leggauss`.
"""
