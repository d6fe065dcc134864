"""The classes: what each looks like. A scene draws what stands still once, and what may move for every frame.

`phase` counts the cycles of the motion since the action began, `amount` in [0, 1] is its strength: 0 at rest.
"""

from typing import Protocol

import numpy as np

from wstal.datasets.clips.canvas import Canvas, Point

TAU = 2 * np.pi


class Scene(Protocol):
    """One shot's scene; colours, sizes and speed are drawn when it is made."""

    dark: np.ndarray  # colours of its background
    light: np.ndarray
    rate: float  # cycles of the motion in a second

    def set_up(self, canvas: Canvas) -> None:
        """Draw what never moves."""

    def draw(self, canvas: Canvas, phase: float, amount: float) -> None:
        """Draw what the action moves."""


def shade(rng: np.random.Generator, *rgb: float) -> np.ndarray:
    """A colour (3,) near `rgb`, each from 0 to 1."""
    return np.clip(np.array(rgb) + rng.uniform(-0.08, 0.08, 3), 0, 1)


def polar(centre: Point, length: float, angle: float) -> Point:
    """The point at `length` from `centre`; angle 0 points down, a quarter of TAU to the right."""
    return centre[0] + length * float(np.sin(angle)), centre[1] + length * float(np.cos(angle))


class Bounce:
    """A ball bounces on a wooden floor."""

    def __init__(self, rng: np.random.Generator):
        self.dark, self.light = shade(rng, 0.25, 0.3, 0.45), shade(rng, 0.55, 0.6, 0.75)
        self.floor, self.ball, self.seam = shade(rng, 0.6, 0.4, 0.2), shade(rng, 0.9, 0.45, 0.1), shade(rng, 0.2, 0.12, 0.1)
        self.size, self.x, self.rise = rng.uniform(0.2, 0.26), rng.uniform(-0.15, 0.15), rng.uniform(0.4, 0.5)
        self.rate = rng.uniform(1.2, 1.7)

    def set_up(self, canvas: Canvas) -> None:
        """Draw the floor's boards and a seam."""
        for k in range(7):
            canvas.line((-1.2, 0.32 + 0.05 * k), (1.2, 0.32 + 0.05 * k), 0.055, self.floor * (1 - 0.06 * (k % 2)))
        canvas.line((-0.35, -0.9), (-0.35, 0.3), 0.03, self.seam)

    def draw(self, canvas: Canvas, phase: float, amount: float) -> None:
        """Draw ball and shadow, at a height that bounces with the phase."""
        height = amount * self.rise * abs(np.sin(TAU * phase / 2))
        centre = (self.x, 0.36 - self.size / 2 - height)
        canvas.line((self.x - 0.07, 0.37), (self.x + 0.07, 0.37), 0.03, self.floor * (0.5 + height / 2))  # its shadow
        canvas.disc(centre, self.size, self.seam)
        canvas.disc(centre, self.size * 0.94, self.ball)
        for angle in (0, TAU / 4):
            one, other = (polar(centre, self.size * 0.44, angle + side + phase) for side in (0, TAU / 2))
            canvas.line(one, other, 0.012, self.seam)


class Swing:
    """A child on a swing in a park."""

    def __init__(self, rng: np.random.Generator):
        self.dark, self.light = shade(rng, 0.15, 0.4, 0.15), shade(rng, 0.5, 0.75, 0.4)
        self.frame, self.shirt, self.skin = shade(rng, 0.35, 0.2, 0.1), shade(rng, 0.8, 0.15, 0.2), shade(rng, 0.9, 0.7, 0.55)
        self.length, self.angle = rng.uniform(0.5, 0.58), rng.uniform(0.75, 1.0)
        self.rate = rng.uniform(0.55, 0.75)

    def set_up(self, canvas: Canvas) -> None:
        """Draw lawn and frame."""
        canvas.line((-1.2, 0.48), (1.2, 0.48), 0.15, self.dark * 0.7)
        for side in (-1, 1):
            canvas.line((side * 0.3, -0.36), (side * 0.42, 0.44), 0.035, self.frame)
        canvas.line((-0.34, -0.36), (0.34, -0.36), 0.04, self.frame)

    def draw(self, canvas: Canvas, phase: float, amount: float) -> None:
        """Draw child and swing, at an angle that swings with the phase."""
        angle = amount * self.angle * float(np.sin(TAU * phase))
        pivot = (0.0, -0.36)
        seat = polar(pivot, self.length, angle)
        back = polar(seat, -0.2, angle - 0.15)
        canvas.line(pivot, seat, 0.012, self.frame * 0.6)
        knee = polar(seat, 0.12, angle + TAU / 4)
        canvas.line(seat, knee, 0.055, self.frame)
        canvas.line(knee, polar(knee, 0.12, angle + 0.6 * amount * np.cos(TAU * phase)), 0.045, self.frame)
        canvas.line(seat, back, 0.09, self.shirt)
        canvas.line(back, polar(pivot, self.length * 0.7, angle), 0.035, self.skin)
        canvas.disc(polar(back, -0.08, angle), 0.11, self.skin)


class JumpingJack:
    """A figure does jumping jacks in a gym."""

    def __init__(self, rng: np.random.Generator):
        self.dark, self.light = shade(rng, 0.5, 0.45, 0.35), shade(rng, 0.85, 0.8, 0.7)
        self.mat, self.shirt, self.skin = shade(rng, 0.2, 0.3, 0.6), shade(rng, 0.15, 0.5, 0.3), shade(rng, 0.85, 0.65, 0.5)
        self.x, self.rate = rng.uniform(-0.1, 0.1), rng.uniform(0.9, 1.3)

    def set_up(self, canvas: Canvas) -> None:
        """Draw the mat and two posts."""
        canvas.line((-1.2, 0.46), (1.2, 0.46), 0.12, self.mat)
        for x in (-0.5, 0.5):
            canvas.line((x, -0.5), (x, 0.38), 0.02, self.dark * 0.6)

    def draw(self, canvas: Canvas, phase: float, amount: float) -> None:
        """Draw the figure, whose limbs spread and close with the phase."""
        spread = amount * (0.5 - 0.5 * float(np.cos(TAU * phase)))  # 0 closed, 1 open
        hip = (self.x, 0.12 - 0.06 * amount * abs(float(np.sin(TAU * phase))))
        neck = polar(hip, -0.26, 0)
        for side in (-1, 1):
            canvas.line(hip, polar(hip, 0.29, side * (0.12 + 0.5 * spread)), 0.06, self.mat * 0.5)
            hand = polar(neck, 0.27, side * (0.25 + 2.5 * spread))
            canvas.line((neck[0] + 0.04 * side, neck[1] + 0.02), hand, 0.045, self.skin)
        canvas.line(hip, neck, 0.12, self.shirt)
        canvas.disc((neck[0], neck[1] - 0.11), 0.13, self.skin)


class Windmill:
    """A windmill turns on a hill."""

    def __init__(self, rng: np.random.Generator):
        self.dark, self.light = shade(rng, 0.45, 0.6, 0.85), shade(rng, 0.9, 0.93, 0.97)
        self.hill, self.wall, self.wing = shade(rng, 0.45, 0.5, 0.2), shade(rng, 0.75, 0.7, 0.65), shade(rng, 0.45, 0.15, 0.12)
        self.reach, self.start = rng.uniform(0.34, 0.4), rng.uniform(0, TAU)
        self.rate = rng.uniform(0.4, 0.6) * rng.choice([-1, 1])

    def set_up(self, canvas: Canvas) -> None:
        """Draw hill and mill."""
        canvas.disc((0.1, 1.35), 2.1, self.hill)
        for k in range(12):
            canvas.line((-0.05 - 0.006 * k, -0.05 + 0.04 * k), (0.05 + 0.006 * k, -0.05 + 0.04 * k), 0.045, self.wall)
        canvas.disc((0, -0.08), 0.17, self.wing * 0.7)

    def draw(self, canvas: Canvas, phase: float, amount: float) -> None:
        """Draw the sails, turned by the phase."""
        hub = (0.0, -0.08)
        for k in range(4):
            angle = self.start + TAU * (phase + k / 4)
            canvas.line(hub, polar(hub, self.reach, angle), 0.02, self.wing)
            canvas.line(polar(hub, self.reach * 0.35, angle + 0.14), polar(hub, self.reach, angle + 0.07), 0.06, self.wing)
        canvas.disc(hub, 0.05, self.wing * 0.6)


SCENES = {scene.__name__: scene for scene in (Bounce, Swing, JumpingJack, Windmill)}
