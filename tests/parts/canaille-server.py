"""Canaille, an OpenID provider in Python, on a loopback port, with a database of its own and two users in it.

python canaille-server.py PORT DATABASE_FILE ACCESS_TOKEN_SECONDS PASSWORD
"""

import secrets
import sys

from canaille import create_app
from canaille.app import models
from canaille.backends import Backend
from werkzeug.serving import make_server

port, database, seconds, password = int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4]

app = create_app(
    config={
        "SECRET_KEY": secrets.token_hex(),
        "OAUTH2_TOKEN_EXPIRES_IN": {"authorization_code": seconds, "refresh_token": seconds},
        "CANAILLE": {"DATABASE": "sql", "SMTP": None},
        "CANAILLE_SQL": {"DATABASE_URI": f"sqlite:///{database}"},
        "CANAILLE_OIDC": {"DYNAMIC_CLIENT_REGISTRATION_OPEN": True},
    }
)
with app.app_context(), app.backend.session():
    for name in ["ada", "grace"]:
        user = models.User(user_name=name, family_name=name, emails=[f"{name}@example.com"], password=password)
        Backend.instance.save(user)

make_server("127.0.0.1", port, app, threaded=True).serve_forever()
