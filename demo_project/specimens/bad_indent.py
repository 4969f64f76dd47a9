def greet(name):
    if name:
        print("hello", name)
      else:
        print("hello, whoever you are")
