GREETING = "hello
print(GREETING)
