import Basics
print("x")
