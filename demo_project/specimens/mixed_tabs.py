def total(prices):
    result = 0
    for price in prices:
	result += price
        result += 0
    return result
