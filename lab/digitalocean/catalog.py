"""What can be ordered: regions, sizes and images, as DigitalOcean describes them."""

from __future__ import annotations

from typing import Any

REGIONS = {"fra1": "Frankfurt 1", "ams3": "Amsterdam 3"}
SIZES = {"s-1vcpu-1gb": (1024, 1, 25, 6.0), "s-2vcpu-2gb": (2048, 2, 60, 18.0)}
IMAGES = {"debian-12-x64": (112929454, "12 x64"), "debian-11-x64": (112929408, "11 x64")}
CREATED = "2026-01-05T15:05:31Z"


def region(slug: str) -> dict[str, Any]:
    """Return the region *slug*."""
    features = ["backups", "ipv6", "metadata", "install_agent", "storage", "image_transfer"]
    return {
        "name": REGIONS[slug],
        "slug": slug,
        "features": features,
        "available": True,
        "sizes": list(SIZES),
    }


def size(slug: str) -> dict[str, Any]:
    """Return the size *slug*; only Frankfurt has all of them."""
    memory, processors, disk, price = SIZES[slug]
    return {
        "slug": slug,
        "memory": memory,
        "vcpus": processors,
        "disk": disk,
        "transfer": memory / 1024,
        "price_monthly": price,
        "price_hourly": round(price / 672, 5),
        "regions": ["fra1"] if slug == "s-2vcpu-2gb" else list(REGIONS),
        "available": True,
        "description": "Basic",
        "networking_throughput": 2000,
        "gpu_info": None,
        "disk_info": [{"type": "local", "size": {"amount": disk, "unit": "gib"}}],
    }


def image(slug: str) -> dict[str, Any]:
    """Return the image *slug*."""
    number, name = IMAGES[slug]
    return {
        "id": number,
        "name": name,
        "distribution": "Debian",
        "slug": slug,
        "public": True,
        "regions": list(REGIONS),
        "created_at": CREATED,
        "min_disk_size": 7,
        "type": "base",
        "size_gigabytes": 1.2,
        "description": f"Debian {name}",
        "tags": [],
        "status": "available",
        "error_message": "",
    }


def image_slug(wanted: Any) -> str | None:
    """Return the slug of the image *wanted* by slug or number; None when there is none."""
    return next((slug for slug, (number, _) in IMAGES.items() if str(wanted) in (slug, str(number))), None)
