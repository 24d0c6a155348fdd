"""One model explained on one page, for those who build and check it: importance, dependence, tests. Nobody is named."""
