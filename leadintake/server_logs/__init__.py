"""Log lines of servers: small, and independent of the application, since a server loads it first.

gunicorn lets gevent patch the standard library after reading its log configuration; the application's imports
must not exist yet.
"""
