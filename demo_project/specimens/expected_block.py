def promised_but_never_written():

def the_next_one():
    return 42
