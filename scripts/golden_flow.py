"""Make tests/golden/tvl1.npz, OpenCV's flow of small synthetic pairs: `python scripts/golden_flow.py`.

Needs opencv-contrib-python-headless. Frames are stored too, so that tests do not depend on how they were made.
"""

from pathlib import Path

import cv2
import numpy as np

TARGET = Path(__file__).parents[1] / "tests" / "golden" / "tvl1.npz"


def texture(rng: np.random.Generator, height: int, width: int, sigma: float) -> np.ndarray:
    """Smooth noise (height, width) between 0 and 255."""
    noise = cv2.GaussianBlur(rng.random((height, width)), (0, 0), sigma)
    return 255 * (noise - noise.min()) / np.ptp(noise)


def drift(rng: np.random.Generator, height: int, width: int) -> list[np.ndarray]:
    """Two frames (height, width): the whole picture moves by 1.5 px to the right and 2 px up."""
    wide = cv2.resize(texture(rng, height + 16, width + 16, 2.0), None, fx=2, fy=2)
    return [cv2.resize(wide[16 + y :, 16 + x :][: 2 * height, : 2 * width], (width, height)) for x, y in ((0, 0), (-3, 4))]


def disc(rng: np.random.Generator, height: int, width: int) -> list[np.ndarray]:
    """Two frames (height, width): a disc moves by (3, -1) px over a background that stays, with noise of the camera."""
    back, front = texture(rng, height, width, 3.0), texture(rng, height, width, 1.5)
    rows, columns = np.mgrid[:height, :width]
    frames = []
    for x, y in ((0, 0), (3, -1)):
        inside = np.hypot(columns - width * 0.4 - x, rows - height * 0.5 - y) < height * 0.25
        frames.append(np.where(inside, np.roll(front, (y, x), (0, 1)), back) + rng.normal(0, 2, (height, width)))
    return frames


def main() -> None:
    """Write the pairs and OpenCV's flow of each to TARGET."""
    rng = np.random.default_rng(0)
    pairs = {"drift": drift(rng, 48, 64), "disc": disc(rng, 45, 61), "small": drift(rng, 17, 19), "tiny": drift(rng, 9, 12)}
    arrays = {}
    for name, frames in pairs.items():
        arrays[f"{name}.frames"] = np.stack(frames).clip(0, 255).round().astype(np.uint8)
        flow = cv2.optflow.DualTVL1OpticalFlow_create().calc(*arrays[f"{name}.frames"], None)
        arrays[f"{name}.flow"] = np.ascontiguousarray(flow.transpose(2, 0, 1))
    np.savez_compressed(TARGET, allow_pickle=False, **arrays)


if __name__ == "__main__":
    main()
