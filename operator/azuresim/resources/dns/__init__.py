"""Public and private DNS: zones, record sets, links of private zones to virtual networks.

The two providers are strangers in Azure and spell the same things differently;
`records` has what both know, told once.
"""
