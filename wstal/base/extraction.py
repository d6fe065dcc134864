"""How videos go through a backbone, as params.yaml and run.yaml say it."""

from typing import Annotated, Literal

from msgspec import Meta

from wstal.base.record import Count, Record


class Speed(Record):
    """How a network is run. Nothing here changes features by more than the rounding of `precision`."""

    precision: Literal["auto", "float32", "bfloat16", "float16"]  # of convolutions and products; auto: 16 bits where fast
    channels_last: bool  # the order in memory that tensor cores, and the CPU's vector units, prefer
    fold: bool  # merge batch normalization into convolutions
    compile: bool  # torch.compile; takes minutes at the first clips


class Extraction(Record):
    """The section `extraction` of a dataset's features."""

    short_side: Count  # pixels of the short side of a frame; the backbone was trained on its own `short_side`
    size: Count  # pixels of the square that is cut out of its middle
    batch: Count  # snippets that the network sees at once
    workers: Annotated[int, Meta(ge=1, le=1024)]  # files that are decoded at once, by each copy of the network
    speed: Speed
    weights: str | None = None  # their file, {stream} its stream; null: data/raw/weights has it, or a package that ships it
