"""A picture to draw on with soft edges. The unit is the picture's height; (0, 0) is its centre, y points down."""

import numpy as np

Point = tuple[float, float]
Colour = np.ndarray  # (3,) RGB, 0 to 1


class Canvas:
    """RGB values 0 to 1 in `pixels` (H, W, 3) float32; `camera` is the point that the centre shows."""

    def __init__(self, pixels: np.ndarray, camera: Point = (0.0, 0.0)):
        self.pixels, self.camera = pixels, camera

    def line(self, a: Point, b: Point, width: float, colour: Colour) -> None:
        """A stroke of `colour` (3,) from a to b with round ends; a == b gives a disc of diameter `width`."""
        height, length = self.pixels.shape[:2]
        origin = np.array([length / 2, height / 2]) - np.array(self.camera) * height
        start, end = (np.array(point) * height + origin for point in (a, b))
        radius = width * height / 2
        low = np.maximum(np.floor(np.minimum(start, end) - radius - 1), 0).astype(int)
        high = np.maximum(np.minimum(np.ceil(np.maximum(start, end) + radius + 1), [length, height]), low).astype(int)
        x, y = np.arange(low[0], high[0]) + 0.5 - start[0], np.arange(low[1], high[1])[:, None] + 0.5 - start[1]
        along = end - start
        share = np.clip((x * along[0] + y * along[1]) / max(along @ along, 1e-9), 0, 1)  # of the way from a to b
        distance = np.hypot(x - share * along[0], y - share * along[1])
        cover = np.clip(radius + 0.5 - distance, 0, 1)[..., None].astype(np.float32)  # of each pixel
        region = self.pixels[low[1] : high[1], low[0] : high[0]]
        region += cover * (colour.astype(np.float32) - region)

    def disc(self, centre: Point, diameter: float, colour: Colour) -> None:
        """A filled circle of `colour` (3,)."""
        self.line(centre, centre, diameter, colour)


def texture(rng: np.random.Generator, height: int, width: int, dark: Colour, light: Colour) -> np.ndarray:
    """Smooth noise between two colours, detail from coarse to fine: (height, width, 3) float32."""
    total, weight = np.zeros((height, width)), 0.0
    for cells, amplitude in ((3, 1.0), (8, 0.7), (21, 0.5), (55, 0.35)):
        grid = rng.random((cells + 1, cells + 1))
        across = _stretch(grid, width, axis=1)
        total += amplitude * _stretch(across, height, axis=0)
        weight += amplitude
    return (dark + (total / weight)[..., None] * (light - dark)).astype(np.float32)


def _stretch(values: np.ndarray, length: int, axis: int) -> np.ndarray:
    """Linear interpolation of an axis to `length` entries."""
    place = np.linspace(0, values.shape[axis] - 1, length)
    left = np.minimum(place.astype(int), values.shape[axis] - 2)
    share = (place - left)[:, None] if axis == 0 else place - left
    return np.take(values, left, axis) * (1 - share) + np.take(values, left + 1, axis) * share


def view(scene: np.ndarray, height: int, width: int, camera: Point) -> np.ndarray:
    """The part of a larger scene (H, W, 3) that the camera sees, shifted by fractions of a pixel: (height, width, 3)."""
    top, left = (
        (whole - part) / 2 + at * height
        for whole, part, at in zip(scene.shape[:2], (height, width), reversed(camera), strict=True)
    )
    row, column = int(np.floor(top)), int(np.floor(left))
    down, right = np.float32(top - row), np.float32(left - column)
    part = scene[row : row + height + 1, column : column + width + 1]
    rows = part[:-1] * (1 - down) + part[1:] * down
    return rows[:, :-1] * (1 - right) + rows[:, 1:] * right
