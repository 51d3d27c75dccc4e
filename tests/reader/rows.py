"""Rows of a reader's own."""

CHIP = {
    "id": "my-chip",
    "name": "My chip",
    "vendor": "me",
    "year": 2026,
    "P_bf16": 1000,
    "BW_mem": 4000,
    "M_cap": 128,
    "M_cap_unit": "GB",
    "source": "measured here",
    "locator": "none",
    "known": "assumed",
}
LINK = {
    "id": "my-link",
    "name": "My link",
    "kind": "scale-up",
    "BW_Int": 500,
    "source": "data sheet",
    "locator": "p. 1",
    "known": "published",
}

SYSTEM = {
    "id": "my-system",
    "name": "Mine",
    "model": "deepseek-v3",
    "accelerator": "chip.yml",
    "link": "./link.yml",
    "copies": 1,
    "n_acc": 64,
    "deg_TP": 1,
    "deg_DP": 64,
    "deg_EP": 32,
    "L": 4096,
    "phase": "decode",
    "source": "here",
    "locator": "none",
    "known": "assumed",
}


def declaring(*names: str) -> dict:
    """A notebook's globals after a parameters cell that declares these names as text."""
    return {"__annotations__": dict.fromkeys(names, str)}
