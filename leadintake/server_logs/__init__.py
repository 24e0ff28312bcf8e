"""Server log lines, independent of the application.

gunicorn lets gevent patch the standard library only after loading its log configuration: until then, nothing
of the application may be imported.
"""
