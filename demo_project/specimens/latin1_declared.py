# -*- coding: latin-1 -*-
"""Healthy: it says which encoding it is in."""

NAME = "Gaudí, El Peñón, Århus"
