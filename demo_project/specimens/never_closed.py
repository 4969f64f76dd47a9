BOOKS = [
    ("Middlemarch", 1871),
    ("The Trial", 1925),
    ("Ficciones", 1944),

def oldest():
    return min(BOOKS, key=lambda book: book[1])
