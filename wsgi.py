"""The WSGI entry, for the servers that docs/operations.md names.

granian --interface wsgi --http 1 --blocking-threads 64 \\
    --log-config leadintake/server_logs/granian.json wsgi:app
"""

from leadintake.serving import serve

app = serve()
