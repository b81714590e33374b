"""Django on a loopback port: a form with its CSRF check, and a page that redirects to its own absolute address.

python django-server.py PORT SETTINGS_AS_JSON
"""

import json
import secrets
import sys
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIServer, make_server

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse, HttpResponseRedirect
from django.middleware.csrf import get_token
from django.urls import re_path

port, more = int(sys.argv[1]), json.loads(sys.argv[2])


def form(request, _):
    if request.method == "POST":
        return HttpResponse(f"<h1>Taken: {request.POST['word']}</h1>")
    token = get_token(request)
    return HttpResponse(
        f'<form method="post"><input type="hidden" name="csrfmiddlewaretoken" value="{token}">'
        '<input name="word" value="hello"><button>Send</button></form>'
    )


def away(request, _):
    return HttpResponseRedirect(request.build_absolute_uri("landed"))


def landed(request, _):
    return HttpResponse(f"<h1>{request.build_absolute_uri()}</h1>")


urlpatterns = [re_path("^(.*/)?form$", form), re_path("^(.*/)?away$", away), re_path("^(.*/)?landed$", landed)]
settings.configure(
    SECRET_KEY=secrets.token_hex(),
    ALLOWED_HOSTS=["127.0.0.1", "localhost"],
    ROOT_URLCONF=__name__,
    MIDDLEWARE=[
        "django.middleware.security.SecurityMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
    ],
    **more,
)
django.setup()


class Threaded(ThreadingMixIn, WSGIServer):
    daemon_threads = True


make_server("127.0.0.1", port, get_wsgi_application(), server_class=Threaded).serve_forever()
