import urllib2

for line in urllib2.urlopen("http://example.org/"):
    print line
