"""One model explained on one page, for those who build and check it: evidence, people by rank, tests. Nobody is named."""
