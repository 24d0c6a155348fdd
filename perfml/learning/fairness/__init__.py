"""Audits of groups, proxies of protected attributes, and what mitigation costs."""
