"""Parameters and constants of TV-L1 optical flow, which the solvers of flow.py and flow_triton.py share."""

import msgspec

from wstal.base.record import Count, Positive, Record, Share

BOUND = 20.0  # two-stream networks see displacements up to so many pixels: I3D, TSN
LEVELS = 255  # of 8-bit flow: 0 is -BOUND, 255 is BOUND
MIN_SIZE = 16  # no scale of the pyramid but the first is smaller than so many pixels
FLAT = 1.1920929e-07  # a squared gradient up to float32's epsilon says nothing about motion


class TVL1(Record):
    """Parameters of TV-L1 in the papers' symbols."""

    tau: Positive  # τ, time step of the dual iteration; converges up to 0.25
    lambda_: Positive = msgspec.field(name="lambda")  # λ, weight of the data term for grey values of 0 to 255
    theta: Positive  # θ, how tightly v follows u
    scales: Count  # of the pyramid, at most
    scale_step: Share  # size of a scale relative to the finer one
    warps: Count  # linearizations a scale
    epsilon: Positive  # ε in pixels
    inner: Count  # iterations after each median filter, at most
    outer: Count  # median filters a linearization, at most


# Defaults of OpenCV's DualTVL1OpticalFlow, without its term for illumination (gamma = 0).
OPENCV = TVL1(
    tau=0.25, lambda_=0.15, theta=0.3, scales=5, scale_step=0.8, warps=5, epsilon=0.01, inner=30, outer=10
)  # fmt: skip
