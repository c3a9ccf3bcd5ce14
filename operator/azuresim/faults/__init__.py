"""Faults scripted from outside, through the control socket only."""
