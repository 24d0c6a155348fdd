"""Exact path-dependent interactions of pairs of features, by quadrature over shared paths.

**What is computed.** SHAP interaction values (Lundberg et al. 2020, after Fujimoto et al. 2006): for i and j on the path to a
leaf of value v, with o, z, h and t as :mod:`perfml.treeshap` has them,

    Φ_ij = Φ_ji = ½ v (o_i - z_i) (o_j - z_j) ∫₀¹ Π_{k ≠ i, j} h_k(t) dt        Φ_ii = φ_i - Σ_{j ≠ i} Φ_ij

so that the rows of Φ add up to the contributions φ, and all of it to the margin less the expected value. A subset's weight
|S|! (D - 2 - |S|)! / (D - 1)! is a Beta integral here too; the integrand has degree D - 2, and the nodes of the contributions
are enough.

**Shared paths.** With g = (o - z) / h, the pair earns ½ Σ_t w g_i g_j H, H being what the leaves below return. g of a feature
is a sum over the edges that ask for it, each adding what it changes, Δg; of two edges the lower one settles with what the
other feature has reached above it, so that each pair of edges counts once:

    at every edge of a feature j, for every other feature i above it        I_ij += Σ_t Δg_j(t) g_i(t) H(t)

A row costs O(edges · D · D / 2) instead of O(leaves · D² · features) by explaining once with and once without every feature.

Source of the definition: S. Lundberg et al., *From local explanations to global understanding with explainable AI for trees*,
Nature Machine Intelligence 2 (2020), algorithm 3.
"""
