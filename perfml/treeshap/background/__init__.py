"""Exact SHAP values against a reference group of rows: interventional TreeSHAP by patterns of a path.

**What is computed.** For a row x and a row b of the reference group, the game of a subset S of features is the model's margin
where features in S have x's values and the others b's; averaged over the group, its Shapley values add up to the margin of x
less the mean margin of the group (interventional SHAP: Lundberg et al. 2020). Unlike path-dependent values they say how x
differs *from these rows*, and a feature in which x differs from none of them gets 0.

**One leaf.** Let Z be the features on the path to a leaf of value v at whose splits x does not stay, W those at which b does
not. The leaf's game is v where S holds W and nothing of Z, else 0: it is 0 throughout where Z and W share a feature, and else

    each feature of W gets   v (|W| - 1)! |Z|! / (|W| + |Z|)!
    each feature of Z gets  -v |W|! (|Z| - 1)! / (|W| + |Z|)!

**Patterns.** Both depend on x and b through Z and W alone, sets of at most D features that are kept as the bits of one number.
Per leaf, rows of the group with the same W are counted once, and rows to explain with the same Z are computed once. That a
leaf's values depend on patterns alone, so that the group is gone through once instead of once for every row, is the idea of
WOODELF (Nadel and Wettenstein 2025), which prepares all patterns of a path, at a cost that grows as 3^D, or as 2^D (Wettenstein,
Nadel and Boker 2026); here only patterns that occur are paired. What a row costs beside its share of the pairs is
O(leaves · D), however large the group is.

**Modules.** :mod:`weights` has these two, :mod:`kernel` walks the trees (:mod:`perfml.treeshap.paths`), :mod:`explainer` is what
callers use. Decisions are those of the parent package (:mod:`perfml.treeshap.decisions`): categories, missing values and zeros as
LightGBM has them.

Sources: S. Lundberg et al., *From local explanations to global understanding with explainable AI for trees*, Nature Machine
Intelligence 2 (2020). G. Laberge, Y. Pequignot, *Understanding interventional TreeSHAP: how and why it works*, arXiv:2209.15123
(2022). A. Nadel, R. Wettenstein, *From decision trees to Boolean logic: a fast and unified SHAP algorithm*, arXiv:2511.09376
(2025). R. Wettenstein, A. Nadel, U. Boker, *WOODELF-HD: efficient background SHAP for high-depth decision trees*,
arXiv:2604.10569 (2026).
"""
