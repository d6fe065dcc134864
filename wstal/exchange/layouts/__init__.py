"""A prepared dataset -> features and annotations as other codes read them. One file a layout.

It knows segment times, which is why nothing that trains may import it, and no method.

The file system is the registry (registry.py): `--layout wtalc` is wtalc.py. A layout offers
    SUBSETS                                what its code calls the training and the test videos
    write(data, subsets, out) -> None      all files below the folder `out`, which is empty; one video in memory at a time
"""
