"""Pictures that look like blood under a microscope, drawn: pale red discs, a purple cell or two, small purple spots."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

WIDTH, HEIGHT = 640, 480
GROUND, RED, RIM, PALE = (228, 212, 204), (205, 140, 138), (180, 108, 112), (222, 172, 166)
PURPLE, PLASMA, SPOT = (112, 62, 150), (190, 150, 200), (140, 90, 165)


def cell_picture(seed: int) -> NDArray[np.uint8]:
    """uint8 (480, 640, 3), the same for each seed."""
    random = np.random.default_rng([20261129, seed])
    image = Image.new("RGB", (WIDTH, HEIGHT), GROUND)
    pen = ImageDraw.Draw(image)

    def disc(x: float, y: float, radius: float, fill: tuple[int, int, int]) -> None:
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=fill)

    def place() -> tuple[float, float]:
        return float(random.uniform(30, WIDTH - 30)), float(random.uniform(30, HEIGHT - 30))

    taken: list[tuple[float, float, float]] = []
    for _ in range(int(random.integers(6, 16))):
        x, y = place()
        radius = float(random.uniform(42, 54))
        # Cells touch, but do not lie on each other.
        if any((x - u) ** 2 + (y - v) ** 2 < (0.95 * (radius + r)) ** 2 for u, v, r in taken):
            continue
        taken.append((x, y, radius))
        disc(x, y, radius, RIM)
        disc(x, y, radius - 4, RED)
        disc(x, y, radius * 0.4, PALE)
    for _ in range(int(random.integers(0, 3))):
        x, y = place()
        radius = float(random.uniform(70, 90))
        disc(x, y, radius, PLASMA)
        for _ in range(3):
            dx, dy = random.uniform(-0.3, 0.3, 2) * radius
            disc(x + dx, y + dy, radius * 0.5, PURPLE)
    for _ in range(int(random.integers(0, 4))):
        disc(*place(), float(random.uniform(12, 18)), SPOT)
    soft = np.asarray(image.filter(ImageFilter.GaussianBlur(2.5)), np.float64)
    return np.clip(np.rint(soft + random.normal(0, 4, soft.shape)), 0, 255).astype(np.uint8)
