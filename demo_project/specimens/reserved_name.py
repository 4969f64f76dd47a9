def order(class, copies=1):
    return {"class": class, "copies": copies}
