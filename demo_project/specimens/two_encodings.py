# -*- coding: latin-1 -*-

MARKED = "as UTF-8 by its first bytes, as Latin-1 by its first line"
