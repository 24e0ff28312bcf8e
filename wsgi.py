"""The WSGI entry: granian --interface wsgi --blocking-threads 64 wsgi:app"""

from leadintake.serving import serve

app = serve()
