"""Servers of services mode on one bare machine, without containers: Debian's packages, run by us in folders of ours."""
