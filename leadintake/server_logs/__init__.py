"""How a server writes its own lines: small, and apart from the application, for a server loads it first.

gunicorn has gevent replace parts of the standard library after it has read its log configuration; what the
application imports must not be there yet.
"""
