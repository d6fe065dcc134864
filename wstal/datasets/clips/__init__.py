"""Short films that the package draws itself, to try everything on real video files anywhere. Knows no network and no reader.

storyboards.py    what happens when: shots of a film, drawn at random from one seed
canvas.py         anti-aliased shapes and textures in NumPy
scenes.py         what the classes look like, in motion and at rest
render.py         the films as H.264 files

A class is a *motion*. Its scene at rest surrounds every instance (context), and turns up in films of other classes too
(decoys); the camera shakes all the time. So neither a scene nor movement as such gives a class away.
"""
