"""The WSGI entry: granian --interface wsgi --http 1 --blocking-threads 64 wsgi:app"""

from leadintake.serving import serve

app = serve()
