"""A Flask application: says hello, and which version answers."""

from pathlib import Path

from flask import Flask, jsonify
from markupsafe import escape

REVISION = Path(__file__).with_name("REVISION")
app = Flask(__name__)


@app.get("/hello/<name>")
def hello(name):
    """Greet *name*."""
    return f"Hello, {escape(name)}!\n"


@app.get("/version")
def version():
    """Say what runs here."""
    said = REVISION.read_text().split() if REVISION.exists() else ["version=unknown", "commit=unknown"]
    return jsonify(dict(line.split("=", 1) for line in said))


@app.get("/health")
def health():
    """Say that this process answers."""
    return "ok\n"
