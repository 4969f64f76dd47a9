# -*- coding: klingon -*-

GREETING = "nuqneH"
