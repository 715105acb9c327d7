"""Thumbnails by address, which a browser keeps: what was shown once is not sent again."""

from hashlib import blake2b
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core.errors import SextantError

PATH = "thumbnails"
FOR_EVER = {"Cache-Control": "private, max-age=31536000, immutable"}
ROUTES: list[Route] = []


def route() -> Route:
    """The route, for the server of this process; without it thumbnails are sent with the cards."""
    ROUTES.append(Route(f"/{PATH}", _thumbnail))
    return ROUTES[-1]


def address(name: str, id: str, image: bytes) -> str:
    """Where a browser finds the thumbnail (WebP) of an item; "" for none, and without a route.

    Args:
        name: the collection.
        id: the item.
        image: the thumbnail, whose digest is part of the address: another one has another address.
    """
    if not (image and ROUTES):
        return ""
    digest = blake2b(image, digest_size=8).hexdigest()
    return f"{PATH}?{urlencode({'of': name, 'id': id, 'v': digest})}"


def _thumbnail(request: Request) -> Response:
    from pages.parts import state  # its caches need the running server

    name, id_ = (request.query_params.get(key, "") for key in ("of", "id"))
    try:
        image = state.workbench().thumbnails(name, (id_,)).get(id_)
    except SextantError:
        image = None
    if not image:
        return Response("There is no such thumbnail.\n", 404, media_type="text/plain")
    return Response(image, headers=FOR_EVER, media_type="image/webp")
